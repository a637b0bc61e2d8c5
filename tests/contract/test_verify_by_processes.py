"""Verifying with several processes: the answer is that of one, whatever becomes of the others."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import active_children
from typing import cast

import pytest
from sqlalchemy import text

import storage.audit.entries
from storage.audit import schema_objects, verify
from storage.audit.check_processes import Checked, CheckProcesses
from storage.audit.checked_entries import CheckedEntry, check_entries, rule_sets
from storage.audit.difference import TamperedError
from storage.audit.verify import Progress
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.tampering import behind_the_triggers

RUNS = 6
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
Answer = Callable[[Store, int, int], Checked]


@pytest.fixture(autouse=True)
def _batches_of_two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.audit.entries, "SNAPSHOTS_AT_ONCE", 2 * len(SYMBOLS))


@pytest.fixture
def history(store: Store) -> Store:
    for number in range(RUNS):
        publish(store, SLOT + number * QUARTER, *(evidence(symbol, fallback=number / 20) for symbol in SYMBOLS))
    return store


def honest(store: Store, after: int, upto: int) -> Checked:
    with store.reading() as connection:
        return list(check_entries(connection, rule_sets(connection), after, upto))


def forged(store: Store, after: int, upto: int) -> Checked:
    return [replace(entry, digest="0" * 64, derived_digest="0" * 64) for entry in honest(store, after, upto)]


def too_few(store: Store, after: int, upto: int) -> Checked:
    return honest(store, after, upto)[:-1]


def nothing(_store: Store, _after: int, _upto: int) -> Checked:
    return []


def unread(store: Store, after: int, upto: int) -> Checked:
    raise OSError(f"entries {after} to {upto} of {store} cannot be read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Stands for other processes, which give these answers."""

    executor: ThreadPoolExecutor
    answer: Callable[[int, int], Checked]
    count: int = 2

    def check(self, after: int, upto: int) -> Future[Checked]:
        return self.executor.submit(self.answer, after, upto)


def verified_by(store: Store, answer: Answer) -> list[Progress]:
    expected = schema_objects.expected_objects(store.writer)
    with ThreadPoolExecutor(1) as executor, store.reading() as connection:
        answers = Answers(executor=executor, answer=lambda after, upto: answer(store, after, upto))
        return list(verify.verify(connection, expected, None, cast("CheckProcesses", answers)))


def test_two_processes_verify_what_one_does_at_the_same_steps(history: Store) -> None:
    alone = list(history.verify())

    assert len(alone) == RUNS // 2 + 1
    assert list(history.verify(processes=2)) == alone


def test_what_the_others_have_checked_is_not_checked_again(history: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Iterator[CheckedEntry]:
        raise AssertionError("checked again")

    monkeypatch.setattr(verify, "check_entries", never)

    assert verified_by(history, honest)[-1].run_count == RUNS


@pytest.mark.parametrize("answer", [forged, too_few, nothing, unread])
def test_a_wrong_answer_of_another_process_changes_nothing(history: Store, answer: Answer) -> None:
    assert verified_by(history, answer) == list(history.verify())


@pytest.mark.parametrize(
    "change",
    [
        "update policy_snapshot set slip_q50 = 7.5 where run_id = {run}",
        "update policy_snapshot set reason = 'because' where run_id = {run} and symbol = 'ETHUSDT'",
        "update policy_run set previous_digest = 'x' where run_id = {run}",
        "delete from policy_snapshot where run_id = {run} and symbol = 'SOLUSDT'",
        "update policy_run set digest_form = 99 where run_id = {run}",
    ],
)
def test_the_first_difference_is_the_same(history: Store, change: str) -> None:
    with behind_the_triggers(history) as connection:
        connection.execute(text(change.format(run=5)))
    with pytest.raises(TamperedError) as alone:
        list(history.verify())

    with pytest.raises(TamperedError) as together:
        verified_by(history, honest)

    assert together.value.difference == alone.value.difference


def test_a_changed_figure_is_told_by_two_processes(history: Store) -> None:
    with behind_the_triggers(history) as connection:
        connection.execute(text("update policy_snapshot set slip_q50 = 7.5 where run_id = 5 and symbol = 'BTCUSDT'"))

    with pytest.raises(TamperedError, match="run 5"):
        list(history.verify(processes=2))


def test_a_prune_in_the_middle_is_no_difference(history: Store) -> None:
    """The others see it, and the connection that walks does not."""

    def after_a_prune(store: Store, after: int, upto: int) -> Checked:
        if after == 0:
            list(store.prune(timedelta(0), through_entry_id=RUNS - 1))
        return honest(store, after, upto)

    before = list(history.verify())

    assert verified_by(history, after_a_prune) == before
    assert list(history.verify())[-1].run_count < RUNS


def test_processes_that_are_killed_are_done_without(history: Store) -> None:
    alone = list(history.verify())
    verifying = history.verify(processes=2)

    steps = [next(verifying)]
    others = active_children()
    for process in others:
        process.kill()
    steps += verifying

    assert len(others) == 2
    assert steps == alone
