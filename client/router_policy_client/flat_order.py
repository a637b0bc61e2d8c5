"""A finished order as plain values, for routers that are not `route_order`, and its line in the order log."""

from datetime import datetime
from decimal import Decimal
from math import inf
from typing import NotRequired, Required, TypedDict

from router_policy_client.known_fields import known_fields
from router_policy_client.order import Side

_Number = float | Decimal


class FlatOrder(TypedDict):
    """One order of a bot's own router, its maker attempt and its fallback together.

    `side` is BUY or SELL, in any case. `done_at` is an aware time. `maker_started`: a post-only attempt was made;
    `maker_filled`: it filled the whole order, by the venue's liquidity flag; `fallback_used`: after it, any part was
    sent as taker. Each flag is None if unknown. `average_price` is the mean fill price, None if nothing was filled.
    `quantity` is the filled amount in units of the traded asset, `mid` the mid price at the decision, `fees` are in the
    quote currency (negative: a rebate). `probe`, `policy_run_id`, `holdout` and `propensity` are those of the gate's
    decision.

    How the order rested: `posts` is how often it was posted. `maker_price` is the price of the last post, on a tick;
    `maker_from` and `maker_until` are when that post rested. `went_through` is whether the best price of the other side
    was seen beyond a post's price, not at it, while it rested; None unless it was watched all the time or seen.
    `maker_share` is the share of the quantity that was posted while the rest crossed, above 0 and up to 1; None if all
    of it was. `arrival_quote_bps` is half the spread at the decision, in basis points of the mid.
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
    holdout: NotRequired[bool | None]
    propensity: NotRequired[_Number | None]
    posts: NotRequired[int | None]
    maker_price: NotRequired[_Number | None]
    maker_from: NotRequired[datetime | None]
    maker_until: NotRequired[datetime | None]
    went_through: NotRequired[bool | None]
    maker_share: NotRequired[_Number | None]
    arrival_quote_bps: NotRequired[_Number | None]


_KEYS = frozenset(FlatOrder.__annotations__)


def flat_row(order: FlatOrder) -> dict[str, object]:
    """Return an order as the keys of the order log.

    Raises ValueError for a missing or unknown field, a side other than BUY and SELL, a time without a zone, a price or
    half spread that is not finite and above 0 (the latter may be 0), a share or propensity that is not above 0 and up
    to 1, a holdout without a propensity, a rest
    that ends before it began, and a maker fill without a maker start or a fill price.
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
        **known_fields(
            holdout=order.get("holdout"),
            propensity=_float(order.get("propensity")),
            arrival_quote_bps=_float(order.get("arrival_quote_bps")),
            maker_share=_float(order.get("maker_share")),
            posts=order.get("posts"),
            maker_price=_float(order.get("maker_price")),
            maker_from=timestamp(order.get("maker_from")),
            maker_until=timestamp(order.get("maker_until")),
            went_through=order.get("went_through"),
        ),
        "symbol": order["symbol"],
        "side": Side(order["side"].upper()),
        "ts": timestamp(order["done_at"]),
    }


def timestamp(time: datetime | None) -> float | None:
    """Return an aware time as seconds since 1970 (UTC), to the microsecond."""
    return None if time is None else round(time.timestamp(), 6)


def _check(order: FlatOrder) -> None:
    missing = FlatOrder.__required_keys__ - order.keys()
    unknown = order.keys() - _KEYS
    if missing or unknown:
        names = ", ".join(sorted(missing or unknown))
        raise ValueError(f"the fields {names} are {'missing' if missing else 'not known'}; see FlatOrder")
    _check_times(order)
    prices = {"average_price": order["average_price"], "mid": order.get("mid"), "maker_price": order.get("maker_price")}
    for name, value in prices.items():
        price = _float(value)
        if price is not None and not 0 < price < inf:
            raise ValueError(f"{name} {price} is not a price above 0; give None if there is none")
    _check_rest(order)
    _check_holdout(order)
    if order["maker_filled"] and (order["average_price"] is None or not order["maker_started"]):
        raise ValueError("maker_filled is true without a maker start and a fill price; give what the venue confirmed")


def _check_times(order: FlatOrder) -> None:
    begin, end = order.get("maker_from"), order.get("maker_until")
    for name, time in (("done_at", order["done_at"]), ("maker_from", begin), ("maker_until", end)):
        if time is not None and time.tzinfo is None:
            raise ValueError(f"{name} {time} has no time zone; give an aware time")
    if begin is not None and end is not None and end < begin:
        raise ValueError(f"maker_until {end} is before maker_from {begin}")


def _check_rest(order: FlatOrder) -> None:
    share, half_spread_bps = _float(order.get("maker_share")), _float(order.get("arrival_quote_bps"))
    if share is not None and not 0 < share <= 1:
        raise ValueError(f"maker_share {share} is not above 0 and up to 1; give None if the whole order was posted")
    if half_spread_bps is not None and not 0 <= half_spread_bps < inf:
        raise ValueError(f"arrival_quote_bps {half_spread_bps} is not 0 or more; give None if it is unknown")
    posts = order.get("posts")
    if posts is not None and posts < 0:
        raise ValueError(f"posts {posts} is not 0 or more; give None if it is unknown")


def _check_holdout(order: FlatOrder) -> None:
    holdout, propensity = order.get("holdout"), _float(order.get("propensity"))
    if propensity is not None and not 0 < propensity <= 1:
        raise ValueError(f"propensity {propensity} is not above 0 and up to 1; give that of the gate's decision")
    if holdout is not None and propensity is None:
        raise ValueError("holdout is given without its propensity; give both as the gate's decision has them")


def _slippage_bps(order: FlatOrder) -> float | None:
    price, mid = _float(order["average_price"]), _float(order.get("mid"))
    if price is None or mid is None:
        return None
    sign = 1 if order["side"].upper() == Side.BUY else -1
    return sign * (price - mid) / mid * 10_000


def _float(value: _Number | None) -> float | None:
    return None if value is None else float(value)
