"""Random orders: as often, on such sides and of such sizes as the user's own."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.market import Market

_DAY_SECONDS = 86400
_PROBE_NUMBER_COUNT = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """How one symbol is traded: how often, and the past orders from which each new one is drawn.

    `sides` are 1 for a buy, -1 for a sell, and 0 if unknown: then a coin toss decides. `notionals` are NaN if unknown.
    """

    orders_per_day: float
    sides: Integers
    notionals: Floats


def coin_profile(orders_per_day: float) -> Profile:
    """Return a profile of so many orders a day whose sides are coin tosses."""
    return Profile(orders_per_day=orders_per_day, sides=np.zeros(1, dtype=np.int64), notionals=np.full(1, np.nan))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orders:
    """The orders of all markets by arrival, one array per attribute.

    `market` is the index of an order's market, `bar` the bar at whose close it arrives. `side` is 1 for a buy, -1 for a
    sell. `failure_draw` (0 to 1) and `probe_number` are drawn once, so that chance is the same for every policy.
    """

    market: Integers
    bar: Integers
    arrives_seconds: Integers
    side: Integers
    notional: Floats
    failure_draw: Floats
    probe_number: Integers

    def __len__(self) -> int:
        """Return the number of orders."""
        return len(self.bar)

    def chosen(self, which: Integers | Flags) -> "Orders":
        """Return the orders of these rows, in that order."""
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
    markets: Sequence[Market], profiles: Mapping[str, Profile], wait_bars: int, *, seed: int, repetition: int
) -> Orders:
    """Draw the orders of every market: a Poisson process at the closes of its bars.

    An order whose wait would run into a gap or the end of the candles does not arrive. A market's orders depend on the
    seed, the repetition and its own name and candles, not on the other markets.
    """
    drawn = [
        _draw(index, market, profiles[market.symbol], wait_bars, _generator(seed, repetition, market.symbol))
        for index, market in enumerate(markets)
    ]
    together = Orders(
        market=np.concatenate([orders.market for orders in drawn]),
        bar=np.concatenate([orders.bar for orders in drawn]),
        arrives_seconds=np.concatenate([orders.arrives_seconds for orders in drawn]),
        side=np.concatenate([orders.side for orders in drawn]),
        notional=np.concatenate([orders.notional for orders in drawn]),
        failure_draw=np.concatenate([orders.failure_draw for orders in drawn]),
        probe_number=np.concatenate([orders.probe_number for orders in drawn]),
    )
    return together.chosen(np.argsort(together.arrives_seconds, kind="stable"))


def _generator(seed: int, repetition: int, symbol: str) -> np.random.Generator:
    return np.random.default_rng((seed, repetition, zlib.crc32(symbol.encode())))


def _draw(index: int, market: Market, profile: Profile, wait_bars: int, generator: np.random.Generator) -> Orders:
    bars = _bars_with_a_whole_wait(market, wait_bars)
    order_counts = generator.poisson(
        profile.orders_per_day * market.bars.interval_seconds / _DAY_SECONDS, size=len(bars)
    )
    bar = np.repeat(bars, order_counts)
    drawn = generator.integers(len(profile.sides), size=len(bar))
    coin = generator.choice(np.array((-1, 1)), size=len(bar))
    side = profile.sides[drawn]
    return Orders(
        market=np.full(len(bar), index),
        bar=bar,
        arrives_seconds=market.bars.close_seconds[bar],
        side=np.where(side == 0, coin, side),
        notional=profile.notionals[drawn],
        failure_draw=generator.random(len(bar)),
        probe_number=generator.integers(_PROBE_NUMBER_COUNT, size=len(bar)),
    )


def _bars_with_a_whole_wait(market: Market, wait_bars: int) -> Integers:
    opens = market.bars.open_seconds
    waited = opens[wait_bars:] - opens[: len(opens) - wait_bars]
    return np.flatnonzero(waited == wait_bars * market.bars.interval_seconds)
