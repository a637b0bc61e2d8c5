"""A simulated venue: seeded, on a given clock, with every way to fail that a router has to survive."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from router_policy_client.clock import Clock
from router_policy_client.order import Side
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

_NOTHING = Decimal(0)
_BPS = Decimal(10_000)
_REMEMBERED_ORDERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How orders fare for a while. Chances are from 0 to 1.

    `fill_chance` is that of a resting order to be filled within `fill_seconds`, rather early than late;
    `partial_chance` that only a part of what would be filled is, resting or crossing. `reject_chance` is that of a
    post-only order to be refused, `expire_chance` to be accepted and expire at once, `refuse_chance` that of any order
    to be refused for good. `race_chance`: a cancellation comes too late, the order has just been filled.
    `unpriced_chance`: fills are told without their price. With `timeout_chance` a request is not answered: half of
    them are not carried out, an order may arrive up to `late_seconds` after. `impact_bps` is what crossing costs beyond
    the spread, `latency_seconds` what placing and cancelling take, both on average.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What the venue takes, in bps of the notional."""

    maker_bps: Decimal = Decimal(2)
    taker_bps: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade at the venue, as its own books have it."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    is_maker: bool
    at: datetime


@dataclass(slots=True, kw_only=True)
class _Entry:
    """An order in the venue's books; `plan` are the fills that are to come, by time."""

    symbol: str
    side: Side
    quantity: Decimal
    client_order_id: str
    price: Decimal
    is_maker: bool
    arrives_at: datetime
    plan: list[tuple[datetime, Decimal]] = field(default_factory=list)
    is_priced: bool = True
    status: OrderStatus = OrderStatus.OPEN
    filled: Decimal = _NOTHING


