"""The evidence of an outage as the JSON text that is stored, so that every step of its sum can be derived again."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder

_ENCODER = json.JSONEncoder(default=datetime.isoformat, sort_keys=True, separators=(",", ":"), allow_nan=False)


@lru_cache(maxsize=4096)  # the symbols of a run share the pool's
def outage_to_text(outage: OutageEvidence) -> str:
    """Write the evidence: its sums and counts, and of each of the newest orders what its increment follows from.

    Times are ISO 8601, keys are sorted, and there are no blanks. Raises ValueError for a number that is not finite.
    """
    return _ENCODER.encode(
        {
            "sum_before": outage.sum_before,
            "order_count": outage.order_count,
            "filled_probe_streak": outage.filled_probe_streak,
            "newest_orders": [_order(order) for order in outage.newest_orders],
        }
    )


def _order(order: WeighedOrder) -> dict[str, object]:
    return {
        "symbol": order.symbol,
        "order_id": order.order_id,
        "ended_at": order.ended_at,
        "went_through": order.went_through,
        "is_filled": order.is_filled,
        "order_count_so_far": order.so_far.order_count,
        "fill_count_so_far": order.so_far.fill_count,
    }


@lru_cache(maxsize=4096)
def outage_from_text(text: str) -> OutageEvidence:
    """Read what `outage_to_text` wrote. Raises ValueError, KeyError or TypeError for any other text."""
    parts = json.loads(text)
    return OutageEvidence(
        sum_before=parts["sum_before"],
        order_count=parts["order_count"],
        filled_probe_streak=parts["filled_probe_streak"],
        newest_orders=tuple(_weighed_order(order) for order in parts["newest_orders"]),
    )


def _weighed_order(parts: dict[str, Any]) -> WeighedOrder:
    return WeighedOrder(
        symbol=parts["symbol"],
        order_id=parts["order_id"],
        ended_at=datetime.fromisoformat(parts["ended_at"]),
        went_through=parts["went_through"],
        is_filled=parts["is_filled"],
        so_far=FillCount(order_count=parts["order_count_so_far"], fill_count=parts["fill_count_so_far"]),
    )
