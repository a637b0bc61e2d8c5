"""A backtest as a record for programs, with what it means in words: what is clear, and what is within noise."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from policy.fee_gap import fee_gap_words
from policy.time_text import iso

if TYPE_CHECKING:
    from jobs.backtest.backtest import Backtest, BacktestRequest
    from jobs.backtest.comparison import PolicyResult
    from jobs.backtest.statistics import Estimate

ALWAYS_TAKER, ALWAYS_MAKER, ALWAYS_REPOSTED, ORACLE = (
    "always taker",
    "always maker first",
    "always re-posted",
    "oracle",
)  # as in `jobs.backtest.comparison`, which needs numpy
_PLAIN = (ALWAYS_TAKER, ALWAYS_MAKER, ALWAYS_REPOSTED, ORACLE)
_EPOCH = date(1970, 1, 1)


def backtest_record(request: "BacktestRequest", backtest: "Backtest") -> dict[str, Any]:
    """Return the request and the result for programs; costs in basis points an order."""
    return {
        "since": iso(request.slots[0]),
        "until": iso(request.slots[-1]),
        "seed": request.seed,
        "run_count": request.repetition_count,
        "order_count": backtest.order_count,
        "day_count": backtest.day_count,
        "outage_count": backtest.outage_count,
        "execution": asdict(request.execution),
        "fill_evidence": asdict(request.fill_evidence) if request.fill_evidence else None,
        "maker_posts": request.maker_posts,
        "drift_bps": request.drift_bps,
        "outages": _outage_record(request),
        "markets": [
            {
                "symbol": market.symbol,
                "tick": market.tick,
                "is_one_tick": market.is_one_tick,
                "orders_per_day": request.profiles[market.symbol].orders_per_day,
                **asdict(request.fees[market.symbol]),
                "fee_gap": fee_gap_words(request.fee_gaps[market.symbol]),
            }
            for market in request.markets
        ],
        "policies": [_result_record(result) for result in backtest.results],
        "by_fill_rule": {
            rule: {
                **asdict(result),
                "verdict_taker_over_maker": verdict(result.taker_over_maker),
                "verdict_reposted_over_maker": verdict(result.reposted_over_maker),
            }
            for rule, result in backtest.by_fill_rule.items()
        },
        "words": list(words(backtest)),
    }


def _outage_record(request: "BacktestRequest") -> dict[str, Any] | None:
    plan = request.outages
    return {**asdict(plan), "duration": plan.duration.total_seconds()} if plan else None


def _result_record(result: "PolicyResult") -> dict[str, Any]:
    days = [{"day": (_EPOCH + timedelta(days=day)).isoformat(), "bps": sum_} for day, sum_ in result.over_maker_by_day]
    return {
        **asdict(result),
        "over_maker_by_day": days,
        "verdict_over_maker": verdict(result.over_maker),
        "verdict_over_taker": verdict(result.over_taker),
        "verdict_by_symbol": {
            symbol: verdict(difference) for symbol, difference in result.over_maker_by_symbol.items()
        },
        "detected_share": result.detection.detected_share if result.detection else None,
        "share_of_oracle_gain": result.oracle_gain_share,
    }


def verdict(difference: "Estimate") -> str:
    """Return in words whether a difference is clear.

    It is clear beyond three standard errors; if only the 95 % interval excludes zero, it may be a difference.
    """
    if difference.standard_error is None:
        return "too few days to tell"
    if difference.mean == 0 and difference.standard_error == 0:
        return "the same"
    more_or_less = "more" if difference.mean > 0 else "less"
    if difference.is_clear:
        return f"costs {more_or_less}"
    within = difference.interval
    return f"may cost {more_or_less}" if within and within.lower * within.upper > 0 else "within noise"


def words(backtest: "Backtest") -> Iterator[str]:
    """Yield whether re-posting and each rule set help here, against the plain policies and the oracle."""
    reposted = backtest.of(ALWAYS_REPOSTED).over_maker
    yield f"{ALWAYS_REPOSTED}: {_against(reposted, ALWAYS_MAKER)}"
    for result in backtest.results:
        if result.name in _PLAIN:
            continue
        yield f"{result.name}: {_against(result.over_maker, ALWAYS_MAKER)}: {_helps(result.over_maker)}"
        yield f"{result.name}: {_against(result.over_taker, ALWAYS_TAKER)}"
        yield from _oracle_words(result)


def _oracle_words(result: "PolicyResult") -> Iterator[str]:
    share, oracle = result.oracle_gain_share, result.oracle_over_never_off
    if share is None or oracle is None:
        return
    part = f"{share:.0%}" if share > 0 else "nothing"
    yield f"{result.name}: it gains {part} of the {-oracle.mean:.2f} bps an order that knowing the outages would"


def _against(difference: "Estimate", name: str) -> str:
    figures = ", ".join(filter(None, (f"{difference.mean:+z.3f} bps an order", interval_words(difference))))
    judgement = verdict(difference)
    return f"{judgement} as {name}" if judgement == "the same" else f"{judgement} against {name} ({figures})"


def _helps(over_maker: "Estimate") -> str:
    return {
        "costs more": "this policy does not help here",
        "costs less": "it helps here",
        "may cost more": "it may harm here, which is not beyond doubt",
        "may cost less": "it may help here, which is not beyond doubt",
        "the same": "it neither helps nor harms here",
        "within noise": "neither help nor harm can be shown here",
    }.get(verdict(over_maker), "give candles of more days")


def interval_words(estimate: "Estimate") -> str:
    """Return the 95 % interval, empty if it is unknown."""
    interval = estimate.interval
    return f"{interval.lower:+z.3f} to {interval.upper:+z.3f}" if interval else ""
