"""A bot whose log has orders of which chance decided the way, with costs that can be worked by hand."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.bots import order

EVERY = 8
SHARE = 1 / EVERY
ORDER_COUNT = 40
FEES = "[fees]\nmaker_bps = 2\ntaker_bps = 5\n"


def experiment_rows(as_of: datetime, symbol: str = "GOODUSDT") -> list[dict[str, object]]:
    """Return 40 orders, one every half hour before `as_of`, each with a slippage of 1: every eighth was held out.

    With FEES a maker order costs 3 bps and a taker order 6. The notional of each is 100.
    """
    rows = []
    for number in range(1, ORDER_COUNT + 1):
        at = as_of - timedelta(minutes=30) * (ORDER_COUNT - number) - timedelta(seconds=30)
        held_out = number % EVERY == 0
        row = order(number, at, symbol, fallback=False, slippage_bps=1.0)
        way = {"maker_start": not held_out, "is_maker_final": not held_out}
        chance = {"holdout": held_out, "propensity": SHARE if held_out else 1 - SHARE}
        rows.append({**row, **way, **chance, "attempt_id": f"experiment {symbol} {number}"})
    return rows


def append_rows(log: Path, rows: list[dict[str, object]]) -> None:
    """Write the rows at the end of a log."""
    with log.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
