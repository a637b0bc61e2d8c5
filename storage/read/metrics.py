"""Counts for monitoring: runs, failures, slots without a run, changes, and whether a process holds a lease."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.read.pages import GapState, changed_in_run
from storage.schema.tables import policy_run, policy_run_failure, policy_slot


def run_count(connection: Connection, scope: str) -> int:
    """Return how many runs of a scope there are."""
    return connection.execute(select(func.count()).where(policy_run.c.scope == scope)).scalar_one()


def snapshot_count(connection: Connection) -> int:
    """Return how many snapshots the store has, of all scopes."""
    return int(connection.execute(select(func.coalesce(func.sum(policy_run.c.symbol_count), 0))).scalar_one())


def failure_count(connection: Connection, scope: str) -> int:
    """Return how many tries of a scope published nothing."""
    return connection.execute(select(func.count()).where(policy_run_failure.c.scope == scope)).scalar_one()


def gap_counts(connection: Connection, scope: str, now: datetime) -> Mapping[GapState, int]:
    """Return how many slots have no run, by their state; a state without any has 0."""
    slot = policy_slot
    is_recorded = (slot.c.scope == scope, slot.c.state.in_((GapState.MISSED, GapState.FAILED)))
    recorded = connection.execute(select(slot.c.state, func.count()).where(*is_recorded).group_by(slot.c.state))
    is_abandoned = (slot.c.scope == scope, slot.c.state == "running", slot.c.lease_until_at < now)
    abandoned = connection.execute(select(func.count()).where(*is_abandoned)).scalar_one()
    counts = {GapState(state): count for state, count in recorded}
    return {GapState.MISSED: 0, GapState.FAILED: 0, **counts, GapState.ABANDONED: abandoned}


def change_counts(connection: Connection, scope: str, after_run_id: int) -> Mapping[int, int]:
    """Return how many decisions changed in each run after one, by number; a run without any is there with 0."""
    run = policy_run
    runs = connection.scalars(select(run.c.run_id).where(run.c.scope == scope, run.c.run_id > after_run_id)).all()
    return {run_id: changed_in_run(connection, run_id) for run_id in runs}


def holds_lease(connection: Connection, scope: str, owner: str, now: datetime) -> bool:
    """Return whether an owner has the lease of a slot now."""
    slot = policy_slot
    query = select(func.count()).where(
        slot.c.scope == scope, slot.c.state == "running", slot.c.owner == owner, slot.c.lease_until_at > now
    )
    return connection.execute(query).scalar_one() > 0
