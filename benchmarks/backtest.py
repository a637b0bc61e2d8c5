"""The backtest on real candles: the cost of each policy on eight perpetuals, the outages it detects, the time it takes.

The candles are in the folder `candles-1m` of real inputs, which REAL_INPUTS names. The rules know no fees here, so the
breakers post once as well and differ from always maker first by their openings only. All parameters are defaults; the
study behind version 2 of the breaker chose its thresholds on these eight markets.
"""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.data import Data
from benchmarks.figure import Figure
from jobs.backtest.backtest import Backtest, BacktestRequest, run_backtest
from jobs.backtest.comparison import ALWAYS_REPOSTED, ALWAYS_TAKER, ORACLE, PolicyResult
from jobs.backtest.market import Market
from jobs.backtest.orders import coin_profile
from jobs.backtest.outages import OutagePlan, Reach
from jobs.backtest.reading import read_markets
from jobs.backtest.statistics import Estimate
from jobs.plan import CandlesSource, Fees, Location
from jobs.slots import Slots
from policy.rules import rule_set

RUNS = 12
_BREAKERS = ("breaker1", "breaker")
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
    cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
    request = replace(request, rule_sets={name: request.rule_sets[name] for name in _BREAKERS})
    long = run_backtest(replace(request, outages=OutagePlan(duration=_DAY, count=_LONG_COUNT)))
    short_plan = OutagePlan(duration=_SHORT, count=_SHORT_COUNT)
    short = run_backtest(replace(request, outages=short_plan))
    rejected = run_backtest(replace(request, outages=replace(short_plan, is_rejected=True)))
    everywhere = run_backtest(replace(request, outages=replace(short_plan, reach=Reach.VENUE)))
    how = f"{calm.order_count} orders by each policy, three rule sets, reading included; {wall:.0f} s on the clock"
    return [
        *_reposting_figures(request),
        *_calm_figures(calm),
        _share_of_oracle(long),
        *_detection_figures("6 h outages", short, share=0.85),
        *_detection_figures("6 h outages, rejected orders", rejected, share=0.9),
        *_detection_figures("6 h outages of the venue", everywhere, share=1.0),
        Figure(name="CPU of one backtest", value=cpu, lowest=cpu, highest=cpu, target=_SECONDS, how=how, unit="s"),
    ]


def _reposting_figures(request: BacktestRequest) -> list[Figure]:
    """Re-post against posting once at three fee gaps, without outages."""
    results = []
    for gap_bps, target in ((3.0, -0.18), (1.7, 0.0), (0.0, 0.0)):
        fees = dict.fromkeys(request.fees, Fees(maker_bps=2.0, taker_bps=2.0 + gap_bps))
        reposted = run_backtest(replace(request, fees=fees, rule_sets={})).of(ALWAYS_REPOSTED)
        name = f"always re-posted over always maker first, fee gap {gap_bps:g} bps"
        how = f"standard deviation of an order's cost {reposted.cost_deviation_bps:.1f} bps"
        results.append(difference(name, reposted.over_maker, target, how, at_least=gap_bps == 0))
    return results


def real_markets() -> list[Market]:
    """Read a month of one-minute candles of eight perpetuals."""
    source = CandlesSource(location=Location(path=str(_REAL / "*.parquet")), interval=_MINUTE)
    return list(read_markets(source, datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)).values())


def _request(repetitions: int) -> BacktestRequest:
    markets = real_markets()
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
        rule_sets={name: rule_set(name, parameters) for name in ("seed", *_BREAKERS)},
        slots=[start, *slots.between(start, datetime.fromtimestamp(last, UTC))],
        repetition_count=repetitions,
    )


def _calm_figures(calm: Backtest) -> list[Figure]:
    how = f"{calm.order_count} orders by each policy on 8 perpetuals, fees 2 and 5 bps, no outage"
    taker, seed = calm.of(ALWAYS_TAKER).over_maker, calm.of("seed").over_maker
    return [
        difference("always taker over always maker first", taker, 1.5, how, at_least=True),
        difference("always taker over always maker first", taker, 2.5, how),
        difference("seed over always maker first", seed, 0.0, how, at_least=True),
        *_without_outages(calm, how),
    ]


def _without_outages(calm: Backtest, how: str) -> list[Figure]:
    """Show what the breaker costs in the market in which it costs the most, and how often it opens falsely."""
    first, second = (_most_costly(calm.of(name)) for name in _BREAKERS)
    first_false, second_false = (calm.of(name).false_openings_per_month for name in _BREAKERS)
    return [
        _figure(
            "breaker over always maker first, in the market in which it costs the most",
            second,
            0.01,
            f"{how}; it posts once as well; breaker1 {first:.3f}",
            unit="bps",
        ),
        _figure(
            "breaker: false openings of a market in 30 days", second_false, 0.1, f"{how}; breaker1 {first_false:.2f}"
        ),
    ]


def _most_costly(result: PolicyResult) -> float:
    return max(estimate.mean for estimate in result.over_maker_by_symbol.values())


def _figure(name: str, value: float, target: float, how: str, *, unit: str = "", at_least: bool = False) -> Figure:
    return Figure(
        name=name, value=value, lowest=value, highest=value, target=target, how=how, unit=unit, at_least=at_least
    )


def difference(name: str, estimate: Estimate, target: float, how: str, *, at_least: bool = False) -> Figure:
    """Return a difference of costs as a figure, with its 95 % interval as the spread."""
    interval = estimate.interval
    low, high = (interval.lower, interval.upper) if interval else (estimate.mean, estimate.mean)
    how = f"{how}; the spread is the 95 % interval"
    return Figure(
        name=name, value=estimate.mean, lowest=low, highest=high, target=target, how=how, unit="bps", at_least=at_least
    )


def _share_of_oracle(long: Backtest) -> Figure:
    possible = -long.of(ORACLE).over_maker.mean
    first, second = (-long.of(name).over_maker.mean / possible for name in _BREAKERS)
    how = f"of {possible:.3f} bps; 24 h outages, 5 bps more for a late crossing; breaker1 {first:.0%}"
    name = "the gain of breaker, of the gain of an oracle that knows the outages"
    return _figure(name, second, 0.65, how, unit="x", at_least=True)


def _detection_figures(name: str, backtest: Backtest, *, share: float) -> list[Figure]:
    """Show how many outages the breaker detected, and how soon it was back."""
    first, second = (backtest.of(rules).detection for rules in _BREAKERS)
    assert first is not None
    assert second is not None
    rows = (
        ("detected", first.detected_share, second.detected_share, share, "x", True),
        ("until it has recovered", first.hours_to_recover, second.hours_to_recover, 2.0, "h", False),
    )
    return [
        _figure(
            f"{name}, breaker: {what}",
            value,
            target,
            f"{second.outage_count} outages; it opens after {second.hours_to_off:.1f} h; breaker1 {before:.3g} {unit}",
            unit=unit,
            at_least=at_least,
        )
        for what, before, value, target, unit, at_least in rows
        if before is not None and value is not None
    ]
