"""Order logs of a maker-first bot, line by line, in each layout that such a log has had."""

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.bots import order
from tests.support.small_runs import AS_OF

Line = dict[str, object] | str | bytes


def logged(
    number: int,
    *,
    symbol: str = "BTCUSDT",
    fallback: bool = False,
    slippage_bps: float = 1.0,
    at: datetime | None = None,
    **changes: object,
) -> dict[str, object]:
    """One order, `number` minutes before the run if no time is given, with any of its keys changed."""
    at = at or AS_OF - timedelta(minutes=number)
    return order(number, at, symbol, fallback=fallback, slippage_bps=slippage_bps) | changes


def without(row: dict[str, object], *keys: str) -> dict[str, object]:
    """The row without some of its keys."""
    return {key: value for key, value in row.items() if key not in keys}


def unfilled(number: int, status: str = "CANCELED", **changes: object) -> dict[str, object]:
    """An order that started as maker, was not filled, and of which no price is known."""
    nothing = {
        "prices": {"mark": 100.0, "avg_fill": None},
        "qty": {"contracts": 0.0, "notional_usd": 0.0},
        "result": {"status": status, "retries": 0},
        "slippage_bps": None,
        "is_maker_final": False,
    }
    return logged(number) | nothing | changes


def close(of: dict[str, object], pnl: object, *, minutes_later: float = 1.0) -> dict[str, object]:
    """The row that says what closing a position brought, which names the order that closed it."""
    ts = of["ts"]
    assert isinstance(ts, float)
    return {
        "ts": ts + minutes_later * 60,
        "attempt_id": of["attempt_id"],
        "symbol": of["symbol"],
        "side": of["side"],
        "event": "position_close",
        "pnl_at_close_usd": pnl,
        "order_status": "FILLED",
    }


def write_lines(path: Path, lines: Iterable[Line], *, end: str = "\n", last_end: str | None = None) -> Path:
    """Write rows as JSON, and texts and bytes as they are, one a line; gzip if the name ends in .gz."""
    content = end.encode().join(map(_bytes, lines)) + (end if last_end is None else last_end).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _bytes(line: Line) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()
