"""The lines of a maker-first bot's order log: one for each order, and one for each position that was closed."""

from typing import Any

from jobs.demo.router import Execution, Side

Row = dict[str, Any]
_MAKER_FEE_BPS = 2.0
_TAKER_FEE_BPS = 5.0


def order_row(execution: Execution, number: int) -> Row:
    """Write an order's line; `number` makes its ids, and `slippage_bps` is its signed cost against the mid.

    A fill that is not confirmed has the price 0, and with it a slippage of 10,000 either way, as real logs have it.
    """
    order, price = execution.order, execution.price
    notional_usd = price * order.contracts if price is not None else None
    waited_ms = round((execution.done_seconds - order.at_seconds) * 1000, 1)
    return {
        **_ids(number),
        "venue": "simulated_futures",
        "route": "maker_first" if execution.is_maker_start else "market",
        "prices": {"mark": execution.mark, "submitted": execution.mark, "avg_fill": price},
        "qty": {"contracts": order.contracts if price else 0.0, "notional_usd": notional_usd},
        "timing_ms": {"decision": None, "submit": None, "ack": waited_ms, "fill": None if price is None else 0.0},
        "result": _result(execution),
        "fees_usd": _fees_usd(execution, notional_usd) if notional_usd else None,
        "slippage_bps": _slippage_bps(execution),
        "ack_latency_ms": round(waited_ms - execution.waited_seconds * 1000, 1),
        "maker_start": execution.is_maker_start,
        "is_maker_final": execution.is_maker_fill,
        "used_fallback": execution.is_fallback,
        "execution_style": "single",
        "symbol": order.symbol,
        "side": order.side.value,
        "ts": round(execution.done_seconds, 3),
    }


def close_row(execution: Execution, number: int, at_seconds: float, profit_usd: float) -> Row:
    """Write the line of a position that order `number` has closed, with its profit before fees."""
    return {
        "ts": round(at_seconds, 3),
        **_ids(number),
        "symbol": execution.order.symbol,
        "side": execution.order.side.value,
        "event": "position_close",
        "pnl_at_close_usd": profit_usd,
        "order_status": "FILLED",
    }


def _ids(number: int) -> dict[str, str]:
    return {"attempt_id": f"sig_{number:010x}", "intent_id": f"ord_{number:010x}"}


def _result(execution: Execution) -> dict[str, object]:
    is_given_up = execution.price is None
    status = "CANCELED" if is_given_up else "FILLED" if execution.price else "NEW"
    return {"status": status, "retries": execution.reject_count, "cancelled": is_given_up}


def _fees_usd(execution: Execution, notional_usd: float) -> float:
    rate_bps = _MAKER_FEE_BPS if execution.is_maker_fill else _TAKER_FEE_BPS
    return round(notional_usd * rate_bps / 10_000, 6)


def _slippage_bps(execution: Execution) -> float | None:
    if execution.price is None:
        return None
    sign = 1 if execution.order.side is Side.BUY else -1
    return sign * (execution.price - execution.mark) / execution.mark * 10_000
