"""The host's own clock jumps under a schedule that runs: the ticks go on, no slot is computed twice, memory stays flat.

The schedule, its thread and its scheduler are the real ones, in a process of their own; only its clock is moved.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import time_machine
from apscheduler.triggers.interval import IntervalTrigger

import jobs.run.schedule
from jobs.run.schedule import Schedule
from storage.records import PublishedRun
from storage.store import Store
from tests.faults.audit import faults
from tests.faults.processes import Forked, forked
from tests.faults.ticking import go_by, schedule
from tests.support.waiting import wait_until

# In the middle of a slot of five minutes, so that the time that a test takes does not lead into the next one.
BEGIN = datetime(2026, 4, 26, 0, 17, 30, tzinfo=UTC)
TICK = timedelta(seconds=0.1)
FAR = datetime(2200, 1, 1, tzinfo=UTC) - BEGIN
MEGABYTE = 1_000_000


def run_under_a_clock(pipe: Connection, url: str, is_protected: bool) -> None:
    """Run a schedule whose clock jumps by what comes through the pipe; say of each tick what it did.

    Of a tick it says how many jumps came before, and whether it published. Without the protection the ticks are
    APScheduler's own, and nobody looks whether the clock went back.
    """
    changing, tick, jumps = pytest.MonkeyPatch(), Schedule.tick, 0
    go_by(lambda *_: datetime.now(UTC), changing)
    changing.setattr(jobs.run.schedule, "_WATCH_SECONDS", 0.1 if is_protected else 3600.0)
    if not is_protected:
        changing.setattr(jobs.run.schedule, "_Ticks", lambda tick: IntervalTrigger(seconds=tick().total_seconds()))

    def tell(scheduler: Schedule, store: Store) -> PublishedRun | None:
        before, run = jumps, None
        try:
            run = tick(scheduler, store)
        finally:
            pipe.send((before, run is not None))
        return run

    def obey(traveller: time_machine.Traveller) -> None:
        nonlocal jumps
        while True:
            by = pipe.recv()
            jumps += 1
            traveller.shift(by)

    changing.setattr(Schedule, "tick", tell)
    with time_machine.travel(BEGIN) as traveller:
        threading.Thread(target=obey, args=(traveller,), daemon=True).start()
        schedule(url, TICK).run()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """A store on SQLite only: the host's clock is the same whatever the database is."""
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    return url


def runs_of_two_ticks(child: Forked, jumps: int) -> int:
    """Wait for two ticks that begin after so many jumps; return how many of them published."""
    published, seen = 0, 0
    while seen < 2:
        before, is_published = child.answer()
        if before == jumps:
            seen += 1
            published += is_published
    return published


def memory(child: Forked) -> int:
    return int(psutil.Process(child.owner_id).memory_info().rss)


# A jump, and how many runs the ticks after it publish: one for a slot that is new, none for one that is not.
JUMPS = [
    (timedelta(hours=1), 1),
    (timedelta(minutes=10), 1),
    (timedelta(seconds=-10), 0),
    (timedelta(hours=-1), 1),
    (timedelta(hours=1), 0),
    (FAR, 0),
    (-FAR, 0),
    (timedelta(minutes=5), 1),
]


def test_a_running_schedule_goes_on_after_every_jump_and_its_memory_does_not_grow(store_url: str) -> None:
    with forked(run_under_a_clock, store_url, True) as child:
        assert runs_of_two_ticks(child, 0) == 1
        before = memory(child)
        for number, (jump, expected) in enumerate(JUMPS, start=1):
            child.pipe.send(jump)
            assert runs_of_two_ticks(child, number) == expected, f"after {jump}"
        assert memory(child) - before < 50 * MEGABYTE

    with Store(store_url) as store:
        assert faults(store) == []


def test_with_ticks_of_the_wall_clock_none_comes_after_it_went_back(store_url: str) -> None:
    with forked(run_under_a_clock, store_url, False) as child:
        runs_of_two_ticks(child, 0)
        child.pipe.send(timedelta(hours=-1))
        time.sleep(10 * TICK.total_seconds())  # there is nothing to wait for: what is shown is that nothing comes

        assert [before for before, _ in child.answers() if before == 1][2:] == []


def test_with_ticks_of_the_wall_clock_a_jump_of_years_fills_the_memory(store_url: str) -> None:
    with forked(run_under_a_clock, store_url, False) as child:
        runs_of_two_ticks(child, 0)
        before = memory(child)
        child.pipe.send(FAR)

        wait_until(lambda: memory(child) - before > 50 * MEGABYTE, "the memory grows by 50 MB", 60)
