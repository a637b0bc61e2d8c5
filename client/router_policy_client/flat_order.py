"""A finished order as plain values, for routers that are not `route_order`, and its line in the order log."""

from datetime import datetime
from decimal import Decimal
from typing import NotRequired, Required, TypedDict

from router_policy_client.order import Side

_Number = float | Decimal


class FlatOrder(TypedDict):
    """One order of a bot's own router, its maker attempt and its fallback together.

    `side` is BUY or SELL, in any case. `done_at` is an aware time. `maker_started`: a post-only attempt was made;
    `maker_filled`: it filled the whole order, by the venue's liquidity flag; `fallback_used`: after it, any part was
    sent as taker. Each flag is None if unknown. `average_price` is the mean fill price, None if nothing was filled.
    `quantity` is the filled amount in units of the traded asset, `mid` the mid price at the decision, `fees` are in the
    quote currency (negative: a rebate). `probe` and `policy_run_id` are those of the gate's decision.
    """

    order_id: Required[str]
    symbol: Required[str]
    side: Required[str]
    done_at: Required[datetime]
    maker_started: Required[bool | None]
    maker_filled: Required[bool | None]
    fallback_used: Required[bool | None]
    average_price: Required[_Number | None]
    quantity: NotRequired[_Number | None]
    mid: NotRequired[_Number | None]
    fees: NotRequired[_Number | None]
    post_only_rejects: NotRequired[int]
    probe: NotRequired[bool | None]
    policy_run_id: NotRequired[int | None]


_KEYS = frozenset(FlatOrder.__annotations__)


def flat_row(order: FlatOrder) -> dict[str, object]:
    """Return an order as the keys of the order log.

    Raises ValueError for a missing or unknown field, a side other than BUY and SELL, a time without a zone, a price
    that is not a finite number above 0, and a maker fill without a maker start or a fill price.
    """
    _check(order)
    price, quantity = _float(order["average_price"]), _float(order.get("quantity"))
    is_given_up = order["maker_started"] and not order["maker_filled"] and not order["fallback_used"]
    return {
        "attempt_id": order["order_id"],
        "prices": {"mark": _float(order.get("mid")), "avg_fill": price},
        "qty": {
            "contracts": quantity,
            "notional_usd": None if price is None or quantity is None else price * quantity,
        },
        "result": {
            "status": "CANCELED" if price is None or is_given_up else "FILLED",
            "retries": order.get("post_only_rejects", 0),
        },
        "fees_usd": _float(order.get("fees")),
        "slippage_bps": _slippage_bps(order),
        "maker_start": order["maker_started"],
        "is_maker_final": order["maker_filled"],
        "used_fallback": order["fallback_used"],
        "probe": order.get("probe"),
        "policy_run_id": order.get("policy_run_id"),
        "symbol": order["symbol"],
        "side": Side(order["side"].upper()),
        "ts": round(order["done_at"].timestamp(), 6),
    }


def _check(order: FlatOrder) -> None:
    missing = FlatOrder.__required_keys__ - order.keys()
    unknown = order.keys() - _KEYS
    if missing or unknown:
        names = ", ".join(sorted(missing or unknown))
        raise ValueError(f"the fields {names} are {'missing' if missing else 'not known'}; see FlatOrder")
    if order["done_at"].tzinfo is None:
        raise ValueError(f"done_at {order['done_at']} has no time zone; give an aware time")
    for name, price in (("average_price", _float(order["average_price"])), ("mid", _float(order.get("mid")))):
        if price is not None and not 0 < price < float("inf"):
            raise ValueError(f"{name} {price} is not a price above 0; give None if there is none")
    if order["maker_filled"] and (order["average_price"] is None or not order["maker_started"]):
        raise ValueError("maker_filled is true without a maker start and a fill price; give what the venue confirmed")


def _slippage_bps(order: FlatOrder) -> float | None:
    price, mid = _float(order["average_price"]), _float(order.get("mid"))
    if price is None or mid is None:
        return None
    sign = 1 if order["side"].upper() == Side.BUY else -1
    return sign * (price - mid) / mid * 10_000


def _float(value: _Number | None) -> float | None:
    return None if value is None else float(value)
