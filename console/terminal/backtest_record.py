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

ALWAYS_TAKER, ALWAYS_MAKER, ORACLE = "always taker", "always maker first", "oracle"
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
        "policies": [_result_record(backtest, result) for result in backtest.results],
        "words": list(words(backtest)),
    }


def _outage_record(request: "BacktestRequest") -> dict[str, Any] | None:
    plan = request.outages
    return {**asdict(plan), "duration": plan.duration.total_seconds()} if plan else None


def _result_record(backtest: "Backtest", result: "PolicyResult") -> dict[str, Any]:
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
        "share_of_oracle_gain": _share_of_oracle(backtest, result),
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
    """Yield whether each rule set helps here, against the two plain policies and the oracle."""
    for result in backtest.results:
        if result.name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE):
            continue
        yield f"{result.name}: {_against(result.over_maker, ALWAYS_MAKER)}: {_helps(result.over_maker)}"
        yield f"{result.name}: {_against(result.over_taker, ALWAYS_TAKER)}"
        share = _share_of_oracle(backtest, result)
        if share is not None:
            gained = -backtest.of(ORACLE).over_maker.mean
            yield (
                f"{result.name}: it gains {share:.0%} of the {gained:.2f} bps an order that knowing the outages would"
                if share > 0
                else f"{result.name}: it gains nothing of the {gained:.2f} bps an order that knowing the outages would"
            )


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


def _share_of_oracle(backtest: "Backtest", result: "PolicyResult") -> float | None:
    """Return how much of the oracle's gain a rule set has; None if the oracle has no clear gain."""
    oracle = next((result for result in backtest.results if result.name == ORACLE), None)
    if oracle is None or result.name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE):
        return None
    clear = oracle.over_maker.is_clear and oracle.over_maker.mean < 0
    return result.over_maker.mean / oracle.over_maker.mean if clear else None


def interval_words(estimate: "Estimate") -> str:
    """Return the 95 % interval, empty if it is unknown."""
    interval = estimate.interval
    return f"{interval.lower:+z.3f} to {interval.upper:+z.3f}" if interval else ""
