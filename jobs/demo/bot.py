"""The simulated bot: what it trades and when, and the lines that it writes to its log."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from jobs.demo.log_rows import Row, close_row, order_row
from jobs.demo.router import Conditions, Execution, Order, Side, SimulatedRouter

_REPEATED_LINE_CHANCE = 0.002
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    side: Side
    price: float
    contracts: float


class Bot:
    """Trades each symbol one order at a time: one opens a position, the next that fills closes it.

    The same router, traders and seed give the same lines, in however many pieces they are asked for.
    """

    def __init__(self, router: SimulatedRouter, traders: Sequence[Trader], random: Random) -> None:
        self._router = router
        self._traders = traders
        self._random = random
        self._order_count = 0
        self._positions: dict[str, _Position] = {}
        self._lines: list[tuple[float, int, Row]] = []
        self._line_count = 0
        self._decisions = [(self._next_decision(one, -math.inf), index) for index, one in enumerate(traders)]
        heapq.heapify(self._decisions)

    def rows_until(self, at: datetime) -> list[Row]:
        """Return the lines that are written before `at` and were not returned before, by time."""
        end_seconds = at.timestamp()
        while self._decisions[0][0] < end_seconds:
            at_seconds, index = self._decisions[0]
            done_seconds = self._trade(self._traders[index], at_seconds)
            heapq.heapreplace(self._decisions, (self._next_decision(self._traders[index], done_seconds), index))
        rows = []
        while self._lines and self._lines[0][0] < end_seconds:
            rows.append(heapq.heappop(self._lines)[-1])
        return rows

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

    def _trade(self, trader: Trader, at_seconds: float) -> float:
        """Decide on an order, have it executed and write its lines; return when all that was done."""
        position = self._positions.get(trader.symbol)
        conditions = next(one.conditions for one in reversed(trader.phases) if at_seconds >= one.since_seconds)
        execution = self._router.execute(self._order(trader, position, at_seconds), conditions)
        self._order_count += 1
        copies = 2 if self._random.random() < _REPEATED_LINE_CHANCE else 1
        for _ in range(copies):
            self._write(order_row(execution, self._order_count))
        if not execution.price:
            return execution.done_seconds
        return self._settle(execution, position, execution.price)

    def _order(self, trader: Trader, position: _Position | None, at_seconds: float) -> Order:
        if position is not None:
            side, contracts = position.side.opposite, position.contracts
        else:
            side = self._random.choice(tuple(Side))
            contracts = float(f"{trader.order_usd / self._router.mid(trader.symbol, at_seconds):.3g}")
        return Order(symbol=trader.symbol, side=side, contracts=contracts, at_seconds=at_seconds)

    def _settle(self, execution: Execution, position: _Position | None, price: float) -> float:
        """Open a position, or close the open one and write its profit; return when that was done."""
        order = execution.order
        if position is None:
            self._positions[order.symbol] = _Position(side=order.side, price=price, contracts=order.contracts)
            return execution.done_seconds
        del self._positions[order.symbol]
        gain = price - position.price if position.side is Side.BUY else position.price - price
        at_seconds = execution.done_seconds + _CLOSE_LINE_SECONDS
        self._write(close_row(execution, self._order_count, at_seconds, gain * position.contracts))
        return at_seconds

    def _write(self, row: Row) -> None:
        self._line_count += 1
        heapq.heappush(self._lines, (row["ts"], self._line_count, row))
