"""What rule sets with state remember, for the next run to go on from."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from policy.rules import State
from storage.read.rows import state_after
from storage.schema.tables import policy_breaker, policy_run


def states_before(
    connection: Connection, scope: str, slot: datetime, rule_sets: Sequence[str]
) -> Mapping[str, Mapping[str, State]]:
    """Return, by rule set and symbol, the state after the newest run before a slot in which each rule set took part."""
    return {name: _states_before(connection, scope, slot, name) for name in rule_sets}


def _states_before(connection: Connection, scope: str, slot: datetime, rule_set: str) -> Mapping[str, State]:
    run, breaker = policy_run, policy_breaker
    took_part = select(1).where(breaker.c.run_id == run.c.run_id, breaker.c.rule_set == rule_set).exists()
    newest = select(run.c.run_id).where(run.c.scope == scope, run.c.slot < slot, took_part)
    run_id = connection.scalar(newest.order_by(run.c.slot.desc()).limit(1))
    if run_id is None:
        return {}
    rows = connection.execute(select(breaker).where(breaker.c.run_id == run_id, breaker.c.rule_set == rule_set))
    return {row.symbol: state_after(row) for row in rows}
