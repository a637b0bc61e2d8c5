"""The assignments of orders to the holdout, derived again from their ids, as a table of one DuckDB connection."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs.analysis.order_history import naive
from policy.experiment.assignment import is_held_out
from storage.read.visible_policies import PolicyHoldout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# What does not fit the assignment of an order, by the faults of drift.sql.
_FAULTS = {
    "no_run": "took part in the holdout and names no run",
    "unknown_run": "took part in the holdout, and run {run_id} does not exist",
    "no_holdout": "took part in the holdout, and run {run_id} holds no orders out",
    "no_id": "took part in the holdout and has no id from which its assignment follows",
    "other_assignment": "logged as {logged}, and by its id it is {derived}",
    "other_propensity": "logged with the propensity {propensity}, and by run {run_id} it is {assigned_propensity}",
    "other_way": "went {way}, and was assigned {assigned_way}",
    "not_fresh": "took part in the holdout when run {run_id} was no longer fresh",
    "overridden": "took part in the holdout while an override was in force",
    "no_part": "went {way}, and was assigned {assigned_way}; without a propensity: its client knows no holdouts",
}
_ORDERS = """
    select distinct policy_run_id, symbol, order_id
    from order_event
    where reason is null and policy_run_id is not null and ts >= $start and ts < $end
"""


def load_assignments(
    connection: "DuckDBPyConnection", holdouts: Collection[PolicyHoldout], start: datetime, end: datetime
) -> None:
    """Create `assignment`: one row for each order of `order_event` whose policy holds orders out.

    `is_held_out` follows from the order's id, and is null without one.
    """
    from jobs.engines.duckdb_tables import load_table

    policies = {(holdout.run_id, holdout.symbol): holdout for holdout in holdouts}
    orders = connection.execute(_ORDERS, {"start": naive(start), "end": naive(end)}).fetchall() if policies else []
    rows = [(policies[run_id, symbol], order_id) for run_id, symbol, order_id in orders if (run_id, symbol) in policies]
    load_table(
        connection,
        "assignment",
        run_id=("bigint", [policy.run_id for policy, _ in rows]),
        symbol=("varchar", [policy.symbol for policy, _ in rows]),
        order_id=("varchar", [order_id for _, order_id in rows]),
        maker_first=("boolean", [policy.maker_first for policy, _ in rows]),
        share=("double", [policy.share for policy, _ in rows]),
        is_held_out=("boolean", [_is_held_out(order_id, policy) for policy, order_id in rows]),
    )


def _is_held_out(order_id: str | None, policy: PolicyHoldout) -> bool | None:
    return None if order_id is None else is_held_out(order_id, policy.salt, policy.share)


def fault_words(order: Mapping[str, Any]) -> str:
    """Return what does not fit the assignment of an order, a row of drift.sql with a fault."""
    return _FAULTS[order["fault"]].format_map(
        {
            **order,
            "logged": _part(order["holdout"]),
            "derived": _part(not order["holdout"]),
            "way": _way(order["maker_started"]),
            "assigned_way": _way(order["assigned_maker_first"]),
        }
    )


def _part(holdout: bool) -> str:
    return "held out" if holdout else "not held out"


def _way(maker_first: bool) -> str:
    return "maker first" if maker_first else "straight to taker"
