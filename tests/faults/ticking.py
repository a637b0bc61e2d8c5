"""Schedules that tick when a test says so, by a clock that the test sets; they compute at once and in this process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

import jobs.run.schedule
import jobs.run.worker
import storage.write.leases
import storage.write.publish
from jobs.plan import Location, OrdersKind, OrdersSource, Plan
from jobs.run.schedule import Schedule, ScheduleOptions
from jobs.run.worker import RunTask
from jobs.slots import Slots
from storage.records import Origin, PublishedRun, RunResult
from storage.store import Store
from tests.support.runs import RULES, evidence, result

START = datetime(2026, 4, 26, 0, 15, 7, tzinfo=UTC)
INTERVAL = timedelta(minutes=5)
PLAN = Plan(
    scope="default",
    orders=OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path="none")),
    candles=None,
    rule_set=RULES,
)


class Clock:
    """The database's clock, as everything in the process sees it; a test sets it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self, *_: object) -> datetime:
        return self.now


def go_by(clock: Callable[..., datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store and its schedules go by a clock, and compute at once and in this process."""
    monkeypatch.setattr(Store, "now", lambda _: clock())
    monkeypatch.setattr(storage.write.leases, "database_now", clock)
    monkeypatch.setattr(storage.write.publish, "database_now", clock)
    monkeypatch.setattr(jobs.run.worker, "recompute", _computed)
    monkeypatch.setattr(jobs.run.schedule, "compute_slot_in_child", _compute_here)


def _computed(*_: object, origin: Origin, **__: object) -> RunResult:
    return result([evidence("BTCUSDT")], origin=origin)


def _compute_here(task: RunTask, *_: object) -> PublishedRun:
    with Store(task.store_url) as store:
        return jobs.run.worker.compute_slot(task, store)


def schedule(store_url: str, tick: timedelta = timedelta(seconds=5)) -> Schedule:
    """A schedule of a slot each five minutes."""
    return Schedule(plan=PLAN, store_url=store_url, timing=ScheduleOptions(slots=Slots("*/5 * * * *"), tick=tick))


def ticks(several: list[Schedule], store: Store, clock: Clock, count: int = 3) -> int:
    """Let each schedule tick so often, five seconds apart; return how many runs they published."""
    published = 0
    for _ in range(count):
        published += sum(scheduler.tick(store) is not None for scheduler in several)
        clock.now += timedelta(seconds=5)
    return published
