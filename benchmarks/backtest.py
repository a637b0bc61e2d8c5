"""The backtest on real candles: the cost of each policy on eight perpetuals, the outages it detects, the time it takes.

The candles are in the folder `candles-1m` of real inputs, which REAL_INPUTS names. The targets of outages are the
results of a study of 27 markets. All parameters are defaults; none was fitted to these eight markets.
"""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.data import Data
from benchmarks.figure import Figure
from jobs.backtest.backtest import Backtest, BacktestRequest, run_backtest
from jobs.backtest.comparison import ALWAYS_TAKER, ORACLE
from jobs.backtest.orders import coin_profile
from jobs.backtest.outages import OutagePlan, Reach
from jobs.backtest.reading import read_markets
from jobs.backtest.statistics import Estimate
from jobs.plan import CandlesSource, Fees, Location
from jobs.slots import Slots
from policy.rules import rule_set

RUNS = 12
_REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[2] / "shared" / "real")) / "candles-1m"
_MINUTE, _DAY = timedelta(minutes=1), timedelta(hours=24)
_SHORT, _SHORT_COUNT, _LONG_COUNT = timedelta(hours=6), 4, 2
_ORDERS_PER_DAY = 20.0
_FEES = Fees(maker_bps=2.0, taker_bps=5.0)
_MAX_BAR_AGE_SECONDS = 240.0
_SECONDS = 120.0


def figures(data: Data, repetitions: int = RUNS) -> list[Figure]:  # noqa: ARG001 - it reads real candles
    """Backtest without outages, with long ones and with short ones; `repetitions` is how often orders are drawn."""
    began, began_cpu = time.perf_counter(), time.process_time()
    request = _request(repetitions)
    calm = run_backtest(request)
    long = run_backtest(replace(request, outages=OutagePlan(duration=_DAY, count=_LONG_COUNT)))
    short_plan = OutagePlan(duration=_SHORT, count=_SHORT_COUNT)
    short = run_backtest(replace(request, outages=short_plan))
    cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
    rejected = run_backtest(replace(request, outages=replace(short_plan, is_rejected=True)))
    everywhere = run_backtest(replace(request, outages=replace(short_plan, reach=Reach.VENUE)))
    how = f"three backtests of {calm.order_count} orders by each policy, reading included; {wall:.0f} s on the clock"
    return [
        *_calm_figures(calm),
        _share_of_oracle(long),
        *_detection_figures("6 h outages", short, share=0.58, hours_to_off=3.8, hours_to_recover=2.6),
        *_detection_figures(
            "6 h outages, rejected orders", rejected, share=1.0, hours_to_off=3.0, hours_to_recover=2.0
        ),
        *_detection_figures("6 h outages of the venue", everywhere, share=1.0, hours_to_off=0.8, hours_to_recover=0.5),
        Figure(name="CPU of those backtests", value=cpu, lowest=cpu, highest=cpu, target=_SECONDS, how=how, unit="s"),
    ]


def _request(repetitions: int) -> BacktestRequest:
    source = CandlesSource(location=Location(path=str(_REAL / "*.parquet")), interval=_MINUTE)
    markets = list(read_markets(source, datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)).values())
    first = min(int(market.bars.open_seconds[0]) for market in markets)
    last = max(int(market.bars.close_seconds[-1]) for market in markets)
    slots = Slots("*/15 * * * *")
    start = slots.newest(datetime.fromtimestamp(first, UTC))
    symbols = [market.symbol for market in markets]
    parameters = {"max_bar_age_seconds": _MAX_BAR_AGE_SECONDS}
    return BacktestRequest(
        markets=markets,
        profiles=dict.fromkeys(symbols, coin_profile(_ORDERS_PER_DAY)),
        fees=dict.fromkeys(symbols, _FEES),
        fee_gaps={},
        rule_sets={name: rule_set(name, parameters) for name in ("seed", "breaker")},
        slots=[start, *slots.between(start, datetime.fromtimestamp(last, UTC))],
        repetition_count=repetitions,
    )


def _calm_figures(calm: Backtest) -> list[Figure]:
    taker, seed, breaker = (calm.of(name) for name in (ALWAYS_TAKER, "seed", "breaker"))
    worst = max(breaker.over_maker_by_symbol.values(), key=lambda estimate: abs(estimate.mean))
    how = f"{calm.order_count} orders by each policy on 8 perpetuals, fees 2 and 5 bps, no outage"
    return [
        _difference("always taker over always maker first", taker.over_maker, 1.5, how, at_least=True),
        _difference("always taker over always maker first", taker.over_maker, 2.5, how),
        _difference("seed over always maker first", seed.over_maker, 0.0, how, at_least=True),
        Figure(
            name="breaker over always maker first, in the market with the largest difference",
            value=abs(worst.mean),
            lowest=min(abs(estimate.mean) for estimate in breaker.over_maker_by_symbol.values()),
            highest=abs(worst.mean),
            target=0.02,
            how=f"{how}; either way, the spread is over markets",
            unit="bps",
        ),
    ]


def _difference(name: str, estimate: Estimate, target: float, how: str, *, at_least: bool = False) -> Figure:
    interval = estimate.interval
    low, high = (interval.lower, interval.upper) if interval else (estimate.mean, estimate.mean)
    how = f"{how}; the spread is the 95 % interval"
    return Figure(
        name=name, value=estimate.mean, lowest=low, highest=high, target=target, how=how, unit="bps", at_least=at_least
    )


def _share_of_oracle(long: Backtest) -> Figure:
    breaker, oracle = long.of("breaker").over_maker_by_symbol, long.of(ORACLE).over_maker_by_symbol
    gained, possible = (-sum(estimate.mean for estimate in each.values()) / len(each) for each in (breaker, oracle))
    share = gained / possible
    how = f"24 h outages, 5 bps more for a late crossing: {gained:.3f} of {possible:.3f} bps, mean over 8 markets"
    return Figure(
        name="the gain of breaker, of the gain of an oracle that knows the outages",
        value=share,
        lowest=share,
        highest=share,
        target=1 / 3,
        how=how,
        at_least=True,
    )


def _detection_figures(
    name: str, backtest: Backtest, *, share: float, hours_to_off: float, hours_to_recover: float
) -> list[Figure]:
    """Compare the outages that the breaker detected with the results of the study."""
    detection = backtest.of("breaker").detection
    assert detection is not None
    how = f"{detection.outage_count} outages; the target is the result of the study"
    rows = (
        ("detected by the breaker", detection.detected_share, share, "of them", True),
        ("until it opens", detection.hours_to_off, hours_to_off, "h", False),
        ("until it has recovered", detection.hours_to_recover, hours_to_recover, "h", False),
    )
    return [
        Figure(
            name=f"{name}: {what}",
            value=value,
            lowest=value,
            highest=value,
            target=target,
            how=how,
            unit=unit,
            at_least=at_least,
        )
        for what, value, target, unit, at_least in rows
        if value is not None
    ]
