"""A process struck at every statement of claiming and publishing, and at every named point of its job."""

import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import func, select

import jobs.run.worker
from jobs.plan import Location, OrdersKind, OrdersSource, Plan
from jobs.run.lease_owner import owner
from jobs.run.worker import RunTask, compute_slot
from storage.errors import StoreUnavailableError
from storage.records import Origin, RunResult
from storage.schema.tables import policy_run, policy_slot
from storage.store import Store
from storage.write import leases
from storage.write.leases import SlotPublishedError
from tests.faults.audit import faults, torn
from tests.faults.broken import commit_each_statement
from tests.faults.fault_injection import StruckError, Tripwire, break_driver, fail, kill, terminate
from tests.faults.processes import forked
from tests.faults.publisher import SCOPE, many_symbols, take
from tests.support.runs import LEASE, QUARTER, RULES, SLOT
from tests.support.store_calls import write

FEW = 5
BLOWS = {"kill": kill, "terminate": terminate, "raise": fail}
# Each point is named by the statement that would come next.
POINTS = {
    "claimed": "",
    "computed": "UPDATE policy_head SET entry_id",
    "claim used": "INSERT INTO policy_scope",
    "before the run": "INSERT INTO policy_run ",
    "after the run": "INSERT INTO policy_snapshot",
    "after the snapshots": "INSERT INTO policy_reject",
    "before the head": "UPDATE policy_head SET digest",
    "before the commit": "COMMIT",
    "after the commit": "SELECT policy_run.run_id, policy_run.scope",
}


def runs_of(store: Store, slot: datetime) -> int:
    with store.reader.connect() as connection:
        query = select(func.count()).select_from(policy_run).where(policy_run.c.slot == slot)
        return connection.execute(query).scalar_one()


def holder_of(store: Store, slot: datetime) -> str:
    """Return who has claimed a slot; empty if nobody has."""
    with store.reader.connect() as connection:
        return connection.scalar(select(policy_slot.c.owner).where(policy_slot.c.slot == slot)) or ""


def claim_and_publish(store: Store, slot: datetime) -> None:
    store.publish(take(store, slot), many_symbols(FEW))


def recover(store: Store, slot: datetime, dead: str) -> None:
    """Do the slot as another owner, who knows that the first is dead."""
    with suppress(SlotPublishedError):
        store.publish(
            write(store, leases.acquire_lease, SCOPE, slot, "other:1", LEASE, dead_owner=dead), many_symbols(FEW)
        )


def statements(url: str, slot: datetime) -> int:
    """Count the points of one undisturbed claim and publication."""
    with Store(url) as store:
        wire = Tripwire(store, kill, lambda *_: False)
        claim_and_publish(store, slot)
        return len(wire.seen)


def _is(point: int) -> Callable[[int, str], bool]:
    return lambda number, _: number == point


def killed_at(pipe: Connection, url: str, slot: datetime, point: int, is_torn: bool) -> None:
    with Store(url) as store:
        if is_torn:
            commit_each_statement(store.writer)
        Tripwire(store, kill, lambda number, _: number == point)
        claim_and_publish(store, slot)


def test_a_kill_at_every_statement_leaves_one_whole_run_once_another_has_taken_over(
    store: Store, store_url: str
) -> None:
    total = statements(store_url, SLOT - QUARTER)
    for point in range(1, total + 1):
        slot = SLOT + point * QUARTER
        with forked(killed_at, store_url, slot, point, False) as child:
            child.process.join(30)
            assert child.process.exitcode == -signal.SIGKILL, f"nothing happened at {point} of {total}"
            recover(store, slot, holder_of(store, slot))
        assert (runs_of(store, slot), torn(store)) == (1, []), f"killed at {point} of {total}"

    assert total >= 15
    assert faults(store) == []


def test_without_transactions_a_kill_at_every_statement_tears_a_run(store: Store, store_url: str) -> None:
    tears = []
    for point in range(1, statements(store_url, SLOT - QUARTER) + 1):
        with forked(killed_at, store_url, SLOT + point * QUARTER, point, True) as child:
            child.process.join(30)
        tears += torn(store)

    assert any("without all of its snapshots" in tear for tear in tears)
    assert any("without a run" in tear for tear in tears)


def test_a_driver_error_at_every_statement_leaves_one_whole_run_once_another_has_taken_over(
    store: Store, store_url: str
) -> None:
    total = statements(store_url, SLOT - QUARTER)
    for point in range(1, total + 1):
        slot = SLOT + point * QUARTER
        with Store(store_url) as struck:
            Tripwire(struck, break_driver, _is(point))
            with pytest.raises(StoreUnavailableError, match="disk I/O error"):
                claim_and_publish(struck, slot)
        recover(store, slot, owner())
        assert (runs_of(store, slot), torn(store)) == (1, []), f"the driver failed at {point} of {total}"

    assert faults(store) == []


def job_once(url: str, slot: datetime, strike: Callable[[], None] | None = None, point: str = "") -> str:
    """Do what the schedule's child does for a slot, struck at a named point or not at all; say what came of it."""
    with Store(url) as store:
        try:
            claim = take(store, slot)
        except SlotPublishedError:
            return "published already"
        if strike is not None:
            Tripwire(store, strike, lambda _, what: what.startswith(POINTS[point]))
        compute_slot(RunTask(plan=PLAN, store_url=url, lease=claim, origin=Origin.SCHEDULE), store)
        return "published"


def job(pipe: Connection, url: str, slot: datetime, point: str, blow: str) -> None:
    vars(jobs.run.worker)["recompute"] = _computed  # the computing itself is not the subject
    with suppress(StruckError):
        pipe.send(job_once(url, slot, BLOWS[blow], point))


PLAN = Plan(
    scope=SCOPE,
    orders=OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path="none")),
    candles=None,
    rule_set=RULES,
)


def _computed(*_: object, **__: object) -> RunResult:
    return many_symbols(FEW)


@pytest.mark.parametrize(
    ("store_url", "blow"),
    [
        *(("sqlite", blow) for blow in BLOWS),
        ("postgres", "kill"),
        *(pytest.param("postgres", blow, marks=pytest.mark.long) for blow in BLOWS if blow != "kill"),
    ],
    indirect=["store_url"],
)
def test_a_job_struck_at_a_named_point_has_exactly_one_run_after_it_is_started_again(
    store: Store, store_url: str, blow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.run.worker, "recompute", _computed)
    for number, point in enumerate(POINTS):
        slot = SLOT + timedelta(hours=number)
        with forked(job, store_url, slot, point, blow) as struck:
            struck.process.join(30)
            assert struck.answers() == [], f"{blow} at {point!r}: the job was not struck"
        answer = job_once(store_url, slot)
        expected = "published already" if point == "after the commit" else "published"
        assert (answer, runs_of(store, slot), torn(store)) == (expected, 1, []), f"{blow} at {point!r}"

    assert faults(store) == []
