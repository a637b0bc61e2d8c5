"""An order as the bot wants it, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum

from router_policy_client.gate import Gate

# Quantities are added and subtracted exactly, whatever digits the bot's own context keeps.
EXACT = Context(prec=60)


class Side(StrEnum):
    """Whether an order buys or sells."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that closes what this one opened."""
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the bot wants: so much of a symbol, in units of the traded asset.

    `order_id` is never used for another order of the account: the ids that the venue sees are derived from it. The
    symbol is named as the policies name it. Raises ValueError for an id or symbol that is no text, empty, or cannot be
    written as UTF-8, for a side that is neither BUY nor SELL, and for a quantity that is no finite Decimal above 0.
    """

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal

    def __post_init__(self) -> None:
        for name in (self.order_id, self.symbol):
            if not isinstance(name, str) or not name:
                raise ValueError(
                    f"order {self.order_id!r} of symbol {self.symbol!r}: both must be texts, and not empty"
                )
            name.encode()  # half of a character, which no log could hold, raises a ValueError here
        object.__setattr__(self, "side", Side(self.side))  # the text "BUY" is equal to the word, but is not it
        if not isinstance(self.quantity, Decimal) or not self.quantity.is_finite() or self.quantity <= 0:
            raise ValueError(
                f"order {self.order_id}: quantity {self.quantity!r} is no finite Decimal above 0; "
                'write it as Decimal("0.5")'
            )


class UnfilledReason(StrEnum):
    """Why a part of an order was not filled."""

    NO_QUOTE = "no_quote"  # the venue gave no price, so nothing was sent
    REFUSED = "refused"  # the venue refused to cross the rest
    OVERFILLED = "overfilled"  # the venue filled more than it was asked for; what is too much is below 0
    NO_LIQUIDITY = "no_liquidity"  # the rest was sent as often as allowed and found no other side
    NOT_PLACED = "not_placed"  # the venue did not answer, and it is certain that the request never reached it
    UNCONFIRMED = "unconfirmed"  # the venue does not answer: the rest may have been filled, or still be filled
    INTERRUPTED = "interrupted"  # the process was told to stop; what was open has been cancelled
    FAILED = "failed"  # the router itself failed; what was open has been cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one order: its maker leg and its fallback leg together.

    `filled` is what the venue has confirmed and `unfilled` the rest; together they are the order's quantity.
    `unfilled_reason` is None only where the rest is 0. With UNCONFIRMED, `unresolved_ids` are the client order ids
    that may still be open at the venue; look there before you send the rest again.
    `mid` is that of the decision, None without a quote. `maker_filled` (the whole by the maker leg) is None where the
    venue has not said. `average_price`, `fees` (in the quote currency) and `slippage_bps` (signed cost against `mid`,
    + is worse) are None where nothing was filled or the venue does not tell. With `is_resumed` another process had
    begun with the order: `mid` is None, and `gate` is not what it was decided on, for neither can be known any more.
    Times are aware and UTC.
    """

    order: Order
    gate: Gate
    decided_at: datetime
    done_at: datetime
    duration_seconds: float
    mid: Decimal | None
    is_resumed: bool
    maker_started: bool
    maker_filled: bool | None
    fallback_used: bool
    post_only_rejects: int
    filled: Decimal
    unfilled: Decimal
    unfilled_reason: UnfilledReason | None
    average_price: Decimal | None
    fees: Decimal | None
    client_order_ids: tuple[str, ...]
    unresolved_ids: tuple[str, ...]

    @property
    def notional(self) -> Decimal | None:
        """What was filled, in the quote currency."""
        return None if self.average_price is None else self.average_price * self.filled

    @property
    def slippage_bps(self) -> float | None:
        """The signed cost against the mid at the decision, + is worse."""
        if self.average_price is None or self.mid is None:
            return None
        sign = 1 if self.order.side is Side.BUY else -1
        return float(sign * (self.average_price - self.mid) / self.mid * 10_000)
