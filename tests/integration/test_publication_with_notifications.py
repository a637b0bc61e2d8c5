"""A run with notifications is published no later than one without, whatever the address does."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

import jobs.notify.watcher
import jobs.run.schedule
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.notify.watcher import NotifyPlan, Watcher
from jobs.run.schedule import Schedule, ScheduleOptions
from jobs.run.worker import RunTask, compute_slot
from jobs.slots import Slots
from policy.enums import TakerBias
from storage.records import PublishedRun
from storage.store import Store
from storage.write import overrides
from tests.support.bots import write_bot
from tests.support.endpoints import Endpoint, answering_garbage, answering_when_released, hanging, refusing
from tests.support.store_calls import write
from tests.support.waiting import wait_until

EVERY_SECOND = Slots("* * * * * *")
LONGEST_MESSAGE = timedelta(minutes=1)
Address = Callable[[], AbstractContextManager[Endpoint]]
ROUNDS = 3


@pytest.fixture
def bot(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Schedule:
    """A schedule that computes a slot each second in this process, over a bot's log; its store has a first run."""
    monkeypatch.setattr(jobs.run.schedule, "compute_slot_in_child", compute_here)
    settings = write_bot(tmp_path, datetime.now(UTC))
    (tmp_path / "policy.db").write_bytes(sqlite_template.read_bytes())
    loaded = load(settings)
    schedule = Schedule(plan=plan_of(loaded), store_url=loaded.store.url, timing=ScheduleOptions(slots=EVERY_SECOND))
    with Store(schedule.store_url) as store:
        publication_seconds(schedule, store)
    return schedule


def compute_here(task: RunTask, *_: object) -> PublishedRun:
    """Compute and publish a slot in this process."""
    with Store(task.store_url) as store:
        return compute_slot(task, store)


def publication_seconds(schedule: Schedule, store: Store) -> float:
    """Wait for the next slot, let the schedule publish it, and return how long that took."""
    done = EVERY_SECOND.newest(store.now())
    wait_until(lambda: EVERY_SECOND.newest(store.now()) > done, "the next slot is due")
    begin = time.monotonic()
    assert schedule.tick(store) is not None
    return time.monotonic() - begin


def watcher_of(schedule: Schedule, url: str) -> Watcher:
    """A watcher whose messages may take a minute."""
    plan = NotifyPlan(scope="default", slots=EVERY_SECOND, urls=(f"{url}?cto=300&rto=300",), deadline=LONGEST_MESSAGE)
    return Watcher(plan=plan, store_url=schedule.store_url)


def make_override(store: Store) -> None:
    """Do something that is told."""
    write(
        store,
        overrides.make_override,
        *("default", "GOODUSDT"),
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=timedelta(hours=1),
        author="ann",
        reason="outage",
    )


@pytest.mark.parametrize("answer", [b"", b"\x00\xff garbage\n"], ids=["nothing", "garbage"])
def test_runs_are_published_while_an_address_keeps_its_message_unanswered(
    bot: Schedule, answer: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The address answers only after the runs are published: a run that waited for it would never be."""
    monkeypatch.setattr(jobs.notify.watcher, "_LOOK_SECONDS", 0.05)
    released = Event()
    with Store(bot.store_url) as store, answering_when_released(answer, released) as endpoint:
        watcher = watcher_of(bot, endpoint.url)
        watcher.look(store)
        with watcher.watching():
            make_override(store)
            wait_until(lambda: bool(endpoint.bodies), "the message is on its way")
            publication_seconds(bot, store)
            publication_seconds(bot, store)
            assert "did not get" not in caplog.text
            released.set()
            wait_until(lambda: "did not get 1 notices" in caplog.text, "the message is given up")


@pytest.mark.parametrize("address", [hanging, refusing, answering_garbage])
def test_a_run_is_published_as_soon_with_notifications_as_without(
    bot: Schedule, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs with and without something to tell, in turn; who waited for the address that hangs would take a minute."""
    monkeypatch.setattr(jobs.notify.watcher, "_LOOK_SECONDS", 0.05)
    without, beside = [], []
    with Store(bot.store_url) as store, address() as endpoint:
        for _ in range(ROUNDS):
            without.append(publication_seconds(bot, store))
            watcher = watcher_of(bot, endpoint.url)
            watcher.look(store)
            with watcher.watching():
                make_override(store)
                beside.append(publication_seconds(bot, store))
    assert min(beside) < 2 * max(without), f"seconds without {without}, with {beside}"
