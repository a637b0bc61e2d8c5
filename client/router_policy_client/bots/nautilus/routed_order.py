"""One market order of a strategy, over the orders that the execution algorithm spawns for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from nautilus_trader.model.currencies import Currency
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from router_policy_client.flat_order import FlatOrder
from router_policy_client.gate import Gate


@dataclass(slots=True, kw_only=True)
class RoutedOrder:
    """A primary order from its decision to its end.

    `mid` is the middle of the quote at the decision, None without one. `leg` is the order that was spawned last, None
    before the first. While `is_wait_over` is false, a cancellation comes from elsewhere, and nothing crosses. `ends_at`
    is aware and UTC.
    """

    primary: Order
    gate: Gate
    mid: Decimal | None
    ends_at: datetime
    leg: Order = None
    is_wait_over: bool = False
    post_only_rejects: int = 0

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

    def flat_order(self, legs: Sequence[Order], instrument: Instrument, done_at: datetime) -> FlatOrder:
        """Return it as an order of the order log, by the orders that were spawned for it."""
        makers = [leg for leg in legs if leg.is_post_only]
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
        )


def _filled(legs: Sequence[Order]) -> Decimal:
    return sum((leg.filled_qty.as_decimal() for leg in legs), Decimal())


def _fees(legs: Sequence[Order], currency: Currency) -> Decimal | None:
    """Return the commissions in the quote currency; None if one is in another."""
    fees = [fee for leg in legs for fee in leg.commissions()]
    if any(fee.currency != currency for fee in fees):
        return None
    return sum((fee.as_decimal() for fee in fees), Decimal())
