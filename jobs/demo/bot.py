"""The simulated bot: its orders, and the lines that it writes to its log."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from jobs.demo.log_rows import LogRow, close_row
from jobs.demo.market import SimulatedMarket
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
    """How often and under which conditions a symbol is traded from `since_seconds` (since 1970) on."""

    since_seconds: float
    orders_per_hour: float
    conditions: Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """How the bot trades one symbol: the size of its orders, and its phases by time; before the first, not at all."""

    symbol: str
    order_usd: float
    phases: tuple[Phase, ...]

    def conditions(self, symbol: str, at: datetime) -> Conditions:  # noqa: ARG002 - a venue passes its symbol
        """Return the conditions of orders at a time; before the first phase those of the first."""
        seconds = at.timestamp()
        phases = (phase for phase in reversed(self.phases) if seconds >= phase.since_seconds)
        return next(phases, self.phases[0]).conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    side: Side
    price: float
    contracts: Decimal


class _SymbolBot:
    """The trading of one symbol: one order at a time, on a clock that moves from order to order."""

    def __init__(self, trader: Trader, market: SimulatedMarket, random: Random) -> None:
        self.trader = trader
        self.clock = SimulatedClock(datetime.fromtimestamp(trader.phases[0].since_seconds, UTC))
        self.venue = venue_of(market, trader.conditions, self.clock, random)
        self.position: _Position | None = None


class Bot:
    """Trades each symbol one order at a time: one opens a position, the next that fills closes it.

    The same market, traders and seed give the same lines, in however many calls, if `reader` gives the same policies;
    at first it gives none.
    """

    def __init__(self, market: SimulatedMarket, traders: Sequence[Trader], random: Random) -> None:
        self.reader: PolicySource = NoPolicies()
        self._market = market
        self._symbol_bots = [_SymbolBot(trader, market, random) for trader in traders]
        self._random = random
        self._order_count = 0
        self._lines: list[tuple[float, int, LogRow]] = []
        self._line_count = 0
        self._decisions = [(self._next_decision(trader, -math.inf), index) for index, trader in enumerate(traders)]
        heapq.heapify(self._decisions)

    def rows_until(self, at: datetime) -> list[LogRow]:
        """Return the lines that are written before `at` and were not returned yet, by time."""
        end_seconds = at.timestamp()
        while self._decisions[0][0] < end_seconds:
            at_seconds, index = self._decisions[0]
            symbol_bot = self._symbol_bots[index]
            done_seconds = self._trade(symbol_bot, at_seconds)
            heapq.heapreplace(self._decisions, (self._next_decision(symbol_bot.trader, done_seconds), index))
        rows = []
        while self._lines and self._lines[0][0] < end_seconds:
            rows.append(heapq.heappop(self._lines)[-1])
        return rows

    def append(self, outcome: Outcome) -> None:
        """Write the outcome of an order; sometimes twice, as real logs do."""
        copies = 2 if self._random.random() < _REPEATED_LINE_CHANCE else 1
        for _ in range(copies):
            self._write(order_row(outcome))

    def _next_decision(self, trader: Trader, after_seconds: float) -> float:
        """Draw the time of the next decision; infinity if the trader has stopped for good."""
        ends = [phase.since_seconds for phase in trader.phases[1:]] + [math.inf]
        for phase, end_seconds in zip(trader.phases, ends, strict=True):
            if after_seconds >= end_seconds or phase.orders_per_hour == 0:
                continue
            mean_seconds = 3600 / phase.orders_per_hour
            drawn = max(phase.since_seconds, after_seconds) + self._random.expovariate(1 / mean_seconds)
            if drawn < end_seconds:
                return drawn
        return math.inf

    def _trade(self, symbol_bot: _SymbolBot, at_seconds: float) -> float:
        """Decide on an order, route it and write its lines; return when it was done."""
        symbol_bot.clock.set(datetime.fromtimestamp(at_seconds, UTC))
        is_urgent = self._random.random() < _URGENT_CHANCE
        outcome = route_order(
            self._order(symbol_bot, at_seconds),
            symbol_bot.venue,
            self.reader,
            self,
            maker_first=not is_urgent,
            routing=ROUTING,
            clock=symbol_bot.clock,
        )
        return self._settle(symbol_bot, outcome)

    def _order(self, symbol_bot: _SymbolBot, at_seconds: float) -> Order:
        symbol = symbol_bot.trader.symbol
        if symbol_bot.position is not None:
            side, contracts = symbol_bot.position.side.opposite, symbol_bot.position.contracts
        else:
            side = self._random.choice(tuple(Side))
            contracts = Decimal(f"{symbol_bot.trader.order_usd / self._market.quote(symbol, at_seconds).mid:.3g}")
        self._order_count += 1
        return Order(order_id=f"sig_{self._order_count:010x}", symbol=symbol, side=side, quantity=contracts)

    def _settle(self, symbol_bot: _SymbolBot, outcome: Outcome) -> float:
        """Open a position, or close the open one and write its profit; return when that was done."""
        done_seconds = outcome.done_at.timestamp()
        if outcome.average_price is None:
            return done_seconds
        order, price, position = outcome.order, float(outcome.average_price), symbol_bot.position
        if position is None:
            symbol_bot.position = _Position(side=order.side, price=price, contracts=outcome.filled)
            return done_seconds
        symbol_bot.position = None
        gain = price - position.price if position.side is Side.BUY else position.price - price
        at_seconds = done_seconds + _CLOSE_LINE_SECONDS
        self._write(close_row(order, at_seconds, gain * float(outcome.filled)))
        return at_seconds

    def _write(self, row: LogRow) -> None:
        self._line_count += 1
        heapq.heappush(self._lines, (row["ts"], self._line_count, row))
