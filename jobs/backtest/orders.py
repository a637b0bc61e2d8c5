"""Orders as they might have come: at random moments, as often and on such sides as the user's own."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.market import Market

_DAY_SECONDS = 86400
_MOST_PROBE_NUMBERS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """How one symbol is traded: how often, and the orders of which each new one is like one.

    `sides` are 1 for a buy, -1 for a sell, 0 where it is not known, which stands for a coin's toss. `notionals` are NaN
    where they are not known.
    """

    orders_per_day: float
    sides: Integers
    notionals: Floats


def coin_profile(orders_per_day: float) -> Profile:
    """Return a profile of so many orders a day whose sides are tossed by a coin."""
    return Profile(orders_per_day=orders_per_day, sides=np.zeros(1, dtype=np.int64), notionals=np.full(1, np.nan))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orders:
    """The orders of all markets in the order in which they arrive, one array for each of their figures.

    `market` is the place of an order's market, `bar` the bar at whose close it arrives. `side` is 1 for a buy, -1 for a
    sell. `failure_draw` (0 to 1) and `probe_number` are what chance is left for later, the same for every policy.
    """

    market: Integers
    bar: Integers
    arrives_seconds: Integers
    side: Integers
    notional: Floats
    failure_draw: Floats
    probe_number: Integers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.bar)

    def chosen(self, which: Integers | Flags) -> "Orders":
        """Return those of these places, in that order."""
        return Orders(
            market=self.market[which],
            bar=self.bar[which],
            arrives_seconds=self.arrives_seconds[which],
            side=self.side[which],
            notional=self.notional[which],
            failure_draw=self.failure_draw[which],
            probe_number=self.probe_number[which],
        )


def draw_orders(
    markets: Sequence[Market], profiles: Mapping[str, Profile], wait_bars: int, *, seed: int, run: int
) -> Orders:
    """Draw the orders of every market: a Poisson process at the closes of its bars.

    An order whose wait would run into a hole or the end of the candles does not arrive. A market's orders depend on the
    seed, the run and its own name and candles, not on the other markets.
    """
    drawn = [
        _draw(place, market, profiles[market.symbol], wait_bars, _chance(seed, run, market.symbol))
        for place, market in enumerate(markets)
    ]
    together = Orders(
        market=np.concatenate([one.market for one in drawn]),
        bar=np.concatenate([one.bar for one in drawn]),
        arrives_seconds=np.concatenate([one.arrives_seconds for one in drawn]),
        side=np.concatenate([one.side for one in drawn]),
        notional=np.concatenate([one.notional for one in drawn]),
        failure_draw=np.concatenate([one.failure_draw for one in drawn]),
        probe_number=np.concatenate([one.probe_number for one in drawn]),
    )
    return together.chosen(np.argsort(together.arrives_seconds, kind="stable"))


def _chance(seed: int, run: int, symbol: str) -> np.random.Generator:
    return np.random.default_rng((seed, run, zlib.crc32(symbol.encode())))


def _draw(place: int, market: Market, profile: Profile, wait_bars: int, chance: np.random.Generator) -> Orders:
    bars = _bars_with_a_whole_wait(market, wait_bars)
    each = chance.poisson(profile.orders_per_day * market.bars.interval_seconds / _DAY_SECONDS, size=len(bars))
    bar = np.repeat(bars, each)
    like = chance.integers(len(profile.sides), size=len(bar))
    coin = chance.choice(np.array((-1, 1)), size=len(bar))
    side = profile.sides[like]
    return Orders(
        market=np.full(len(bar), place),
        bar=bar,
        arrives_seconds=market.bars.close_seconds[bar],
        side=np.where(side == 0, coin, side),
        notional=profile.notionals[like],
        failure_draw=chance.random(len(bar)),
        probe_number=chance.integers(_MOST_PROBE_NUMBERS, size=len(bar)),
    )


def _bars_with_a_whole_wait(market: Market, wait_bars: int) -> Integers:
    opens = market.bars.open_seconds
    waited = opens[wait_bars:] - opens[: len(opens) - wait_bars]
    return np.flatnonzero(waited == wait_bars * market.bars.interval_seconds)
