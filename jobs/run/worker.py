"""One slot computed and published: in this process, or in a child process that is killed at its deadline."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event

from jobs.cycle_collector import without_collector
from jobs.engines.measure import Measure
from jobs.plan import Plan
from jobs.run.child_process import end_with_parent, folder_of_run
from jobs.run.errors import RunFailedError
from jobs.run.recompute import recompute
from jobs.run.run_savings import new_savings, with_half_width
from policy.errors import RouterPolicyError
from storage.read.breaker_states import states_before
from storage.read.policies import symbols_before, symbols_without_orders
from storage.read.savings import known_savings
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease, record_failure

LEASE_MARGIN = timedelta(seconds=10)
_POLL_SECONDS = 0.2
PARENTS_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask:
    """What a child process needs to compute one claimed slot."""

    plan: Plan
    store_url: str
    lease: Lease
    origin: Origin


def compute_slot(task: RunTask, store: Store, measured: Measure | None = None) -> PublishedRun:
    """Compute the claimed slot and publish it, or raise with nothing published; `measured` is as in `recompute`."""
    with without_collector():
        return _compute_slot(task, store, measured)


def _compute_slot(task: RunTask, store: Store, measured: Measure | None) -> PublishedRun:
    started_at = store.now()
    lease, stateful = task.lease, [rules.name for rules in task.plan.rule_sets_with_state]
    with store.reading() as connection:
        known_symbols = symbols_before(connection, lease.scope, lease.slot)
        since = lease.slot - task.plan.leave_after
        idle_symbols = symbols_without_orders(connection, lease.scope, lease.slot, since)
        states = states_before(connection, lease.scope, lease.slot, stateful)
        known = known_savings(connection, lease.scope, lease.slot)
    # Nobody followed a backfilled slot, and a log as long as the experiment would be read again for each.
    savings = () if task.origin is Origin.BACKFILL else new_savings(task.plan, lease.slot, known)
    result = recompute(
        with_half_width(task.plan, known),
        lease.slot,
        origin=task.origin,
        started_at=started_at,
        known_symbols=known_symbols,
        idle_symbols=idle_symbols,
        states=states,
        measured=measured,
        savings=savings,
    )
    return store.publish(lease, result)


def compute_slot_or_fail(task: RunTask, store: Store, measured: Measure | None = None) -> PublishedRun:
    """Compute the claimed slot and publish it; any error is recorded, and the slot is free at once."""
    try:
        return compute_slot(task, store, measured)
    except BaseException as error:
        with store.writing() as connection:
            record_failure(connection, task.lease, str(error) or type(error).__name__, timedelta(0))
        raise


def compute_slot_in_child(task: RunTask, deadline: timedelta, abort: Event) -> PublishedRun:
    """Compute the claimed slot in a process of its own, which is killed at the deadline or when `abort` is set.

    Only a process can be killed while it hangs in a database or an engine; a thread cannot. If this process is killed,
    the run ends with it. Its temporary files are removed in any case. Raises RunFailedError if nothing was published.
    """
    context = multiprocessing.get_context("spawn")
    with folder_of_run() as folder:
        results, sender = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(task, sender, folder, deadline), name="router-policy-run")
        start_shielded(child)
        sender.close()
        try:
            return _wait_for_result(results, deadline, abort)
        finally:
            if child.is_alive():
                child.kill()
            child.join()
            results.close()


def start_shielded(child: BaseProcess) -> None:
    """Start the child with the signals blocked that it will ignore, so that none ends it while it starts."""
    resource_tracker.ensure_running()  # started later, it would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)
    try:
        child.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_result(results: Connection, deadline: timedelta, abort: Event) -> PublishedRun:
    waited = 0.0
    while not results.poll(_POLL_SECONDS):
        waited += _POLL_SECONDS
        if abort.is_set():
            raise RunFailedError("the run was ended because the schedule was stopped at once")
        if waited >= deadline.total_seconds():
            raise RunFailedError(
                f"the run took longer than its deadline of {deadline.total_seconds():g} s and was ended"
            )
    try:
        result = results.recv()
    except EOFError:
        raise RunFailedError(
            "the process of the run died without an error message; it may have been killed or run out of memory"
        ) from None
    if isinstance(result, PublishedRun):
        return result
    raise RunFailedError(str(result))


def _child(task: RunTask, sender: Connection, folder: Path, deadline: timedelta) -> None:
    """Run in the child: the parent handles signals to the whole group, so that this run can finish."""
    end_with_parent(folder, deadline)
    for number in PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
    with sender, Store(task.store_url) as store:
        sender.send(_result_or_error(lambda: compute_slot(task, store)))


def _result_or_error(compute: Callable[[], PublishedRun]) -> PublishedRun | str:
    try:
        return compute()
    except RouterPolicyError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - the parent records the error and goes on with the next slot
        return traceback.format_exc(limit=-3)
