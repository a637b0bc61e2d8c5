"""The figures after a run: in a process of their own, for which no run waits, whatever becomes of it."""

import logging
import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread

import pytest

import jobs.run.child_process
from jobs.after_run.day_figures import FiguresTask
from jobs.after_run.figures_process import FiguresProcess
from jobs.analysis.day_figures import DAY
from jobs.plan import Location, OrdersKind, OrdersSource, Plan
from jobs.slots import Slots
from policy.rules import rule_set
from storage.read.day_figures import day_costs
from storage.records import PublishedRun
from storage.store import Store
from tests.support.outcomes import outcome, write_jsonl
from tests.support.runs import publish
from tests.support.small_runs import canonical
from tests.support.store_calls import read
from tests.support.waiting import wait_until

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as ts from n where i < 0"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        yield store


def process_of(store: Store, orders: OrdersSource, deadline: float) -> FiguresProcess:
    plan = Plan(scope="default", orders=orders, candles=None, rule_set=rule_set("seed"))
    task = FiguresTask(plan=plan, store_url=str(store.url), slots=Slots("*/15 * * * *"))
    return FiguresProcess(task=task, deadline=timedelta(seconds=deadline))


def endless(folder: Path) -> OrdersSource:
    """Orders by a query that never ends."""
    (folder / "endless.db").touch()
    url = f"sqlite:///{folder / 'endless.db'}"
    return OrdersSource(kind=OrdersKind.CANONICAL, location=Location(url=url, query=ENDLESS))


def first_run(store: Store) -> PublishedRun:
    return publish(store)


def test_the_figures_are_stored_by_a_process_that_the_run_does_not_wait_for(store: Store, tmp_path: Path) -> None:
    now = store.now()
    log = write_jsonl(tmp_path / "orders.jsonl", [outcome(0, at=now - DAY)])
    with closing(process_of(store, canonical(log), 100)) as figures:
        figures.start(first_run(store))

        wait_until(lambda: len(read(store, day_costs, "default", now - 2 * DAY, now)) == 1, "the figures are stored")


def test_a_log_that_never_ends_delays_nothing_and_is_ended_at_its_deadline(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = first_run(store)
    with caplog.at_level(logging.WARNING), closing(process_of(store, endless(tmp_path), 3)) as figures:
        figures.start(run)
        figures.start(run)

        assert caplog.messages == ["no figures of orders after run 1: those of an earlier run still take time"]
        wait_until(lambda: len(caplog.messages) > 1, "the deadline")
        assert caplog.messages[1:] == [
            "no figures of orders after run 1: the computation took longer than its deadline of 3 s and was ended"
        ]


def test_a_log_that_is_missing_is_a_warning(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        closing(process_of(store, canonical(tmp_path / "nowhere.jsonl"), 100)) as figures,
    ):
        figures.start(first_run(store))

        wait_until(lambda: bool(caplog.messages), "the warning")
        assert "no figures of orders after run 1: " in caplog.messages[0]
        assert "nowhere.jsonl" in caplog.messages[0]


STOPPED = "no figures of orders after run 1: they are left out, the program stops"


def test_closing_ends_what_is_being_computed_and_says_why(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "router_policy.figures")
    figures = process_of(store, endless(tmp_path), 300)
    figures.start(first_run(store))
    wait_until(lambda: bool(multiprocessing.active_children()), "the process")

    figures.close()

    assert caplog.messages == [STOPPED]
    assert multiprocessing.active_children() == []


def test_closing_while_the_process_is_being_started_ends_it_too(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, is_closing = Event(), Event()

    def slowly(child: BaseProcess) -> None:
        starts.set()
        assert is_closing.wait(60)
        child.start()

    caplog.set_level(logging.INFO, "router_policy.figures")
    monkeypatch.setattr(jobs.run.child_process, "_start_shielded", slowly)
    figures = process_of(store, endless(tmp_path), 300)
    figures.start(first_run(store))
    assert starts.wait(60)
    closing = Thread(target=figures.close)
    closing.start()
    wait_until(figures._abort.is_set, "the end is asked for")
    is_closing.set()
    closing.join(60)

    assert caplog.messages == [STOPPED]
    assert multiprocessing.active_children() == []