class SimulatedVenue:
    """A venue on which nothing but the random generator, the clock and the order of the requests decides.

    `conditions` tells how orders of a symbol fare at a moment. `on_fill` is told of every trade as it happens: the
    venue's own books, to check a router's account against.
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
    ) -> None:
        self._prices = prices
        self._conditions = conditions
        self._clock = clock
        self._random = random
        self._fees = fees or Fees()
        self._on_fill = on_fill
        self._entries: dict[str, _Entry] = {}
        self._open: dict[str, _Entry] = {}
        self._now = clock.now()

    def quote(self, symbol: str) -> Quote:
        """Return the best prices now."""
        self._answer_or_time_out(symbol)
        return self._prices.quote(symbol, self._clock.now())

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place an order that rests; what becomes of it is drawn here."""
        conditions = self._travel(symbol)
        self._refuse_by_chance(conditions, client_order_id)
        whole = _on_tick(price, self._prices.tick(symbol), ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)
        if self._happens(conditions.reject_chance) or _crosses(side, whole, self._prices.quote(symbol, self._now)):
            raise PostOnlyRejectedError(f"{client_order_id}: {side} at {whole} would cross")
        entry = self._entry(symbol, side, quantity, client_order_id, whole, is_maker=True)
        if self._happens(conditions.expire_chance):
            entry.status = OrderStatus.EXPIRED
        else:
            entry.plan = self._resting_plan(entry, conditions)
        self._accept(entry, conditions)

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Cross at once, at the other side's best price and the impact beyond it."""
        conditions = self._travel(symbol)
        self._refuse_by_chance(conditions, client_order_id)
        price = self._across(symbol, side, conditions)
        entry = self._entry(symbol, side, quantity, client_order_id, price, is_maker=False)
        entry.plan = [(entry.arrives_at, self._part(quantity, conditions))]
        self._accept(entry, conditions)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Cancel an order, unless it has ended, is not there, or has been filled in the very moment."""
        conditions = self._travel(symbol)
        is_lost = self._happens(conditions.timeout_chance)
        if not (is_lost and self._happens(0.5)):
            self._cancel(client_order_id, conditions)
        if is_lost:
            raise VenueTimeoutError(f"{client_order_id}: the cancellation was not answered")

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None where it is not there (yet)."""
        self._answer_or_time_out(symbol)
        self._advance()
        entry = self._entries.get(client_order_id)
        if entry is None or entry.arrives_at > self._now:
            return None
        return self._state(entry)

    def open_order_ids(self) -> tuple[str, ...]:
        """Return the client order ids of what is open, or on its way, now."""
        self._advance()
        return tuple(self._open)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def _travel(self, symbol: str) -> Conditions:
        """Let the time pass until a request arrives, and what happens meanwhile happen; return the conditions."""
        conditions = self._conditions(symbol, self._clock.now())
        if conditions.latency_seconds:
            self._clock.sleep(conditions.latency_seconds * self._random.uniform(0.5, 1.5))
        self._advance()
        return conditions

    def _answer_or_time_out(self, symbol: str) -> None:
        if self._happens(self._conditions(symbol, self._clock.now()).timeout_chance):
            raise VenueTimeoutError(f"{symbol}: no answer")

    def _refuse_by_chance(self, conditions: Conditions, client_order_id: str) -> None:
        if client_order_id in self._entries:
            raise VenueError(f"{client_order_id}: this id has been used before, so the order may be there")
        if self._happens(conditions.refuse_chance):
            raise OrderRejectedError(f"{client_order_id}: refused")

    def _entry(
        self, symbol: str, side: Side, quantity: Decimal, client_order_id: str, price: Decimal, *, is_maker: bool
    ) -> _Entry:
        return _Entry(
            symbol=symbol,
            side=side,
            quantity=quantity,
            client_order_id=client_order_id,
            price=price,
            is_maker=is_maker,
            arrives_at=self._now,
        )

    def _accept(self, entry: _Entry, conditions: Conditions) -> None:
        """Take an order into the books; without an answer perhaps later, or never."""
        entry.is_priced = not self._happens(conditions.unpriced_chance)
        is_lost = self._happens(conditions.timeout_chance)
        if not (is_lost and self._happens(0.5)):
            if is_lost and conditions.late_seconds:
                _postpone(entry, self._random.uniform(0, conditions.late_seconds))
            self._entries[entry.client_order_id] = self._open[entry.client_order_id] = entry
            self._forget_ended()
            self._advance()
        if is_lost:
            raise VenueTimeoutError(f"{entry.client_order_id}: the order was not answered")

    def _resting_plan(self, entry: _Entry, conditions: Conditions) -> list[tuple[datetime, Decimal]]:
        if not self._happens(conditions.fill_chance):
            return []
        # A resting order is filled early or hardly at all: three quarters of the fills come in the first third.
        after = conditions.fill_seconds * self._random.random() ** 4
        return [(entry.arrives_at + timedelta(seconds=after), self._part(entry.quantity, conditions))]

    def _part(self, quantity: Decimal, conditions: Conditions) -> Decimal:
        if not self._happens(conditions.partial_chance):
            return quantity
        return quantity * self._random.randrange(0, 100) / 100

    def _across(self, symbol: str, side: Side, conditions: Conditions) -> Decimal:
        quote, tick = self._prices.quote(symbol, self._now), self._prices.tick(symbol)
        impact_bps = self._random.expovariate(1 / conditions.impact_bps) if conditions.impact_bps else 0.0
        worse = _on_tick(quote.mid * Decimal(impact_bps) / _BPS, tick, ROUND_FLOOR)
        return quote.ask + worse if side is Side.BUY else max(tick, quote.bid - worse)

    def _advance(self) -> None:
        """Let everything happen that was to happen by now."""
        self._now = self._clock.now()
        for entry in list(self._open.values()):
            self._advance_entry(entry)
            if entry.status is not OrderStatus.OPEN:
                del self._open[entry.client_order_id]

    def _advance_entry(self, entry: _Entry) -> None:
        while entry.plan and entry.plan[0][0] <= self._now:
            at, quantity = entry.plan.pop(0)
            self._fill(entry, min(quantity, entry.quantity - entry.filled), at)
        if entry.filled == entry.quantity:
            entry.status = OrderStatus.FILLED
        elif not entry.is_maker and not entry.plan and entry.arrives_at <= self._now:
            entry.status = OrderStatus.EXPIRED

    def _fill(self, entry: _Entry, quantity: Decimal, at: datetime) -> None:
        if not quantity:
            return
        entry.filled += quantity
        if self._on_fill is not None:
            self._on_fill(
                Fill(
                    client_order_id=entry.client_order_id,
                    symbol=entry.symbol,
                    side=entry.side,
                    quantity=quantity,
                    price=entry.price,
                    is_maker=entry.is_maker,
                    at=at,
                )
            )

    def _cancel(self, client_order_id: str, conditions: Conditions) -> None:
        entry = self._open.get(client_order_id)
        if entry is None or entry.arrives_at > self._now:
            return
        if self._happens(conditions.race_chance):
            self._fill(entry, self._part(entry.quantity - entry.filled, conditions), self._now)
        entry.plan.clear()
        entry.status = OrderStatus.FILLED if entry.filled == entry.quantity else OrderStatus.CANCELED
        del self._open[client_order_id]

    def _state(self, entry: _Entry) -> OrderState:
        if not entry.filled:
            return OrderState(status=entry.status, filled=_NOTHING)
        rate_bps = self._fees.maker_bps if entry.is_maker else self._fees.taker_bps
        return OrderState(
            status=entry.status,
            filled=entry.filled,
            average_price=entry.price if entry.is_priced else None,
            fees=entry.filled * entry.price * rate_bps / _BPS,
            is_maker=entry.is_maker,
        )

    def _forget_ended(self) -> None:
        """Keep the books from growing for ever: what has ended long ago is not asked for any more."""
        if len(self._entries) <= _REMEMBERED_ORDERS:
            return
        ended = [name for name in self._entries if name not in self._open]
        for name in ended[: _REMEMBERED_ORDERS // 2]:
            del self._entries[name]


def _postpone(entry: _Entry, seconds: float) -> None:
    late = timedelta(seconds=seconds)
    entry.arrives_at += late
    entry.plan = [(at + late, quantity) for at, quantity in entry.plan]


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick


def _crosses(side: Side, price: Decimal, quote: Quote) -> bool:
    return price >= quote.ask if side is Side.BUY else price <= quote.bid
