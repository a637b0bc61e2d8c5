"""Random orders: as often, on such sides and of such sizes as the user's own."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import sqrt

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.drift import tilted_sides
from jobs.backtest.market import Market

_DAY_SECONDS = 86400
PROBE_NUMBER_COUNT = 2**62
_NOISE_FREEDOM = 4  # of Student's t: real quotes have heavier tails than the normal distribution
_NOISE_DEVIATION = sqrt(_NOISE_FREEDOM / (_NOISE_FREEDOM - 2))
_BPS = 1e4


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
    sell. The rest is drawn once, so that chance is the same for every policy: `failure_draw` and `disagreement_draw`
    from 0 to 1, `probe_number` from 0 to below 2^62, and the noise of the price when crossing at once or late, of
    deviation 1.
    """

    market: Integers
    bar: Integers
    arrives_seconds: Integers
    side: Integers
    notional: Floats
    failure_draw: Floats
    probe_number: Integers
    disagreement_draw: Floats
    noise_at_once: Floats
    noise_late: Floats

    def __len__(self) -> int:
        """Return the number of orders."""
        return len(self.bar)

    def chosen(self, which: Integers | Flags) -> "Orders":
        """Return the orders of these rows, in that order."""
        return Orders(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


def _together(parts: Sequence[Orders]) -> Orders:
    """Return the orders of all parts by arrival."""
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Orders)}
    return Orders(**columns).chosen(np.argsort(columns["arrives_seconds"], kind="stable"))


def draw_orders(
    markets: Sequence[Market],
    profiles: Mapping[str, Profile],
    wait_bars: int,
    *,
    seed: int,
    repetition: int,
    drift_bps: float = 0.0,
) -> Orders:
    """Draw the orders of every market: a Poisson process at the closes of its bars.

    An order whose wait would run into a gap or the end of the candles does not arrive. A market's orders depend on the
    seed, the repetition and its own name and candles, not on the other markets. With a drift, the sides are not those
    of the profile but look ahead: during the wait the price moves on average so far in the order's direction. Raises
    BacktestError if no choice of sides reaches the drift.
    """
    return _together(
        [
            _draw(
                _Arrivals.of(index, market, wait_bars),
                profiles[market.symbol],
                drift_bps,
                _generator(seed, repetition, market.symbol),
            )
            for index, market in enumerate(markets)
        ]
    )


def _generator(seed: int, repetition: int, symbol: str) -> np.random.Generator:
    return np.random.default_rng((seed, repetition, zlib.crc32(symbol.encode())))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arrivals:
    """The bars of one market at whose close an order may arrive, and how far the price moves while it would wait."""

    index: int
    market: Market
    bar: Integers
    moves_bps: Floats

    @classmethod
    def of(cls, index: int, market: Market, wait_bars: int) -> "_Arrivals":
        bars = market.bars
        waited = bars.open_seconds[wait_bars:] - bars.open_seconds[: len(bars) - wait_bars]
        bar = np.flatnonzero(waited == wait_bars * bars.interval_seconds)
        moves_bps = (bars.close[bar + wait_bars] / bars.close[bar] - 1) * _BPS
        return cls(index=index, market=market, bar=bar, moves_bps=moves_bps)


def _draw(arrivals: _Arrivals, profile: Profile, drift_bps: float, generator: np.random.Generator) -> Orders:
    bars = arrivals.market.bars
    order_counts = generator.poisson(
        profile.orders_per_day * bars.interval_seconds / _DAY_SECONDS, size=len(arrivals.bar)
    )
    which = np.repeat(np.arange(len(arrivals.bar)), order_counts)
    bar = arrivals.bar[which]
    drawn = generator.integers(len(profile.sides), size=len(bar))
    coin = generator.choice(np.array((-1, 1)), size=len(bar))
    side = np.where(profile.sides[drawn] == 0, coin, profile.sides[drawn])
    failure_draw, probe_number = generator.random(len(bar)), generator.integers(PROBE_NUMBER_COUNT, size=len(bar))
    disagreement_draw, side_draw = generator.random((2, len(bar)))
    noise_at_once, noise_late = generator.standard_t(_NOISE_FREEDOM, size=(2, len(bar))) / _NOISE_DEVIATION
    return Orders(
        market=np.full(len(bar), arrivals.index),
        bar=bar,
        arrives_seconds=bars.close_seconds[bar],
        side=tilted_sides(arrivals.market.symbol, arrivals.moves_bps, drift_bps, side_draw, which)
        if drift_bps
        else side,
        notional=profile.notionals[drawn],
        failure_draw=failure_draw,
        probe_number=probe_number,
        disagreement_draw=disagreement_draw,
        noise_at_once=noise_at_once,
        noise_late=noise_late,
    )
