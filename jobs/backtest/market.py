"""Market data: the candles of every symbol as arrays, with the tick, the spread and the volatility that they show."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from jobs.backtest.arrays import Floats, Integers
from policy import Volatility
from policy.numbers import round_metric
from policy.regime import LONG_BAR_COUNT, SHORT_BAR_COUNT
from policy.window import LOOKBACK_BARS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Bars of one symbol, oldest first, each once, possibly with gaps between them.

    A bar opens at `open_seconds` since 1970, UTC, and closes an interval later.
    """

    interval: timedelta
    open_seconds: Integers
    high: Floats
    low: Floats
    close: Floats

    @property
    def interval_seconds(self) -> int:
        """The length of a bar."""
        return int(self.interval.total_seconds())

    @property
    def close_seconds(self) -> Integers:
        """When each bar closes, in seconds since 1970."""
        return self.open_seconds + self.interval_seconds

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.close)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """One symbol: its bars, the step of its price grid, and half its spread in basis points.

    `half_spread_bps` None stands for half a tick; `is_one_tick` None means that the bars do not show it.
    """

    symbol: str
    bars: Bars
    tick: float
    half_spread_bps: float | None = None
    is_one_tick: bool | None = None

    def atr_ratio(self) -> Floats:
        """Return the ratio that `policy/metrics/volatility.sql` gives at each bar's close, NaN if it is unknown."""
        bars, last = self.bars, np.arange(len(self.bars))
        first = np.searchsorted(bars.open_seconds, bars.open_seconds - (LOOKBACK_BARS - 1) * bars.interval_seconds)
        ranges = _Ranges.of(bars)
        long = ranges.mean(first, last, LONG_BAR_COUNT)
        is_unknown = (last - first + 1 < LONG_BAR_COUNT) | (long <= 0)
        return ranges.mean(first, last, SHORT_BAR_COUNT) / np.where(is_unknown, np.nan, long)

    def volatility_at(self, slots_seconds: Integers) -> list[Volatility]:
        """Return what `policy/metrics/volatility.sql` gives as of each slot, from bars that had closed by then."""
        bars = self.bars
        last = np.searchsorted(bars.open_seconds, slots_seconds - bars.interval_seconds, side="right") - 1
        first = np.searchsorted(bars.open_seconds, slots_seconds - LOOKBACK_BARS * bars.interval_seconds)
        ranges = _Ranges.of(bars)
        short, long = (ranges.mean(first, last, count) for count in (SHORT_BAR_COUNT, LONG_BAR_COUNT))
        age = slots_seconds - bars.interval_seconds - bars.open_seconds[last]
        columns = (last - first + 1, short, long, bars.close[last], age)
        return [_volatility(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranges:
    """Each bar's range without (`plain`) and with (`true`) the close before it, and the running sum of the latter."""

    plain: Floats
    true: Floats
    summed: Floats

    @classmethod
    def of(cls, bars: Bars) -> "_Ranges":
        high, low, before = bars.high[1:], bars.low[1:], bars.close[:-1]
        plain, true = bars.high - bars.low, bars.high - bars.low
        true[1:] = np.maximum.reduce((plain[1:], np.abs(high - before), np.abs(low - before)))
        return cls(plain=plain, true=true, summed=np.concatenate(([0.0], np.cumsum(true))))

    def mean(self, first: Integers, last: Integers, count: int) -> Floats:
        """Return the mean of the last `count` ranges of bars `first` to `last`; the first has no close before it."""
        start = np.minimum(np.maximum(first, last - count + 1), len(self.true) - 1)
        total = self.summed[last + 1] - self.summed[start]
        total += np.where(start == first, self.plain[start] - self.true[start], 0.0)
        average: Floats = total / np.maximum(last - start + 1, 1)
        return average


def _volatility(count: int, short: float, long: float, close: float, age_seconds: float) -> Volatility:
    if count < 1:
        return Volatility()
    has_short, has_long = count >= SHORT_BAR_COUNT, count >= LONG_BAR_COUNT
    return Volatility(
        atr_short_pct=round_metric(short / close * 100) if has_short else None,
        atr_long_pct=round_metric(long / close * 100) if has_long else None,
        atr_ratio=round_metric(short / long) if has_long and long > 0 else None,
        bar_count=min(count, LONG_BAR_COUNT),
        bar_age_seconds=float(age_seconds),
    )
