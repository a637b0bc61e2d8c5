"""Orders inside a simulated venue: how they rest, fill, expire and are cancelled by simulated time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from router_policy_client.order import Side
from router_policy_client.venue import OrderState, OrderStatus

_NOTHING = Decimal(0)
_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """The venue's fees in basis points of the notional."""

    maker_bps: Decimal = Decimal(2)
    taker_bps: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade, as the venue records it."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    is_maker: bool
    at: datetime


@dataclass(slots=True, kw_only=True)
class SimulatedOrder:
    """An order at the venue; `plan` is its future fills, by time. `on_fill` is called for each fill as it happens."""

    symbol: str
    side: Side
    quantity: Decimal
    client_order_id: str
    price: Decimal
    is_maker: bool
    arrives_at: datetime
    on_fill: Callable[[Fill], None] | None
    plan: list[tuple[datetime, Decimal]] = field(default_factory=list)
    is_priced: bool = True
    status: OrderStatus = OrderStatus.OPEN
    filled: Decimal = _NOTHING

    def postpone(self, seconds: float) -> None:
        """Let the order arrive, and fill, later."""
        delay = timedelta(seconds=seconds)
        self.arrives_at += delay
        self.plan = [(at + delay, quantity) for at, quantity in self.plan]

    def advance(self, now: datetime) -> None:
        """Carry out the planned fills up to `now`, inclusive, and set the status that follows."""
        while self.plan and self.plan[0][0] <= now:
            at, quantity = self.plan.pop(0)
            self.fill(min(quantity, self.quantity - self.filled), at)
        if self.filled == self.quantity:
            self.status = OrderStatus.FILLED
        elif not self.is_maker and not self.plan and self.arrives_at <= now:
            self.status = OrderStatus.EXPIRED

    def fill(self, quantity: Decimal, at: datetime) -> None:
        """Fill a quantity at the order's price; a quantity of 0 does nothing."""
        if not quantity:
            return
        self.filled += quantity
        if self.on_fill is not None:
            self.on_fill(
                Fill(
                    client_order_id=self.client_order_id,
                    symbol=self.symbol,
                    side=self.side,
                    quantity=quantity,
                    price=self.price,
                    is_maker=self.is_maker,
                    at=at,
                )
            )

    def cancel(self) -> None:
        """End the order: CANCELED, or FILLED if nothing remains."""
        self.plan.clear()
        self.status = OrderStatus.FILLED if self.filled == self.quantity else OrderStatus.CANCELED

    def state(self, fees: Fees) -> OrderState:
        """Return the state that the venue reports."""
        if not self.filled:
            return OrderState(status=self.status, filled=_NOTHING)
        rate_bps = fees.maker_bps if self.is_maker else fees.taker_bps
        return OrderState(
            status=self.status,
            filled=self.filled,
            average_price=self.price if self.is_priced else None,
            fees=self.filled * self.price * rate_bps / _BPS,
            is_maker=self.is_maker,
        )
