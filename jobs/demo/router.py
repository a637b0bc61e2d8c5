"""The simulated router: what becomes of one order, maker first and then across the spread.

This is where a real router on a simulated venue fits in: it takes the same order and answers with the same execution.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from jobs.demo.market import Market, Quote

_PATIENCE_SECONDS = 4.0
_QUICKEST_FILL_SECONDS = 0.2
_POST_ONLY_TRIES = 2
_LEAST_LATENCY_SECONDS = 0.05
_MEAN_LATENCY_SECONDS = 0.1
_DIRECT_TAKER_CHANCE = 0.1
_GIVEN_UP_CHANCE = 0.02
_UNCONFIRMED_CHANCE = 0.02


class Side(StrEnum):
    """Whether an order buys or sells."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that closes what this one opened."""
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How well orders do on a symbol for a while.

    `fill_chance` is that of a resting order to be filled in time, `reject_chance` that of one post-only try to be
    refused, `impact_bps` what crossing the spread costs beyond it on average.
    """

    fill_chance: float
    reject_chance: float = 0.03
    impact_bps: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the bot wants, decided at a moment in seconds since 1970."""

    symbol: str
    side: Side
    contracts: float
    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What became of an order by `done_seconds` (since 1970).

    `mark` is the mid at the decision; `price` None where nothing was filled, 0 where the venue has not confirmed it.
    `waited_seconds` is how long it rested as maker, 0 where it never did.
    """

    order: Order
    mark: float
    price: float | None
    is_maker_start: bool
    is_maker_fill: bool = False
    is_fallback: bool = False
    reject_count: int = 0
    waited_seconds: float = 0.0
    done_seconds: float


class SimulatedRouter:
    """Executes orders on the simulated market: nothing but the seed and the order of the calls decides by chance."""

    def __init__(self, market: Market, random: Random) -> None:
        self._market = market
        self._random = random

    def mid(self, symbol: str, at_seconds: float) -> float:
        """Return the mid of a symbol at a moment in seconds since 1970."""
        return self._market.quote(symbol, at_seconds).mid

    def execute(self, order: Order, conditions: Conditions) -> Execution:
        """Carry an order out under these conditions.

        Most are tried post-only at the best price of their own side; what is refused twice or not filled in time
        crosses the spread, but for a few that are given up or that the venue does not confirm.
        """
        if self._random.random() < _DIRECT_TAKER_CHANCE:
            return self._crossed(order, conditions, is_maker_start=False)
        rejects = sum(self._random.random() < conditions.reject_chance for _ in range(_POST_ONLY_TRIES))
        if rejects == _POST_ONLY_TRIES:
            return self._fallback(order, conditions, rejects, waited_seconds=0.0)
        if self._random.random() >= conditions.fill_chance:
            return self._fallback(order, conditions, rejects, waited_seconds=_PATIENCE_SECONDS)
        return self._rested(order, rejects)

    def _rested(self, order: Order, rejects: int) -> Execution:
        decided = self._market.quote(order.symbol, order.at_seconds)
        waited = self._random.uniform(_QUICKEST_FILL_SECONDS, _PATIENCE_SECONDS)
        return Execution(
            order=order,
            mark=decided.mid,
            price=decided.bid if order.side is Side.BUY else decided.ask,
            is_maker_start=True,
            is_maker_fill=True,
            reject_count=rejects,
            waited_seconds=waited,
            done_seconds=order.at_seconds + waited + self._latency_seconds(),
        )

    def _fallback(self, order: Order, conditions: Conditions, rejects: int, *, waited_seconds: float) -> Execution:
        if self._random.random() < _GIVEN_UP_CHANCE:
            return Execution(
                order=order,
                mark=self.mid(order.symbol, order.at_seconds),
                price=None,
                is_maker_start=True,
                reject_count=rejects,
                waited_seconds=waited_seconds,
                done_seconds=order.at_seconds + waited_seconds + self._latency_seconds(),
            )
        return self._crossed(order, conditions, is_maker_start=True, rejects=rejects, waited_seconds=waited_seconds)

    def _crossed(
        self,
        order: Order,
        conditions: Conditions,
        *,
        is_maker_start: bool,
        rejects: int = 0,
        waited_seconds: float = 0.0,
    ) -> Execution:
        done_seconds = order.at_seconds + waited_seconds + self._latency_seconds()
        impact_bps = self._random.expovariate(1 / conditions.impact_bps)
        price = self._across(order, self._market.quote(order.symbol, done_seconds), impact_bps)
        is_unconfirmed = self._random.random() < _UNCONFIRMED_CHANCE
        return Execution(
            order=order,
            mark=self.mid(order.symbol, order.at_seconds),
            price=0.0 if is_unconfirmed else price,
            is_maker_start=is_maker_start,
            is_fallback=is_maker_start,
            reject_count=rejects,
            waited_seconds=waited_seconds,
            done_seconds=done_seconds,
        )

    def _across(self, order: Order, quote: Quote, impact_bps: float) -> float:
        """Give the price of crossing the spread: the other side's best, made worse by whole ticks for the impact."""
        tick = 10.0 ** -self._market.listing(order.symbol).decimals
        worse = math.floor(quote.mid * impact_bps / 10_000 / tick) * tick
        price = quote.ask + worse if order.side is Side.BUY else quote.bid - worse
        return round(price, self._market.listing(order.symbol).decimals)

    def _latency_seconds(self) -> float:
        return _LEAST_LATENCY_SECONDS + self._random.expovariate(1 / _MEAN_LATENCY_SECONDS)
