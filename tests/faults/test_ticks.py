"""A database that refuses for several slots under a schedule, and a scheduler whose thread is lost with its jobs."""

import signal
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from sqlalchemy import select

import jobs.run.schedule
from jobs.run.schedule import Schedule, ScheduleOptions, SchedulerDiedError
from jobs.slots import Slots
from storage.errors import StoreUnavailableError
from storage.records import Origin
from storage.schema.tables import policy_run, policy_slot
from storage.store import Store
from tests.faults.audit import faults
from tests.faults.fault_injection import Tripwire, break_driver
from tests.faults.ticking import INTERVAL, PLAN, START, Clock, schedule, ticks
from tests.support.runs import publish

REFUSED = 3


def slots(store: Store) -> list[tuple[datetime, str]]:
    """Return every slot that anybody has touched, oldest first, with its state."""
    with store.reader.connect() as connection:
        rows = connection.execute(select(policy_slot.c.slot, policy_slot.c.state).order_by(policy_slot.c.slot))
        return [(slot, state) for slot, state in rows]


def refuse_slots(store: Store, store_url: str, clock: Clock) -> None:
    """Tick through three slots for which the database refuses every statement, then through one for which it works."""
    scheduler, is_refusing = schedule(store_url), False
    assert ticks([scheduler], store, clock) == 1
    with Store(store_url) as refusing:
        Tripwire(refusing, break_driver, lambda *_: is_refusing)
        is_refusing = True
        for _ in range(REFUSED):
            clock.now += INTERVAL
            with pytest.raises(StoreUnavailableError):
                scheduler.tick(refusing)
        is_refusing = False
        clock.now += INTERVAL
        assert scheduler.tick(refusing) is not None


def test_slots_for_which_the_database_refused_are_missed_and_the_next_is_published(
    store: Store, store_url: str, clock: Clock
) -> None:
    first = clock.now.replace(second=0)

    refuse_slots(store, store_url, clock)

    assert slots(store) == [
        (first, "published"),
        *((first + number * INTERVAL, "missed") for number in range(1, REFUSED + 1)),
        (first + (REFUSED + 1) * INTERVAL, "published"),
    ]
    assert faults(store) == []


def test_where_missed_slots_are_not_noted_they_leave_no_trace(
    store: Store, store_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Schedule, "_note_missed", lambda *_: None)

    refuse_slots(store, store_url, clock)

    assert [state for _, state in slots(store)] == ["published"] * 2


def test_slots_missed_before_a_person_helped_out_are_recorded_by_the_schedule_that_comes_back(
    store: Store, store_url: str, clock: Clock
) -> None:
    first = clock.now.replace(second=0)
    assert schedule(store_url).tick(store) is not None
    clock.now += 5 * INTERVAL
    publish(store, first + 3 * INTERVAL, origin=Origin.MANUAL)
    publish(store, first + 5 * INTERVAL, origin=Origin.MANUAL)

    assert schedule(store_url).tick(store) is None

    assert slots(store) == [
        (first, "published"),
        (first + INTERVAL, "missed"),
        (first + 2 * INTERVAL, "missed"),
        (first + 3 * INTERVAL, "published"),
        (first + 4 * INTERVAL, "missed"),
        (first + 5 * INTERVAL, "published"),
    ]


def test_what_a_backfill_left_out_before_the_first_schedule_was_not_missed(
    store: Store, store_url: str, clock: Clock
) -> None:
    first = clock.now.replace(second=0)
    publish(store, first - 12 * INTERVAL, origin=Origin.BACKFILL)

    assert schedule(store_url).tick(store) is not None

    assert slots(store) == [(first - 12 * INTERVAL, "published"), (first, "published")]


def test_a_slot_that_is_caught_up_on_is_a_backfill_and_the_newest_is_none(
    store: Store, store_url: str, clock: Clock
) -> None:
    scheduler = Schedule(
        plan=PLAN, store_url=store_url, timing=ScheduleOptions(slots=Slots("*/5 * * * *"), catch_up=True)
    )
    assert scheduler.tick(store) is not None
    clock.now += 2 * INTERVAL

    runs = [scheduler.tick(store) for _ in range(3)]

    first = clock.now.replace(second=0) - 2 * INTERVAL
    assert [(run.slot, run.run_id) for run in runs if run] == [(first + 2 * INTERVAL, 2), (first + INTERVAL, 3)]
    assert origins(store) == ["schedule", "schedule", "backfill"]


def origins(store: Store) -> list[str]:
    with store.reader.connect() as connection:
        return list(connection.scalars(select(policy_run.c.origin).order_by(policy_run.c.run_id)))


def every_five_seconds(store_url: str) -> Schedule:
    return Schedule(plan=PLAN, store_url=store_url, timing=ScheduleOptions(slots=Slots("* * * * * */5")))


def assert_three_hours_are_missed(store: Store) -> None:
    """Nobody ran from 00:15:05 to 03:15:05: three hours of 720 slots, less the one that was computed then."""
    recorded = slots(store)
    missed = [slot for slot, state in recorded if state == "missed"]
    assert len(missed) == 3 * 720 - 1
    assert (missed[0], missed[-1]) == (START.replace(second=10), START.replace(hour=3, second=0))
    assert [slot for slot, state in recorded if state == "published"] == [
        START.replace(second=5),
        START.replace(hour=3, second=5),
    ]


def test_of_more_missed_slots_than_one_transaction_takes_all_are_recorded(
    store: Store, store_url: str, clock: Clock
) -> None:
    scheduler = every_five_seconds(store_url)
    assert scheduler.tick(store) is not None
    clock.now += timedelta(hours=3)

    assert scheduler.tick(store) is not None

    assert_three_hours_are_missed(store)
    assert faults(store) == []


def test_missed_slots_that_were_recorded_in_part_are_all_recorded_by_the_next_tick(
    store: Store, store_url: str, clock: Clock
) -> None:
    assert every_five_seconds(store_url).tick(store) is not None
    clock.now += timedelta(hours=3)
    commits = 0

    def is_second_commit(_: int, what: str) -> bool:
        nonlocal commits
        commits += what == "COMMIT"
        return what == "COMMIT" and commits == 2

    with Store(store_url) as failing:
        Tripwire(failing, break_driver, is_second_commit)
        with pytest.raises(StoreUnavailableError):
            every_five_seconds(store_url).tick(failing)
    assert [state for _, state in slots(store)] == ["published", *["missed"] * 1000]

    assert every_five_seconds(store_url).tick(store) is not None

    assert_three_hours_are_missed(store)


class LostJobStore(MemoryJobStore):  # type: ignore[misc]  # apscheduler comes without types
    """Jobs whose store cannot be written any more, as in a database that is gone."""

    def update_job(self, _: object) -> None:
        raise ConnectionError("the jobs' database is gone")


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the handlers of signals back that a schedule sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_schedule_whose_thread_dies_with_its_jobs_ends_instead_of_standing_still(
    store: Store, store_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.run.schedule, "MemoryJobStore", LostJobStore)
    monkeypatch.setattr(jobs.run.schedule, "_WATCH_SECONDS", 0.05)

    with pytest.raises(SchedulerDiedError, match="start router-policy run again"):
        schedule(store_url, timedelta(seconds=0.1)).run()
