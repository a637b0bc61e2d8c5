"""Two and three schedules against one store, the leader killed or stopped: each slot once, and no long pause."""

import random
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from storage.store import Store
from tests.faults.audit import faults, torn
from tests.faults.schedulers import CARELESS, UNSHIELDED, Schedulers, schedulers
from tests.support.postgres import fresh_database
from tests.support.waiting import wait_until

SECONDS = 5


def slots(store: Store) -> list[object]:
    """Return every slot that is recorded in any way, oldest first, as the database writes it."""
    with store.reader.connect() as connection:
        return list(connection.scalars(text("select slot from policy_slot order by slot")).all())


def slots_without_a_record(store: Store, seconds: int = SECONDS) -> list[object]:
    """Return the gaps between the recorded slots, of which none is neither published nor marked in any way."""
    gaps = [timedelta_of(later) - timedelta_of(earlier) for earlier, later in pairwise(slots(store))]
    return [gap for gap in gaps if gap != timedelta(seconds=seconds)]


def timedelta_of(slot: object) -> timedelta:
    """Read a slot as either database gives it, as the time since some Sunday."""
    moment = datetime.fromisoformat(str(slot))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment - datetime(2026, 1, 4, tzinfo=UTC)


def kill_leaders(several: Schedulers, *, processes: int, kills: int) -> None:
    """Kill whoever holds a slot, again and again, each time with the takeover checked and a new one started."""
    for _ in range(processes):
        several.start()
    several.wait_for_more(what="the first slot is published")
    for number in range(kills):
        dead, slot = several.leader()
        several.kill(dead, with_child=number % 2 == 0)
        wait_until(partial(has_taken_over, several, dead, slot), "another schedule takes over", 60)
        took_over = min(at for at, by in several.published() if at >= slot and by != dead)
        assert took_over <= slot + timedelta(seconds=SECONDS), f"kill {number} of {slot}: next is {took_over}"
        assert torn(several.store) == [], f"kill {number}"
        several.start()
    several.wait_for_more(what="a slot after the last kill is published")
    assert several.terminate() == [0] * processes


def has_taken_over(several: Schedulers, dead: int, slot: datetime) -> bool:
    """Tell whether another schedule than the dead one has published this slot or a later one."""
    return any(at >= slot and by != dead for at, by in several.published())


def check_killed_leaders(folder: Path, store_url: str, *, processes: int, kills: int) -> None:
    with schedulers(folder, store_url, seconds=SECONDS) as several:
        kill_leaders(several, processes=processes, kills=kills)
        assert faults(several.store) == []
        assert slots_without_a_record(several.store) == []


@pytest.mark.parametrize("store_url", ["postgres", pytest.param("sqlite", marks=pytest.mark.long)], indirect=True)
def test_when_the_leader_is_killed_another_schedule_takes_over_within_one_slot(tmp_path: Path, store_url: str) -> None:
    check_killed_leaders(tmp_path, store_url, processes=2, kills=1)


@pytest.mark.long
def test_of_two_schedules_the_leader_is_killed_again_and_again(tmp_path: Path, store_url: str) -> None:
    check_killed_leaders(tmp_path, store_url, processes=2, kills=12)


@pytest.mark.long
def test_of_three_schedules_the_leader_is_killed_again_and_again(tmp_path: Path, store_url: str) -> None:
    check_killed_leaders(tmp_path, store_url, processes=3, kills=8)


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 3])
def test_a_schedule_that_was_stopped_past_its_lease_does_not_publish(
    tmp_path: Path, store_url: str, processes: int
) -> None:
    with schedulers(tmp_path, store_url, seconds=30, deadline="5s") as several:
        for _ in range(processes):
            several.start()
        several.wait_for_more(what="the first slot is published, so that the next is claimed when it begins")
        stopped, slot = several.leader()
        several.signal(stopped, signal.SIGSTOP)
        wait_until(lambda: slot in [at for at, _ in several.published()], "another publishes the slot", 60)
        several.signal(stopped, signal.SIGCONT)
        wait_until(lambda: "another process has taken it over" in several.messages, "the late one is refused", 60)

        assert [by for at, by in several.published() if at == slot] != [stopped]
        assert several.terminate() == [0] * processes
        assert faults(several.store) == []


def test_schedules_that_grant_every_claim_publish_slots_twice(tmp_path: Path, postgres_url: str) -> None:
    with (
        fresh_database(postgres_url) as store_url,
        schedulers(tmp_path, store_url, seconds=SECONDS, command=CARELESS) as several,
    ):
        with several.store.writer.begin() as connection:
            connection.execute(text("alter table policy_run drop constraint uq_policy_run_scope_slot"))
        several.start()
        several.start()
        wait_until(lambda: any("published twice" in tear for tear in torn(several.store)), "a slot is doubled", 60)


@pytest.mark.long
def test_twenty_times_told_to_stop_at_any_moment_it_stops_well(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    with schedulers(tmp_path, f"sqlite:///{tmp_path / 'policy.db'}", seconds=1) as several:
        for number in range(20):
            process_id = several.start()
            _, slot = several.leader()
            time.sleep(chance.uniform(0, 3))  # the moment is the subject
            several.signal(process_id, signal.SIGTERM)
            assert several.running.pop(process_id).wait(30) == 0, f"stop {number} of seed {seed}"
            assert torn(several.store) == [], f"stop {number} of seed {seed}"
            assert slot in [at for at, _ in several.published()], f"the run that had begun at stop {number}, {seed}"
        assert faults(several.store) == []


@pytest.mark.long
def test_where_a_run_does_not_ignore_the_signal_it_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with schedulers(tmp_path, url, seconds=SECONDS, command=UNSHIELDED) as several:
        process_id = several.start()
        _, slot = several.leader()
        wait_until(lambda: is_computing(process_id), "the process of the run has started")
        several.signal(process_id, signal.SIGTERM)
        assert several.running.pop(process_id).wait(30) == 0
        assert slot not in [at for at, _ in several.published()]


def is_computing(process_id: int) -> bool:
    """Tell whether a schedule has a process that computes; its other child only tidies up after others."""
    return any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(process_id).children())


@pytest.mark.long
def test_a_day_of_slots_in_fast_time_with_kills_leaves_every_slot_recorded_and_nothing_grows(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    with schedulers(tmp_path, f"sqlite:///{tmp_path / 'policy.db'}", seconds=1) as several:
        steady, victim = several.start(), several.start()
        several.wait_for_more(2)
        began = _size_of(steady)
        while len(slots(several.store)) < 288:
            time.sleep(chance.uniform(3, 12))  # the moment is the subject
            several.kill(victim, with_child=chance.random() < 0.5)
            assert torn(several.store) == [], f"seed {seed}"
            victim = several.start()
        several.wait_for_more(what="a slot after the last kill is published")
        ended = _size_of(steady)
        assert ended["memory"] - began["memory"] < 20_000_000
        assert ended["files"] <= began["files"] + 4
        assert sum(path.stat().st_size for path in tmp_path.glob("policy.db-wal")) < 64_000_000
        assert several.terminate() == [0, 0]
        assert faults(several.store) == []
        assert slots_without_a_record(several.store, seconds=1) == []


def _size_of(process_id: int) -> dict[str, int]:
    process = psutil.Process(process_id)
    return {"memory": process.memory_info().rss, "files": process.num_fds()}
