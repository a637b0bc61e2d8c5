"""An order as the bot places it, and its outcome."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum

from router_policy_client.gate import Gate

# Quantities are added and subtracted exactly, whatever the precision of the bot's own decimal context.
EXACT = Context(prec=60)


class Side(StrEnum):
    """Whether an order buys or sells."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that closes a position of this side."""
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A quantity of a symbol to buy or sell, in units of the traded asset.

    `order_id` must be unique in the account: the ids at the venue derive from it. `symbol` is spelt as in the policies.
    Raises ValueError for an id or symbol that is not a string, is empty or cannot be encoded as UTF-8, for a side other
    than BUY and SELL, and for a quantity that is not a finite Decimal above 0.
    """

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal

    def __post_init__(self) -> None:
        for name in (self.order_id, self.symbol):
            if not isinstance(name, str) or not name:
                raise ValueError(
                    f"order {self.order_id!r} of symbol {self.symbol!r}: both must be strings and not empty"
                )
            name.encode()  # half a surrogate pair, which no log can hold, raises ValueError here
        object.__setattr__(self, "side", Side(self.side))  # the string "BUY" equals the member but is not it
        if not isinstance(self.quantity, Decimal) or not self.quantity.is_finite() or self.quantity <= 0:
            raise ValueError(
                f"order {self.order_id}: quantity {self.quantity!r} is not a finite Decimal above 0; "
                'write it as Decimal("0.5")'
            )


class UnfilledReason(StrEnum):
    """Why part of an order was not filled."""

    NO_QUOTE = "no_quote"  # the venue gave no quote, so nothing was sent
    REFUSED = "refused"  # the venue refused to cross the rest
    OVERFILLED = "overfilled"  # the venue filled more than the order; `unfilled` is negative
    NO_LIQUIDITY = "no_liquidity"  # every allowed attempt to cross the rest found no other side
    NOT_PLACED = "not_placed"  # the venue did not answer, and the request certainly never arrived
    UNCONFIRMED = "unconfirmed"  # the venue does not answer: the rest may have been filled, or still be
    INTERRUPTED = "interrupted"  # the process was interrupted; open orders have been cancelled
    FAILED = "failed"  # the router itself failed; open orders have been cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How an order rested: in how many posts, and the price and times (UTC) of the last of them.

    `maker_price` is None if the venue's ticks are unknown. `maker_from` is when the venue had certainly accepted the
    post, `maker_until` when its cancellation was requested or its end was learnt; both are None if the former was never
    known. `went_through` is whether the best price of the other side was seen beyond the price of a post, not at it,
    while that post rested: below the price of a buy, above that of a sale.
    """

    posts: int
    maker_price: Decimal | None
    maker_from: datetime | None
    maker_until: datetime | None
    went_through: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one order: its maker legs and its fallback legs together.

    `filled` is the quantity that the venue has confirmed and `unfilled` the rest; they add up to the order's quantity.
    `unfilled_reason` is None only if `unfilled` is 0. With UNCONFIRMED, `unresolved_ids` are the client order ids that
    may still be open at the venue; check them before you send the rest again.
    `mid` is the mid price at the decision, and `arrival_quote_bps` half the spread then, in basis points of the mid;
    both are None without a quote. `maker_filled` (all that was to rest, by maker legs) is None if the venue has not
    answered. `maker_share` is the share of the quantity that was to rest, None unless it was a sliver; `rest` is how it
    rested, None if it did not. `average_price`, `fees` (in the quote currency) and `slippage_bps` (signed cost against
    `mid`, + is worse) are None if nothing was filled or the venue does not report them. With `is_resumed` an earlier
    process started the order: what it alone knew is None (`mid`, `arrival_quote_bps`, `maker_share`, `rest`), and
    `gate` is not the gate of its decision. Times are aware and UTC.
    """

    order: Order
    gate: Gate
    decided_at: datetime
    done_at: datetime
    duration_seconds: float
    mid: Decimal | None
    arrival_quote_bps: float | None
    is_resumed: bool
    maker_started: bool
    maker_filled: bool | None
    fallback_used: bool
    post_only_rejects: int
    maker_share: float | None
    rest: Rest | None
    filled: Decimal
    unfilled: Decimal
    unfilled_reason: UnfilledReason | None
    average_price: Decimal | None
    fees: Decimal | None
    client_order_ids: tuple[str, ...]
    unresolved_ids: tuple[str, ...]

    @property
    def notional(self) -> Decimal | None:
        """The filled amount in the quote currency."""
        return None if self.average_price is None else self.average_price * self.filled

    @property
    def slippage_bps(self) -> float | None:
        """The signed cost against the mid at the decision, in basis points; + is worse."""
        if self.average_price is None or self.mid is None:
            return None
        sign = 1 if self.order.side is Side.BUY else -1
        return float(sign * (self.average_price - self.mid) / self.mid * 10_000)
