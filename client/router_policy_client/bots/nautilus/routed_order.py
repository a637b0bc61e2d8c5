"""One market order of a strategy, over the orders that the execution algorithm spawns for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nautilus_trader.model.currencies import Currency
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order

from router_policy_client.flat_order import FlatOrder
from router_policy_client.gate import Gate


@dataclass(slots=True, kw_only=True)
class RoutedOrder:
    """A primary order from its decision to its end.

    `quote` is that at the decision, None without one. `leg` is the order that was spawned last, None before the first.
    While `is_wait_over` and `is_moving` (to its next post) are false, a cancellation comes from elsewhere, and nothing
    follows. The wait lasts from `decided_at` to `ends_at`, one post `post_time`. Times are aware and UTC.
    """

    primary: Order
    gate: Gate
    quote: QuoteTick | None
    decided_at: datetime
    ends_at: datetime
    post_time: timedelta
    leg: Order = None
    is_wait_over: bool = False
    is_moving: bool = False
    was_gone_through: bool = False
    post_only_rejects: int = 0

    @property
    def mid(self) -> Decimal | None:
        """The middle of the quote at the decision."""
        return None if self.quote is None else (_decimal(self.quote.bid_price) + _decimal(self.quote.ask_price)) / 2

    @property
    def half_spread_bps(self) -> Decimal | None:
        """Half the spread of the quote at the decision, in basis points of the mid; None for a quote without one."""
        if self.quote is None or self.mid is None or not 0 < self.mid <= _decimal(self.quote.ask_price):
            return None
        return (_decimal(self.quote.ask_price) - self.mid) / self.mid * 10_000

    @property
    def order_id(self) -> str:
        """The id of the primary order, which its spawned orders carry as their `exec_spawn_id`."""
        return str(self.primary.client_order_id)

    @property
    def is_maker_leg(self) -> bool:
        """Whether the order that was spawned last is a maker order."""
        return self.leg is not None and bool(self.leg.is_post_only)

    @property
    def tags(self) -> list[str]:
        """What the events of an order have no field for; a tag without a value is left out."""
        values = {
            "rp_intent": self.order_id,
            "rp_run": self.gate.reading.run_id,
            "rp_probe": int(self.gate.probe),
            "rp_mid": None if self.mid is None else f"{self.mid:f}",
        }
        return [f"{name}={value}" for name, value in values.items() if value is not None]

    def next_end(self, now: datetime) -> datetime:
        """Return when the post that goes on at `now` ends; that is the end of the wait at the latest."""
        ended_count = (now - self.decided_at) // self.post_time
        return min(self.decided_at + (ended_count + 1) * self.post_time, self.ends_at)

    def look_through(self, quote: QuoteTick) -> None:
        """Note whether the other side is beyond the price of the maker order, not at it, while that rests."""
        leg = self.leg
        if self.is_maker_leg and leg.is_open:
            is_buy = leg.side == OrderSide.BUY
            self.was_gone_through |= quote.ask_price < leg.price if is_buy else quote.bid_price > leg.price

    def flat_order(self, legs: Sequence[Order], instrument: Instrument, done_at: datetime) -> FlatOrder:
        """Return it as an order of the order log, by the orders that were spawned for it."""
        makers = [leg for leg in legs if leg.is_post_only]
        rested = [leg for leg in makers if leg.ts_accepted]
        last = rested[-1] if rested else None
        quantity, made = _filled(legs), _filled(makers)
        filled = [leg for leg in legs if leg.filled_qty.as_decimal()]
        cost = sum((leg.filled_qty.as_decimal() * Decimal(str(leg.avg_px)) for leg in filled), Decimal())
        return FlatOrder(
            order_id=self.order_id,
            symbol=str(self.primary.instrument_id),
            side="BUY" if self.primary.side == OrderSide.BUY else "SELL",
            done_at=done_at,
            maker_started=bool(makers),
            maker_filled=made == self.primary.quantity.as_decimal()
            and all(leg.liquidity_side == LiquiditySide.MAKER for leg in filled),
            fallback_used=bool(makers) and quantity > made,
            average_price=cost / quantity if quantity else None,
            quantity=quantity * instrument.multiplier.as_decimal(),
            mid=self.mid,
            fees=_fees(legs, instrument.quote_currency) if quantity else None,
            post_only_rejects=self.post_only_rejects,
            probe=self.gate.probe,
            policy_run_id=self.gate.reading.run_id,
            holdout=self.gate.holdout,
            propensity=self.gate.propensity,
            posts=len(rested) if makers else None,
            maker_price=None if last is None else _decimal(last.price),
            maker_from=None if last is None else _time(last.ts_accepted),
            maker_until=None if last is None else _time(last.ts_closed),
            went_through=True if self.was_gone_through else None,
            arrival_quote_bps=self.half_spread_bps,
        )


def is_accepted(instrument: Instrument, quantity: Decimal, price: Price) -> bool:
    """Return whether a quantity at a price is not below the smallest order of an instrument, as far as is known."""
    least, least_notional = instrument.min_quantity, instrument.min_notional
    if least is not None and quantity < least.as_decimal():
        return False
    notional = quantity * _decimal(price) * instrument.multiplier.as_decimal()
    return least_notional is None or notional >= least_notional.as_decimal()


def _decimal(price: Price) -> Decimal:
    number: Decimal = price.as_decimal()
    return number


def _time(nanoseconds: int) -> datetime | None:
    """Return a time of NautilusTrader, where 0 is unknown."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC) if nanoseconds else None


def _filled(legs: Sequence[Order]) -> Decimal:
    return sum((leg.filled_qty.as_decimal() for leg in legs), Decimal())


def _fees(legs: Sequence[Order], currency: Currency) -> Decimal | None:
    """Return the commissions in the quote currency; None if one is in another."""
    fees = [fee for leg in legs for fee in leg.commissions()]
    if any(fee.currency != currency for fee in fees):
        return None
    return sum((fee.as_decimal() for fee in fees), Decimal())
