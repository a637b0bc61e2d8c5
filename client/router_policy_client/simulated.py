"""A simulated venue: seeded, on a given clock, with every failure that a router has to survive."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from router_policy_client.clock import Clock
from router_policy_client.order import Side
from router_policy_client.simulated_orders import Fees, Fill, SimulatedOrder
from router_policy_client.simulated_prices import Prices
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
    VenueError,
    VenueTimeoutError,
)

__all__ = ["Conditions", "Fees", "Fill", "SimulatedVenue"]

_BPS = Decimal(10_000)
_REMEMBERED_ORDERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions of a market at a time. Chances are from 0 to 1.

    `fill_chance`: a resting order fills within `fill_seconds`, mostly early. `partial_chance`: only a part of a fill
    happens, resting or crossing. `reject_chance`: a post-only order is rejected. `expire_chance`: it is accepted and
    expires at once. `refuse_chance`: any order is refused permanently. `race_chance`: a cancellation comes too late,
    the order has just filled. `unpriced_chance`: fills are reported without their price. `timeout_chance`: a request
    gets no answer; half of these requests are not carried out, and an order may arrive up to `late_seconds` late.
    `impact_bps` is the mean cost of crossing beyond the spread, `latency_seconds` the mean time to place or cancel.
    """

    fill_chance: float = 0.8
    fill_seconds: float = 4.0
    partial_chance: float = 0.0
    reject_chance: float = 0.0
    expire_chance: float = 0.0
    refuse_chance: float = 0.0
    race_chance: float = 0.0
    timeout_chance: float = 0.0
    late_seconds: float = 0.0
    unpriced_chance: float = 0.0
    impact_bps: float = 0.0
    latency_seconds: float = 0.0


