"""Prices for a simulated venue: what it asks for, and a random walk that answers."""

from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Protocol

from router_policy_client.venue import Quote

_BPS = Decimal(10_000)


class Prices(Protocol):
    """What the venue's prices are."""

    def quote(self, symbol: str, at: datetime) -> Quote:
        """Return the best prices of a moment."""
        ...

    def tick(self, symbol: str) -> Decimal:
        """Return the smallest step of a price."""
        ...


class RandomWalk:
    """Prices of one market on whole ticks: the mid walks by the second from `price` on, the spread stays."""

    def __init__(
        self, random: Random, start: datetime, *, price: float, tick: Decimal, spread_bps: float, volatility_bps: float
    ) -> None:
        self._random = random
        self._start = start
        self._tick = tick
        self._spread_bps = spread_bps
        self._volatility_bps = volatility_bps
        self._walk = [price]

    def quote(self, symbol: str, at: datetime) -> Quote:  # noqa: ARG002 - every symbol is this market
        """Return the best prices of a moment, at the earliest the start."""
        second = max(0, int((at - self._start).total_seconds()))
        while len(self._walk) <= second:
            self._walk.append(self._walk[-1] * (1 + self._random.gauss(0.0, self._volatility_bps) / 10_000))
        mid = Decimal(str(self._walk[second]))
        bid = max(Decimal(1), (mid * (1 - Decimal(str(self._spread_bps)) / _BPS / 2)) // self._tick) * self._tick
        width = max(Decimal(1), (mid * Decimal(str(self._spread_bps)) / _BPS) // self._tick) * self._tick
        return Quote(bid=bid, ask=bid + width)

    def tick(self, symbol: str) -> Decimal:  # noqa: ARG002 - every symbol is this market
        """Return the smallest step of a price."""
        return self._tick
