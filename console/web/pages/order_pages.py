"""What the page of single orders shows, and its address for the orders behind a decision."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import HTTPException

from console.web.order_log import ORDERS_SHOWN, OrderLog
from policy.time_text import iso
from policy.window import OUTCOME_WINDOW


def orders_behind(slot: datetime, symbol: str | None = None) -> Mapping[str, str]:
    """Return the query of the page for the orders that the decisions of a slot rest on, of a symbol or of all."""
    bounds = {"since": iso(slot - OUTCOME_WINDOW), "until": iso(slot)}
    return bounds if symbol is None else {**bounds, "symbol": symbol}


def order_log_values(
    log: OrderLog | None, scope: str, symbol: str | None, since: datetime, until: datetime
) -> Mapping[str, object]:
    """Return the values of the page's template. Raises HTTPException 422 if the time is empty."""
    if since >= until:
        raise HTTPException(422, f"since={iso(since)} is not before until={iso(until)}.")
    nothing = "this console knows no order log; start it with router-policy web or run --web"
    orders = log.newest(scope, symbol, since, until) if log is not None else nothing
    return {"symbol": symbol, "since": since, "until": until, "orders": orders, "most": ORDERS_SHOWN}
