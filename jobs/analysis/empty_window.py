"""A window without an order: where the orders of the source are instead."""

from datetime import datetime

from jobs.analysis.findings import counted
from jobs.engines.source_checks import OrdersOutside, orders_outside
from jobs.plan import EngineKind, Plan
from policy.time_text import iso


def orders_elsewhere(plan: Plan, as_of: datetime, now: datetime) -> str:
    """Return in words where the orders around the window of `as_of` are, until now; empty if there are none.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    if plan.engine.kind is EngineKind.SPARK:
        return ""  # its sources may lie where only the cluster reaches them
    return _words(orders_outside(plan.orders, as_of, now), as_of)


def _words(orders: OrdersOutside, as_of: datetime) -> str:
    parts = []
    if orders.newest_before is not None:
        parts.append(f"the newest before is of {iso(orders.newest_before)}")
    if orders.first_later is not None:
        verb = "is" if orders.later_count == 1 else "are"
        since = f"from {iso(orders.first_later)} on"
        parts.append(f"{counted(orders.later_count, 'order')} {verb} newer than {iso(as_of)}, {since}")
    return ", ".join(parts)
