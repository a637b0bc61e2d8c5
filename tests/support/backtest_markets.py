"""Markets for tests of the evaluation: bars written out by hand, and prices that walk at random but always alike."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from jobs.backtest.market import Bars, Market
from jobs.backtest.orders import Orders
from jobs.plan import Fees
from tests.support.bars import named, write_csv

START = datetime(2026, 4, 1, tzinfo=UTC)
START_SECONDS = int(START.timestamp())
FEES = Fees(maker_bps=2.0, taker_bps=5.0)
MINUTE = timedelta(minutes=1)


def market(
    prices: Sequence[tuple[float, float, float]],
    *,
    tick: float = 0.5,
    symbol: str = "BTCUSDT",
    interval: timedelta = MINUTE,
    minutes: Sequence[int] | None = None,
) -> Market:
    """Make a market of high, low and close; bars follow each other from START on if their minutes are not given."""
    high, low, close = np.array(prices, dtype=np.float64).T
    opens = np.arange(len(prices)) * int(interval.total_seconds()) if minutes is None else np.array(minutes) * 60
    bars = Bars(interval=interval, open_seconds=START_SECONDS + opens, high=high, low=low, close=close)
    return Market(symbol=symbol, bars=bars, tick=tick)


def walking(symbol: str, bar_count: int, *, interval: timedelta = timedelta(minutes=15), seed: int = 0) -> Market:
    """Make a market whose price walks at random, in ticks of 0.01 about 100."""
    chance = np.random.default_rng((seed, len(symbol), sum(symbol.encode())))
    close = 10_000 + np.cumsum(chance.integers(-6, 7, bar_count))
    high, low = (close + sign * chance.integers(3, 12, bar_count) for sign in (1, -1))
    return market((np.stack([high, low, close], axis=1) / 100).tolist(), tick=0.01, symbol=symbol, interval=interval)


def martingale(symbol: str, bar_count: int, *, deviation_bps: float, seed: int = 0) -> Market:
    """Make a market of one-minute bars whose next price is on average the last one, in ticks of 0.001 about 100.

    `deviation_bps` is that of the price within a minute, in which it takes twelve steps; the bars have its true range.
    """
    chance = np.random.default_rng((seed, len(symbol), sum(symbol.encode())))
    steps = chance.normal(0, deviation_bps / 100 / np.sqrt(12), (bar_count, 12))
    path = np.round(100 + np.cumsum(steps.ravel()), 3).reshape(bar_count, 12)
    close = path[:, -1]
    previous = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(path.max(axis=1), previous), np.minimum(path.min(axis=1), previous)
    return market(np.stack([high, low, close], axis=1).tolist(), tick=0.001, symbol=symbol)


def orders(*each: tuple[int, int], market_place: int = 0, interval: timedelta = MINUTE) -> Orders:
    """Make orders of one market from the bar at whose close each arrives and its side; chance does nothing to them."""
    bar, side = np.array(each, dtype=np.int64).T
    return Orders(
        market=np.full(len(bar), market_place),
        bar=bar,
        arrives_seconds=START_SECONDS + (bar + 1) * int(interval.total_seconds()),
        side=side,
        notional=np.full(len(bar), 100.0),
        failure_draw=np.full(len(bar), 0.5),
        probe_number=np.arange(len(bar)),
        disagreement_draw=np.full(len(bar), 0.5),
        noise_at_once=np.zeros(len(bar)),
        noise_late=np.zeros(len(bar)),
    )


def write_candles(path: Path, of: Sequence[Market]) -> Path:
    """Write the bars of markets as CSV."""
    rows = []
    for each in of:
        opens = [datetime.fromtimestamp(seconds, UTC) for seconds in each.bars.open_seconds.tolist()]
        prices = (each.bars.high.tolist(), each.bars.low.tolist(), each.bars.close.tolist())
        rows += named(each.symbol, zip(opens, *prices, strict=True))
    return write_csv(path, rows)
