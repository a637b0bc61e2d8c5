"""The rule set `measured` on real candles: its gain at small fee gaps, and that it never costs much at larger ones.

The candles are those of the benchmark `backtest`: a month of eight perpetuals, here three times in a row. Policies are
computed each hour. `measured` posts once, as always maker first does, so that the two differ by the way alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from benchmarks.backtest import difference, real_markets
from benchmarks.data import Data
from benchmarks.figure import Figure
from jobs.backtest.backtest import BacktestRequest, run_backtest
from jobs.backtest.execution import Execution
from jobs.backtest.market import Market
from jobs.backtest.orders import coin_profile
from jobs.plan import Fees
from jobs.slots import Slots
from policy.fee_gap import FeeGap
from policy.rules import rule_set

RUNS = 2
_MAKER_BPS = 2.0
_MONTHS = 3
_DAY_SECONDS = 86400
_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """Fees and prices: the fee gap, and how far the price moves with an order while it waits."""

    gap_bps: float
    target: float
    drift_bps: float = 0.0
    orders_per_day: float = 60.0


_WORLDS = (
    _World(gap_bps=0.0, target=-0.25),
    _World(gap_bps=0.6, target=0.02),
    _World(gap_bps=1.0, target=0.02),
    _World(gap_bps=1.7, target=0.02),
    _World(gap_bps=3.0, target=0.02),
    _World(gap_bps=1.7, drift_bps=15.0, target=-0.8),
)
_ALONE = (_World(gap_bps=0.0, target=0.02), _World(gap_bps=1.0, target=0.02, orders_per_day=20.0))


def figures(data: Data, repetitions: int = RUNS) -> list[Figure]:  # noqa: ARG001 - it reads real candles
    """Backtest over three months in each world; `repetitions` is how often orders are drawn."""
    markets = [repeated(market, _MONTHS) for market in real_markets()]
    alone = [market for market in markets if market.symbol.startswith("SOL")]
    return [
        *(_world_figure(markets, world, repetitions) for world in _WORLDS),
        *(_figure("one symbol alone", alone, world, repetitions) for world in _ALONE),
    ]


def _world_figure(markets: Sequence[Market], world: _World, repetitions: int) -> Figure:
    """Measure a world on the markets whose prices move as far as its drift asks while an order waits."""
    reach = [market for market in markets if _mean_move_bps(market) > world.drift_bps]
    return _figure(f"{len(reach)} symbols", reach, world, repetitions)


def _mean_move_bps(market: Market) -> float:
    close, wait = market.bars.close, Execution().wait_bars
    return float(np.abs(close[wait:] / close[:-wait] - 1).mean()) * 1e4


def repeated(market: Market, times: int) -> Market:
    """Return the market with its bars so many times, one after the other, with an hour between them."""
    bars = market.bars
    length = int(bars.close_seconds[-1] - bars.open_seconds[0]) + _HOUR_SECONDS
    length += -length % _DAY_SECONDS
    return replace(
        market,
        bars=replace(
            bars,
            open_seconds=np.concatenate([bars.open_seconds + number * length for number in range(times)]),
            high=np.tile(bars.high, times),
            low=np.tile(bars.low, times),
            close=np.tile(bars.close, times),
        ),
    )


def _figure(name: str, markets: Sequence[Market], world: _World, repetitions: int) -> Figure:
    backtest = run_backtest(request(markets, world, repetitions))
    result = backtest.of("measured")
    drift = f", price moving {world.drift_bps:g} bps with orders" if world.drift_bps else ""
    how = (
        f"{backtest.order_count} orders by each policy, {backtest.day_count:.0f} days; off {result.off_share:.0%} of "
        f"the time; always taker {backtest.of('always taker').over_maker.mean:+.2f}"
    )
    title = (
        f"measured over always maker first, {name}, {world.orders_per_day:g} a day, fee gap {world.gap_bps:g}{drift}"
    )
    return difference(title, result.over_maker, world.target, how)


def request(markets: Sequence[Market], world: _World, repetitions: int) -> BacktestRequest:
    """Return the backtest of one world."""
    first = min(int(market.bars.open_seconds[0]) for market in markets)
    last = max(int(market.bars.close_seconds[-1]) for market in markets)
    slots = Slots("0 * * * *")
    start = slots.newest(datetime.fromtimestamp(first, UTC))
    symbols = [market.symbol for market in markets]
    fees = Fees(maker_bps=_MAKER_BPS, taker_bps=_MAKER_BPS + world.gap_bps)
    return BacktestRequest(
        markets=markets,
        profiles=dict.fromkeys(symbols, coin_profile(world.orders_per_day)),
        fees=dict.fromkeys(symbols, fees),
        fee_gaps=_fee_gaps(markets, world.gap_bps),
        rule_sets={"measured": rule_set("measured", {"maker_posts": 1})},
        slots=[start, *slots.between(start, datetime.fromtimestamp(last, UTC))],
        drift_bps=world.drift_bps,
        repetition_count=repetitions,
    )


def _fee_gaps(markets: Sequence[Market], gap_bps: float) -> Mapping[str, FeeGap]:
    return {market.symbol: FeeGap(gap_bps=gap_bps, is_one_tick=market.is_one_tick) for market in markets}