class SimulatedVenue:
    """A venue that only the random generator, the clock and the order of the requests determine.

    `conditions` returns the conditions of a symbol at a time. `on_fill` is called with every trade as it happens: the
    venue's own record, to check a router's account against. Quantities that are not whole steps of `lot_step` (None:
    any quantity), or worth less than `smallest_notional` in the quote currency, are refused.
    """

    def __init__(
        self,
        prices: Prices,
        conditions: Callable[[str, datetime], Conditions],
        clock: Clock,
        random: Random,
        *,
        fees: Fees | None = None,
        on_fill: Callable[[Fill], None] | None = None,
        lot_step: Decimal | None = None,
        smallest_notional: Decimal = Decimal(0),
    ) -> None:
        self._prices = prices
        self._conditions = conditions
        self._clock = clock
        self._random = random
        self._fees = fees or Fees()
        self._on_fill = on_fill
        self._lot_step = lot_step
        self._smallest_notional = smallest_notional
        self._orders: dict[str, SimulatedOrder] = {}
        self._open: dict[str, SimulatedOrder] = {}
        self._now = clock.now()

    def quote(self, symbol: str) -> Quote:
        """Return the best prices now."""
        self._answer_or_time_out(symbol)
        return self._prices.quote(symbol, self._clock.now())

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place an order that rests; its fills are drawn here."""
        conditions = self._travel(symbol)
        self._refuse_by_chance(conditions, client_order_id)
        on_tick = self.on_tick(symbol, side, price)
        self._refuse_quantity(symbol, quantity, on_tick)
        if self._happens(conditions.reject_chance) or _crosses(side, on_tick, self._prices.quote(symbol, self._now)):
            raise PostOnlyRejectedError(f"{client_order_id}: {side} at {on_tick} would cross")
        order = self._order(symbol, side, quantity, client_order_id, on_tick, is_maker=True)
        if self._happens(conditions.expire_chance):
            order.status = OrderStatus.EXPIRED
        else:
            order.plan = self._resting_plan(order, conditions)
        self._accept(order, conditions)

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Cross at once, at the other side's best price plus the impact."""
        conditions = self._travel(symbol)
        self._refuse_by_chance(conditions, client_order_id)
        price = self._across(symbol, side, conditions)
        self._refuse_quantity(symbol, quantity, price)
        order = self._order(symbol, side, quantity, client_order_id, price, is_maker=False)
        order.plan = [(order.arrives_at, self._part(quantity, conditions))]
        self._accept(order, conditions)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Cancel an order, unless it has ended, does not exist, or fills at the same moment."""
        conditions = self._travel(symbol)
        is_lost = self._happens(conditions.timeout_chance)
        if not (is_lost and self._happens(0.5)):
            self._cancel(client_order_id, conditions)
        if is_lost:
            raise VenueTimeoutError(f"{client_order_id}: the cancellation was not answered")

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None if it does not exist or has not arrived."""
        self._answer_or_time_out(symbol)
        self._advance()
        order = self._orders.get(client_order_id)
        if order is None or order.arrives_at > self._now:
            return None
        return order.state(self._fees)

    def on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Return the price at which a post-only order at `price` rests."""
        return _round_to_tick(price, self._prices.tick(symbol), ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)

    def tradable(self, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:  # noqa: ARG002 - one rule for all
        """Return a quantity rounded down to whole lot steps; 0 if an order of it at this price is too small."""
        on_step = self._on_step(quantity)
        return on_step if on_step * price >= self._smallest_notional else Decimal(0)

    def open_order_ids(self) -> tuple[str, ...]:
        """Return the client order ids of orders that are open or have not arrived yet."""
        self._advance()
        return tuple(self._open)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def _travel(self, symbol: str) -> Conditions:
        """Advance until a request arrives; return the conditions at its start."""
        conditions = self._conditions(symbol, self._clock.now())
        if conditions.latency_seconds:
            self._clock.sleep(conditions.latency_seconds * self._random.uniform(0.5, 1.5))
        self._advance()
        return conditions

    def _answer_or_time_out(self, symbol: str) -> None:
        if self._happens(self._conditions(symbol, self._clock.now()).timeout_chance):
            raise VenueTimeoutError(f"{symbol}: no answer")

    def _refuse_by_chance(self, conditions: Conditions, client_order_id: str) -> None:
        if client_order_id in self._orders:
            raise VenueError(f"{client_order_id}: this id has been used before, so the order may exist")
        if self._happens(conditions.refuse_chance):
            raise OrderRejectedError(f"{client_order_id}: refused")

    def _refuse_quantity(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        if self.tradable(symbol, quantity, price) != quantity:
            raise OrderRejectedError(f"{quantity} of {symbol} is between two lot steps, or below the smallest order")

    def _on_step(self, quantity: Decimal) -> Decimal:
        return quantity if self._lot_step is None else quantity // self._lot_step * self._lot_step

    def _order(
        self, symbol: str, side: Side, quantity: Decimal, client_order_id: str, price: Decimal, *, is_maker: bool
    ) -> SimulatedOrder:
        return SimulatedOrder(
            symbol=symbol,
            side=side,
            quantity=quantity,
            client_order_id=client_order_id,
            price=price,
            is_maker=is_maker,
            arrives_at=self._now,
            on_fill=self._on_fill,
        )

    def _accept(self, order: SimulatedOrder, conditions: Conditions) -> None:
        """Record an order; without an answer perhaps later, or never."""
        order.is_priced = not self._happens(conditions.unpriced_chance)
        is_lost = self._happens(conditions.timeout_chance)
        if not (is_lost and self._happens(0.5)):
            if is_lost and conditions.late_seconds:
                order.postpone(self._random.uniform(0, conditions.late_seconds))
            self._orders[order.client_order_id] = self._open[order.client_order_id] = order
            self._forget_ended()
            self._advance()
        if is_lost:
            raise VenueTimeoutError(f"{order.client_order_id}: the order was not answered")

    def _resting_plan(self, order: SimulatedOrder, conditions: Conditions) -> list[tuple[datetime, Decimal]]:
        if not self._happens(conditions.fill_chance):
            return []
        # Most fills are early: three quarters of them come in the first third of the time.
        delay_seconds = conditions.fill_seconds * self._random.random() ** 4
        return [(order.arrives_at + timedelta(seconds=delay_seconds), self._part(order.quantity, conditions))]

    def _part(self, quantity: Decimal, conditions: Conditions) -> Decimal:
        if not self._happens(conditions.partial_chance):
            return quantity
        return self._on_step(quantity * self._random.randrange(0, 100) / 100)

    def _across(self, symbol: str, side: Side, conditions: Conditions) -> Decimal:
        quote, tick = self._prices.quote(symbol, self._now), self._prices.tick(symbol)
        impact_bps = self._random.expovariate(1 / conditions.impact_bps) if conditions.impact_bps else 0.0
        impact = _round_to_tick(quote.mid * Decimal(impact_bps) / _BPS, tick, ROUND_FLOOR)
        return quote.ask + impact if side is Side.BUY else max(tick, quote.bid - impact)

    def _advance(self) -> None:
        """Carry out everything that is due by now."""
        self._now = self._clock.now()
        for order in list(self._open.values()):
            order.advance(self._now)
            if order.status is not OrderStatus.OPEN:
                del self._open[order.client_order_id]

    def _cancel(self, client_order_id: str, conditions: Conditions) -> None:
        order = self._open.get(client_order_id)
        if order is None or order.arrives_at > self._now:
            return
        if self._happens(conditions.race_chance):
            order.fill(self._part(order.quantity - order.filled, conditions), self._now)
        order.cancel()
        del self._open[client_order_id]

    def _forget_ended(self) -> None:
        """Bound the memory: nobody fetches orders that ended long ago."""
        if len(self._orders) <= _REMEMBERED_ORDERS:
            return
        ended = [name for name in self._orders if name not in self._open]
        for name in ended[: _REMEMBERED_ORDERS // 2]:
            del self._orders[name]


def _round_to_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick


def _crosses(side: Side, price: Decimal, quote: Quote) -> bool:
    return price >= quote.ask if side is Side.BUY else price <= quote.bid
