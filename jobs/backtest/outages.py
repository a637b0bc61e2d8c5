"""Outages of maker fills, put on top of the real prices."""

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

QUIET_BEFORE = timedelta(days=7)
_STREAM = 2**32  # of chance; those of the markets are below


class Reach(StrEnum):
    """Whom an outage strikes: each symbol at a time of its own, or all of the venue at once."""

    SYMBOL = "symbol"
    VENUE = "venue"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePlan:
    """What is put in: so many outages in each run, from the eighth day on.

    In one, `miss_share` of the maker orders do not fill whatever the price does, and the late crossing of each costs
    `penalty_bps` more. `is_rejected` says that the log has them as refused by the venue, not as waited in vain.
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
    """Return how many outages of this length are put in a run by default: 4 of 6 hours, 2 of 24, 1 of 72."""
    return max(1, round(4 * sqrt(timedelta(hours=6) / duration)))


def draw_outages(plan: OutagePlan, markets: Sequence[Market], *, seed: int, run: int) -> tuple[Outage, ...]:
    """Draw the outages of every market, by start; those of one market never touch.

    Raises EvaluationError where the candles leave no room for them.
    """
    chance = np.random.default_rng((seed, run, _STREAM))
    start = min(int(market.bars.open_seconds[0]) for market in markets) + int(QUIET_BEFORE.total_seconds())
    end = max(int(market.bars.close_seconds[-1]) for market in markets)
    room = (end - start) // plan.count
    lasting = int(plan.duration.total_seconds())
    if room < 2 * lasting:
        days = (QUIET_BEFORE + 2 * plan.count * plan.duration) / timedelta(days=1)
        raise BacktestError(
            f"{plan.count} outages of {plan.duration} need candles of {days:g} days, there are "
            f"{(end - start) / 86400 + QUIET_BEFORE.days:.1f}; put in fewer or shorter ones"
        )

    def starts() -> list[int]:
        return [start + number * room + int(chance.integers(room - lasting)) for number in range(plan.count)]

    same = starts()
    found = [
        Outage(market=place, start_seconds=at, end_seconds=at + lasting)
        for place in range(len(markets))
        for at in (same if plan.reach is Reach.VENUE else starts())
    ]
    return tuple(sorted(found, key=lambda one: (one.start_seconds, one.market)))


def arriving_within(orders: Orders, outages: Sequence[Outage]) -> Flags:
    """Tell of each order whether it arrives in an outage of its market."""
    within = np.zeros(len(orders), dtype=np.bool_)
    for one in outages:
        arrives = orders.arrives_seconds
        within |= (orders.market == one.market) & (arrives >= one.start_seconds) & (arrives < one.end_seconds)
    return within
