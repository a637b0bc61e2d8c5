"""One slot computed and published: in this process, or in a child process that is killed at its deadline."""

from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from jobs.cycle_collector import without_collector
from jobs.engines.measure import Measure
from jobs.plan import Plan
from jobs.run.child_process import call_in_child
from jobs.run.recompute import recompute
from jobs.run.run_savings import new_savings, with_half_width
from storage.read.breaker_states import states_before
from storage.read.policies import symbols_before, symbols_without_orders
from storage.read.savings import known_savings
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease, record_failure

LEASE_MARGIN = timedelta(seconds=10)


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
    """Compute the claimed slot as `call_in_child` does; raises RunFailedError if nothing was published."""
    return call_in_child("run", _compute_in_store, task, deadline, abort)


def _compute_in_store(task: RunTask) -> PublishedRun:
    with Store(task.store_url) as store:
        return compute_slot(task, store)
