"""A window without an order: where the orders of the source are instead."""

from datetime import datetime, timedelta

from jobs.analysis.findings import counted
from jobs.engines.source_checks import OrdersOutside, orders_outside
from jobs.plan import EngineKind, Plan
from policy.time_text import iso


def orders_around(plan: Plan, as_of: datetime, now: datetime) -> OrdersOutside:
    """Return the orders around the window of `as_of`, until now; none if they lie where only a cluster reaches them.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    if plan.engine.kind is EngineKind.SPARK:
        return OrdersOutside()
    return orders_outside(plan.orders, as_of, now)


def once_at_the_end(orders: OrdersOutside) -> str:
    """Return the command that computes the policies at the end of the orders; empty without an order before."""
    if orders.newest_before is None:
        return ""
    return f"router-policy once --as-of {_just_after(orders.newest_before)}"


def check_at_the_end(orders: OrdersOutside) -> str:
    """Return the option with which `check` tries the end of the orders; empty if there are none."""
    return f"--as-of {_just_after(orders.newest)}" if orders.newest is not None else ""


def _just_after(at: datetime) -> str:
    return iso(at.replace(microsecond=0) + timedelta(seconds=1))


def elsewhere_words(orders: OrdersOutside, as_of: datetime) -> str:
    """Return in words where the orders around the window of `as_of` are; empty if there are none."""
    parts = []
    if orders.newest_before is not None:
        parts.append(f"the newest before is of {iso(orders.newest_before)}")
    if orders.first_later is not None:
        verb = "is" if orders.later_count == 1 else "are"
        since = f"from {iso(orders.first_later)} on"
        parts.append(f"{counted(orders.later_count, 'order')} {verb} newer than {iso(as_of)}, {since}")
    return ", ".join(parts)
