"""The lines of the bot's log that are not orders: one for each position that was closed."""

from typing import Any

from router_policy_client.order import Order

LogRow = dict[str, Any]


def close_row(order: Order, at_seconds: float, profit_usd: float) -> LogRow:
    """Write the line of a position that an order has closed, with its profit before fees."""
    return {
        "ts": round(at_seconds, 3),
        "attempt_id": order.order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "event": "position_close",
        "pnl_at_close_usd": profit_usd,
        "order_status": "FILLED",
    }
