"""A clock that jumps, and a process in any time zone: no slot twice, at most one run for a jump, slots in UTC."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from croniter import croniter

import storage.write.leases
import storage.write.publish
from jobs.run.schedule import ClockError
from jobs.slots import Slots
from storage.errors import StoreError
from storage.read import policies
from storage.store import Store
from storage.write import leases
from tests.faults.audit import faults, torn
from tests.faults.broken import grant_every_claim, ignore_the_fence
from tests.faults.ticking import INTERVAL, START, Clock, schedule, ticks
from tests.support.runs import evidence, result
from tests.support.store_calls import read, write

# A jump, and how many runs the ticks after it may publish: one for a slot that is new, none for one that is not.
JUMPS = [
    (timedelta(hours=1), 1),
    (timedelta(minutes=10), 1),
    (timedelta(seconds=-10), 0),
    (timedelta(hours=-1), 1),
    (timedelta(hours=1), 0),
    (timedelta(minutes=-10), 0),
    (timedelta(minutes=10), 0),
    (INTERVAL, 1),
]


def test_after_every_jump_of_the_clock_there_is_at_most_one_run_and_none_twice(
    store: Store, store_url: str, clock: Clock
) -> None:
    several = [schedule(store_url), schedule(store_url)]
    assert ticks(several, store, clock) == 1
    for jump, expected in JUMPS:
        clock.now += jump
        assert ticks(several, store, clock) == expected, f"after {jump}"

    assert faults(store) == []


def test_a_clock_in_the_year_2200_computes_nothing_and_the_slots_of_today_still_work(
    store: Store, store_url: str, clock: Clock
) -> None:
    several = [schedule(store_url), schedule(store_url)]
    ticks(several, store, clock)
    before = clock.now
    clock.now = datetime(2200, 1, 1, 0, 0, 1, tzinfo=UTC)
    for scheduler in several:
        with pytest.raises(ClockError, match=r"off by 63436 days since this schedule began"):
            scheduler.tick(store)
    for number in range(1, 4):
        clock.now = before + number * INTERVAL
        assert ticks(several, store, clock) == 1, f"slot {number} after the clock was right again"

    newest = read(store, policies.newest_run, "default")
    assert newest is not None
    assert newest.slot <= clock.now
    assert faults(store) == []


def test_where_every_claim_is_granted_a_clock_that_goes_back_doubles_a_slot(
    store: Store, store_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        storage.write.leases, "acquire_lease", storage.write.leases.acquire_lease
    )  # both are put back afterwards
    monkeypatch.setattr(storage.write.publish, "_consume_lease", storage.write.publish._consume_lease)
    grant_every_claim()
    ignore_the_fence()
    several = [schedule(store_url)]
    ticks(several, store, clock)
    clock.now -= timedelta(hours=1)

    with pytest.raises(StoreError, match="policy_run"):  # only the key of the table is left to refuse it
        ticks(several, store, clock, count=1000)
    assert torn(store) != []


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "Asia/Kathmandu", "Pacific/Apia"]
CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("cron", "seconds"), [("*/5 * * * *", 300), ("0 * * * *", 3600), ("30 2 * * *", 86400), ("* * * * * */10", 10)]
)
def test_slots_are_utc_across_every_change_of_the_local_clock(
    zone: str, change: datetime, cron: str, seconds: int
) -> None:
    assert wrong_slots(cron, seconds, change) == [], zone


def wrong_slots(cron: str, seconds: int, change: datetime) -> list[str]:
    """Return the moments of the 30 hours around a change whose newest slot is not the one that plain counting says."""
    slots, offset = Slots(cron), 9000 if seconds == 86400 else 0
    step, wrong = timedelta(seconds=seconds) / 3, []
    stride = {10: 97, 300: 11}.get(seconds, 1)
    for number in range(0, int(timedelta(hours=30) / step), stride):
        now = change - timedelta(hours=3) + number * step
        expected = (int(now.timestamp()) - offset) // seconds * seconds + offset
        if slots.newest(now.astimezone()).timestamp() != expected:
            wrong.append(f"{cron} at {now}")
    return wrong


@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
def test_slots_of_the_local_clock_are_others(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slots, "_from", lambda slots, at: croniter(slots.cron, at))

    assert wrong_slots("30 2 * * *", 86400, datetime(2026, 3, 29, tzinfo=UTC)) != []


def test_a_run_of_a_process_in_another_zone_is_stored_as_the_same_moment(zone: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        claim = write(store, leases.acquire_lease, "default", START.astimezone(), "host:1", INTERVAL)
        run = store.publish(claim, result([evidence("BTCUSDT")]))
        with store.reader.connect() as connection:
            stored = connection.exec_driver_sql("select slot from policy_run").scalar_one()

    assert (run.slot, stored) == (START, "2026-04-26 00:15:07")
    assert abs(run.published_at - datetime.now(UTC)) < timedelta(minutes=1)
