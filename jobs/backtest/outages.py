"""Simulated outages of maker fills, on top of the real prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import sqrt

import numpy as np

from jobs.backtest.arrays import Flags
from jobs.backtest.errors import BacktestError
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders
from policy.time_text import age_words

QUIET_BEFORE = timedelta(days=7)
_STREAM = 2**32  # of random numbers; the streams of the markets are below


class Reach(StrEnum):
    """What an outage affects: each symbol at a time of its own, or the whole venue at once."""

    SYMBOL = "symbol"
    VENUE = "venue"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePlan:
    """The outages of a backtest: `count` in each repetition, from the eighth day on.

    During one, `miss_share` of the maker orders do not fill whatever the price does, and crossing late costs each of
    them `penalty_bps` more. With `is_rejected`, the venue rejects them as post-only; otherwise they wait in vain.
    """

    duration: timedelta
    count: int
    miss_share: float = 0.97
    penalty_bps: float = 5.0
    reach: Reach = Reach.SYMBOL
    is_rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One outage of one market, of orders that arrive in `start_seconds <= t < end_seconds` since 1970."""

    market: int
    start_seconds: int
    end_seconds: int


def usual_count(duration: timedelta) -> int:
    """Return the default number of outages of this length in a repetition: 4 of 6 hours, 2 of 24, 1 of 72."""
    return max(1, round(4 * sqrt(timedelta(hours=6) / duration)))


def draw_outages(plan: OutagePlan, markets: Sequence[Market], *, seed: int, repetition: int) -> tuple[Outage, ...]:
    """Draw the outages of every market, by start; those of one market never touch.

    Raises BacktestError if the candles are too short for them.
    """
    generator = np.random.default_rng((seed, repetition, _STREAM))
    start = min(int(market.bars.open_seconds[0]) for market in markets) + int(QUIET_BEFORE.total_seconds())
    end = max(int(market.bars.close_seconds[-1]) for market in markets)
    room = (end - start) // plan.count
    duration_seconds = int(plan.duration.total_seconds())
    if room < 2 * duration_seconds:
        days = (QUIET_BEFORE + 2 * plan.count * plan.duration) / timedelta(days=1)
        raise BacktestError(
            f"{plan.count} outages of {age_words(plan.duration)} need candles of {days:g} days; there are "
            f"{(end - start) / 86400 + QUIET_BEFORE.days:.1f}; simulate fewer or shorter ones"
        )

    def starts() -> list[int]:
        return [
            start + number * room + int(generator.integers(room - duration_seconds)) for number in range(plan.count)
        ]

    same = starts()
    outages = [
        Outage(market=index, start_seconds=at, end_seconds=at + duration_seconds)
        for index in range(len(markets))
        for at in (same if plan.reach is Reach.VENUE else starts())
    ]
    return tuple(sorted(outages, key=lambda outage: (outage.start_seconds, outage.market)))


def arriving_within(orders: Orders, outages: Sequence[Outage]) -> Flags:
    """Return for each order whether it arrives during an outage of its market."""
    within = np.zeros(len(orders), dtype=np.bool_)
    arrives = orders.arrives_seconds
    for outage in outages:
        is_during = (arrives >= outage.start_seconds) & (arrives < outage.end_seconds)
        within |= (orders.market == outage.market) & is_during
    return within
