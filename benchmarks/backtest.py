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
    cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
    request = replace(request, rule_sets={name: request.rule_sets[name] for name in ("breaker1", "breaker")})
    long = run_backtest(replace(request, outages=OutagePlan(duration=_DAY, count=_LONG_COUNT)))
    short_plan = OutagePlan(duration=_SHORT, count=_SHORT_COUNT)
    short = run_backtest(replace(request, outages=short_plan))
    rejected = run_backtest(replace(request, outages=replace(short_plan, is_rejected=True)))
    everywhere = run_backtest(replace(request, outages=replace(short_plan, reach=Reach.VENUE)))
    how = f"{calm.order_count} orders by each policy, three rule sets, reading included; {wall:.0f} s on the clock"
    return [
        *_reposting_figures(request),
        *_calm_figures(calm),
        *_shares_of_oracle(long),
        *_detection_figures("6 h outages", short, share=0.85, hours_to_recover=2.0),
        *_detection_figures("6 h outages, rejected orders", rejected, share=0.9, hours_to_recover=2.0),
        *_detection_figures("6 h outages of the venue", everywhere, share=1.0, hours_to_recover=2.0),
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
        results.append(_difference(name, reposted.over_maker, target, how, at_least=gap_bps == 0))
    return results


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
        rule_sets={name: rule_set(name, parameters) for name in ("seed", "breaker1", "breaker")},
        slots=[start, *slots.between(start, datetime.fromtimestamp(last, UTC))],
        repetition_count=repetitions,
    )


def _calm_figures(calm: Backtest) -> list[Figure]:
    how = f"{calm.order_count} orders by each policy on 8 perpetuals, fees 2 and 5 bps, no outage"
    taker, seed = calm.of(ALWAYS_TAKER).over_maker, calm.of("seed").over_maker
    return [
        _difference("always taker over always maker first", taker, 1.5, how, at_least=True),
        _difference("always taker over always maker first", taker, 2.5, how),
        _difference("seed over always maker first", seed, 0.0, how, at_least=True),
        *(figure for name in ("breaker1", "breaker") for figure in _without_outages(calm.of(name), how)),
    ]


def _without_outages(result: PolicyResult, how: str) -> list[Figure]:
    """Show what a breaker costs in the market in which it costs the most, and how often it opens falsely."""
    by_market = [estimate.mean for estimate in result.over_maker_by_symbol.values()]
    false_openings = result.false_openings_per_month
    return [
        Figure(
            name=f"{result.name} over always maker first, in the market in which it costs the most",
            value=max(by_market),
            lowest=min(by_market),
            highest=max(by_market),
            target=0.01,
            how=f"{how}; it posts once as well; the spread is over markets",
            unit="bps",
        ),
        Figure(
            name=f"{result.name}: false openings of a market in 30 days",
            value=false_openings,
            lowest=false_openings,
            highest=false_openings,
            target=0.1,
            how=how,
            unit="",
        ),
    ]


def _difference(name: str, estimate: Estimate, target: float, how: str, *, at_least: bool = False) -> Figure:
    interval = estimate.interval
    low, high = (interval.lower, interval.upper) if interval else (estimate.mean, estimate.mean)
    how = f"{how}; the spread is the 95 % interval"
    return Figure(
        name=name, value=estimate.mean, lowest=low, highest=high, target=target, how=how, unit="bps", at_least=at_least
    )


def _shares_of_oracle(long: Backtest) -> list[Figure]:
    results = []
    for name, target in (("breaker1", 1 / 3), ("breaker", 0.65)):
        gained, possible = -long.of(name).over_maker.mean, -long.of(ORACLE).over_maker.mean
        how = f"24 h outages, 5 bps more for a late crossing: {gained:.3f} of {possible:.3f} bps"
        share = gained / possible
        results.append(
            Figure(
                name=f"the gain of {name}, of the gain of an oracle that knows the outages",
                value=share,
                lowest=share,
                highest=share,
                target=target,
                how=how,
                at_least=True,
            )
        )
    return results


def _detection_figures(name: str, backtest: Backtest, *, share: float, hours_to_recover: float) -> list[Figure]:
    """Show which outages each version detected, and how soon it was back; the targets are of version 2."""
    results = []
    for rules in ("breaker1", "breaker"):
        detection = backtest.of(rules).detection
        assert detection is not None
        how = f"{detection.outage_count} outages; median of {detection.hours_to_off} h until it opens"
        rows = (
            ("detected", detection.detected_share, share, "of them", True),
            ("until it has recovered", detection.hours_to_recover, hours_to_recover, "h", False),
        )
        results += [
            Figure(
                name=f"{name}, {rules}: {what}",
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
    return results
