"""A backtest in words, as tables and as a record: which differences are clear, and which are within noise."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.terminal.table import plain_table, print_table
from console.terminal.text import print_lines
from policy.fee_gap import fee_gap_words
from policy.time_text import iso

if TYPE_CHECKING:
    from rich.table import Table

    from jobs.backtest.backtest import Backtest, BacktestRequest
    from jobs.backtest.comparison import PolicyResult
    from jobs.backtest.detection import Detection
    from jobs.backtest.statistics import Estimate

ALWAYS_TAKER, ALWAYS_MAKER, ORACLE = "always taker", "always maker first", "oracle"
_EPOCH = date(1970, 1, 1)
_REACH = {"symbol": "each market at times of its own", "venue": "all markets at the same times"}
_CAVEATS = (
    "* and costs more or less: clear beyond three standard errors, by day and by run, since several are compared",
    "orders are small and drawn at random, and one path of prices is one path: docs/backtest.md has the limits",
)
_HEADS = (
    "\npolicy",
    "cost\nbps",
    "over always\nmaker first",
    "\n95 % interval",
    "over always\ntaker",
    "posted\nfirst",
    "filled\nas maker",
    "off, of\nthe time",
    "flips in\n30 days",
)


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
    figures = ", ".join(filter(None, (f"{difference.mean:+z.3f} bps an order", _range(difference))))
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


def print_backtest(request: "BacktestRequest", backtest: "Backtest", *, fees_are_assumed: bool) -> None:
    """Print the method, the tables, and what they mean in words."""
    print_lines(_method(request, backtest, fees_are_assumed=fees_are_assumed))
    for table in _tables(request, backtest):
        print_table(table)
    print_lines((*words(backtest), *_fee_gap_lines(request), *_CAVEATS))


def _tables(request: "BacktestRequest", backtest: "Backtest") -> Iterator["Table"]:
    yield _policy_table(backtest)
    yield _market_table(backtest)
    if request.outages is not None:
        yield _outage_table(backtest)


def _method(request: "BacktestRequest", backtest: "Backtest", *, fees_are_assumed: bool) -> Iterator[str]:
    execution, plan = request.execution, request.outages
    since, until = request.slots[0], request.slots[-1]
    yield (
        f"{backtest.order_count:,} orders of {len(request.markets)} markets, {iso(since)} to {iso(until)}, "
        f"{request.repetition_count} runs, seed {request.seed}"
    )
    yield (
        f"maker price {execution.offset_bps:g} bps from the price at arrival, waiting {execution.wait_bars} bars; "
        f"filled only if a later bar trades through it"
    )
    if plan is not None:
        hours = plan.duration.total_seconds() / 3600
        yield (
            f"simulated outages: {plan.count} of {hours:g} h in each run, {_REACH[plan.reach]}; "
            f"{plan.miss_share:.0%} of maker orders miss, a late crossing costs {plan.penalty_bps:g} bps more"
        )
    if fees_are_assumed:
        fees = next(iter(request.fees.values()))
        yield f"no [fees] in the settings: {fees.maker_bps:g} bps as maker and {fees.taker_bps:g} as taker are assumed"


def _policy_table(backtest: "Backtest") -> "Table":
    has_money = any(result.money_over_maker_per_day for result in backtest.results)
    heads = (*_HEADS, "over maker\nfirst a day") if has_money else _HEADS
    rows = ((*_cells(result), *(_money(result) if has_money else ())) for result in backtest.results)
    return plain_table(heads, rows)


def _cells(result: "PolicyResult") -> tuple[str, ...]:
    return (
        result.name,
        f"{result.cost.mean:.3f}",
        f"{result.over_maker.mean:+z.3f}",
        _range(result.over_maker),
        f"{result.over_taker.mean:+z.3f}",
        f"{result.started_share:.1%}",
        f"{result.filled_share:.1%}",
        f"{result.off_share:.1%}",
        f"{result.flips_per_month:.1f}",
    )


def _range(estimate: "Estimate") -> str:
    interval = estimate.interval
    return f"{interval.lower:+z.3f} to {interval.upper:+z.3f}" if interval else ""


def _money(result: "PolicyResult") -> tuple[str]:
    money = result.money_over_maker_per_day
    return (f"{money.mean:+z,.2f}" if money else "",)


def _market_table(backtest: "Backtest") -> "Table":
    compared = [result for result in backtest.results if result.name != ALWAYS_MAKER]
    heads = ("over always maker first, bps\nmarket", *(f"\n{result.name}" for result in compared))
    rows = (
        (symbol, *(_marked(result.over_maker_by_symbol[symbol]) for result in compared))
        for symbol in compared[0].over_maker_by_symbol
    )
    return plain_table(heads, rows)


def _marked(estimate: "Estimate") -> str:
    return f"{estimate.mean:+z.3f} {'*' if estimate.is_clear else ' '}"


def _outage_table(backtest: "Backtest") -> "Table":
    heads = ("\npolicy", "cost in\noutages", "\nseen", "hours\nto off", "hours to\nrecover", "9 of 10\nbelow")
    rows = (
        (result.name, _hours(result.outage_cost_bps), *_detection_cells(result.detection))
        for result in backtest.results
    )
    return plain_table(heads, rows)


def _detection_cells(detection: "Detection | None") -> tuple[str, ...]:
    if detection is None:
        return ("", "", "", "")
    hours = (detection.hours_to_off, detection.hours_to_recover, detection.late_hours_to_recover)
    return (f"{detection.detected_count} of {detection.outage_count}", *map(_hours, hours))


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:z.1f}"


def _fee_gap_lines(request: "BacktestRequest") -> Iterator[str]:
    symbols_by_words: dict[str, list[str]] = {}
    for symbol, gap in request.fee_gaps.items():
        if gap_words := fee_gap_words(gap):
            symbols_by_words.setdefault(gap_words, []).append(symbol)
    for gap_words, symbols in symbols_by_words.items():
        yield f"fees of {', '.join(symbols)}: {gap_words}"
