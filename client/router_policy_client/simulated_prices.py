"""Prices of a simulated venue: the interface, and a random walk."""

from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Protocol

from router_policy_client.venue import Quote

_BPS = Decimal(10_000)


class Prices(Protocol):
    """The prices of a venue."""

    def quote(self, symbol: str, at: datetime) -> Quote:
        """Return the best prices at a time."""
        ...

    def tick(self, symbol: str) -> Decimal:
        """Return the tick size."""
        ...


class RandomWalk:
    """Prices of one market on whole ticks: the mid walks every second from `price` on, the spread is constant."""

    def __init__(
        self, random: Random, start: datetime, *, price: float, tick: Decimal, spread_bps: float, volatility_bps: float
    ) -> None:
        self._random = random
        self._start = start
        self._tick = tick
        self._spread_bps = spread_bps
        self._volatility_bps = volatility_bps
        self._walk = [price]

    def quote(self, symbol: str, at: datetime) -> Quote:  # noqa: ARG002 - one market for every symbol
        """Return the best prices at a time; before the start, those of the start."""
        second = max(0, int((at - self._start).total_seconds()))
        while len(self._walk) <= second:
            self._walk.append(self._walk[-1] * (1 + self._random.gauss(0.0, self._volatility_bps) / 10_000))
        mid = Decimal(str(self._walk[second]))
        bid = max(Decimal(1), (mid * (1 - Decimal(str(self._spread_bps)) / _BPS / 2)) // self._tick) * self._tick
        width = max(Decimal(1), (mid * Decimal(str(self._spread_bps)) / _BPS) // self._tick) * self._tick
        return Quote(bid=bid, ask=bid + width)

    def tick(self, symbol: str) -> Decimal:  # noqa: ARG002 - one market for every symbol
        """Return the tick size."""
        return self._tick
