"""What the page of single orders shows."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import HTTPException

from console.web.order_log import ORDERS_SHOWN, OrderLog
from policy.time_text import iso


def order_log_values(
    log: OrderLog | None, scope: str, symbol: str | None, since: datetime, until: datetime
) -> Mapping[str, object]:
    """Return the values of the page's template. Raises HTTPException 422 if the time is empty."""
    if since >= until:
        raise HTTPException(422, f"since={iso(since)} is not before until={iso(until)}.")
    nothing = "this console knows no order log; start it with router-policy web or run --web"
    orders = log.newest(scope, symbol, since, until) if log is not None else nothing
    return {"symbol": symbol, "since": since, "until": until, "orders": orders, "most": ORDERS_SHOWN}
