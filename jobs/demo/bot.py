"""The simulated bot: what it trades and when, and the lines that it writes to its log."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from jobs.demo.log_rows import Row, close_row
from jobs.demo.market import Market
from jobs.demo.venue import ROUTING, NoPolicies, venue_of
from router_policy_client.clock import SimulatedClock
from router_policy_client.order import Order, Outcome, Side
from router_policy_client.order_log import order_row
from router_policy_client.router import route_order
from router_policy_client.routing import PolicySource
from router_policy_client.simulated import Conditions

_REPEATED_LINE_CHANCE = 0.002
_URGENT_CHANCE = 0.1
_CLOSE_LINE_SECONDS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A time from `since_seconds` (since 1970) on in which a symbol is traded so often and under these conditions."""

    since_seconds: float
    orders_per_hour: float
    conditions: Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """What the bot does with one symbol: the size of its orders, and its phases by time; before the first, nothing."""

    symbol: str
    order_usd: float
    phases: tuple[Phase, ...]

    def conditions(self, symbol: str, at: datetime) -> Conditions:  # noqa: ARG002 - a venue asks for its symbol
        """Return how orders fare at a moment; before the first phase as in it."""
        seconds = at.timestamp()
        return next((one for one in reversed(self.phases) if seconds >= one.since_seconds), self.phases[0]).conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    side: Side
    price: float
    contracts: Decimal


class _Desk:
    """Where one symbol is traded: one order at a time, on a clock that goes from order to order."""

    def __init__(self, trader: Trader, market: Market, random: Random) -> None:
        self.trader = trader
        self.clock = SimulatedClock(datetime.fromtimestamp(trader.phases[0].since_seconds, UTC))
        self.venue = venue_of(market, trader.conditions, self.clock, random)
        self.position: _Position | None = None


class Bot:
    """Trades each symbol one order at a time: one opens a position, the next that fills closes it.

    The same market, traders and seed give the same lines, in however many pieces they are asked for, as long as
    `reader` gives the same policies; at first that is none.
    """

    def __init__(self, market: Market, traders: Sequence[Trader], random: Random) -> None:
        self.reader: PolicySource = NoPolicies()
        self._market = market
        self._desks = [_Desk(one, market, random) for one in traders]
        self._random = random
        self._order_count = 0
        self._lines: list[tuple[float, int, Row]] = []
        self._line_count = 0
        self._decisions = [(self._next_decision(one, -math.inf), index) for index, one in enumerate(traders)]
        heapq.heapify(self._decisions)

    def rows_until(self, at: datetime) -> list[Row]:
        """Return the lines that are written before `at` and were not returned before, by time."""
        end_seconds = at.timestamp()
        while self._decisions[0][0] < end_seconds:
            at_seconds, index = self._decisions[0]
            desk = self._desks[index]
            done_seconds = self._trade(desk, at_seconds)
            heapq.heapreplace(self._decisions, (self._next_decision(desk.trader, done_seconds), index))
        rows = []
        while self._lines and self._lines[0][0] < end_seconds:
            rows.append(heapq.heappop(self._lines)[-1])
        return rows

    def append(self, outcome: Outcome) -> None:
        """Write what became of an order; now and then twice, as real logs have it."""
        copies = 2 if self._random.random() < _REPEATED_LINE_CHANCE else 1
        for _ in range(copies):
            self._write(order_row(outcome))

    def _next_decision(self, trader: Trader, after_seconds: float) -> float:
        """Draw when the next order is decided on; infinity where the trader has stopped for good."""
        ends = [phase.since_seconds for phase in trader.phases[1:]] + [math.inf]
        for phase, end_seconds in zip(trader.phases, ends, strict=True):
            if after_seconds >= end_seconds or phase.orders_per_hour == 0:
                continue
            mean_seconds = 3600 / phase.orders_per_hour
            drawn = max(phase.since_seconds, after_seconds) + self._random.expovariate(1 / mean_seconds)
            if drawn < end_seconds:
                return drawn
        return math.inf

    def _trade(self, desk: _Desk, at_seconds: float) -> float:
        """Decide on an order, route it and write its lines; return when all that was done."""
        desk.clock.set(datetime.fromtimestamp(at_seconds, UTC))
        is_urgent = self._random.random() < _URGENT_CHANCE
        outcome = route_order(
            self._order(desk, at_seconds),
            desk.venue,
            self.reader,
            self,
            maker_first=not is_urgent,
            routing=ROUTING,
            clock=desk.clock,
        )
        return self._settle(desk, outcome)

    def _order(self, desk: _Desk, at_seconds: float) -> Order:
        symbol = desk.trader.symbol
        if desk.position is not None:
            side, contracts = desk.position.side.opposite, desk.position.contracts
        else:
            side = self._random.choice(tuple(Side))
            contracts = Decimal(f"{desk.trader.order_usd / self._market.quote(symbol, at_seconds).mid:.3g}")
        self._order_count += 1
        return Order(order_id=f"sig_{self._order_count:010x}", symbol=symbol, side=side, quantity=contracts)

    def _settle(self, desk: _Desk, outcome: Outcome) -> float:
        """Open a position, or close the open one and write its profit; return when that was done."""
        done_seconds = outcome.done_at.timestamp()
        if outcome.average_price is None:
            return done_seconds
        order, price, position = outcome.order, float(outcome.average_price), desk.position
        if position is None:
            desk.position = _Position(side=order.side, price=price, contracts=outcome.filled)
            return done_seconds
        desk.position = None
        gain = price - position.price if position.side is Side.BUY else position.price - price
        at_seconds = done_seconds + _CLOSE_LINE_SECONDS
        self._write(close_row(order, at_seconds, gain * float(outcome.filled)))
        return at_seconds

    def _write(self, row: Row) -> None:
        self._line_count += 1
        heapq.heappush(self._lines, (row["ts"], self._line_count, row))
