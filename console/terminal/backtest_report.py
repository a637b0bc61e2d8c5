"""An evaluation in words, as tables and as a record: which differences are clear, and which are within noise."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.terminal.text import iso
from policy.fee_gap import fee_gap_words

if TYPE_CHECKING:
    from rich.table import Table

    from jobs.backtest.backtest import Backtest, BacktestRequest
    from jobs.backtest.comparison import PolicyResult
    from jobs.backtest.detection import Detection
    from jobs.backtest.statistics import Estimate

ALWAYS_TAKER, ALWAYS_MAKER, ORACLE = "always taker", "always maker first", "oracle"
_WIDTH_OF_A_FILE = 110
_EPOCH = date(1970, 1, 1)
_REACH = {"symbol": "each market at times of its own", "venue": "all markets at the same times"}
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


def record(question: "BacktestRequest", evaluation: "Backtest") -> dict[str, Any]:
    """Return all that was asked and found, for programs; costs in basis points an order."""
    return {
        "since": iso(question.slots[0]),
        "until": iso(question.slots[-1]),
        "seed": question.seed,
        "run_count": question.run_count,
        "order_count": evaluation.order_count,
        "day_count": evaluation.day_count,
        "outage_count": evaluation.outage_count,
        "execution": asdict(question.execution),
        "outages": _outage_record(question),
        "markets": [
            {
                "symbol": market.symbol,
                "tick": market.tick,
                "is_one_tick": market.is_one_tick,
                "orders_per_day": question.profiles[market.symbol].orders_per_day,
                **asdict(question.fees[market.symbol]),
                "fee_gap": fee_gap_words(question.fee_gaps[market.symbol]),
            }
            for market in question.markets
        ],
        "policies": [_result_record(evaluation, result) for result in evaluation.results],
        "words": list(words(evaluation)),
    }


def _outage_record(question: "BacktestRequest") -> dict[str, Any] | None:
    plan = question.outages
    return {**asdict(plan), "duration": plan.duration.total_seconds()} if plan else None


def _result_record(evaluation: "Backtest", result: "PolicyResult") -> dict[str, Any]:
    days = [{"day": (_EPOCH + timedelta(days=day)).isoformat(), "bps": sum_} for day, sum_ in result.over_maker_by_day]
    return {
        **asdict(result),
        "over_maker_by_day": days,
        "verdict_over_maker": verdict(result.over_maker),
        "verdict_over_taker": verdict(result.over_taker),
        "verdict_by_symbol": {symbol: verdict(one) for symbol, one in result.over_maker_by_symbol.items()},
        "detected_share": result.detection.detected_share if result.detection else None,
        "share_of_oracle_gain": _share_of_oracle(evaluation, result),
    }


def verdict(difference: "Estimate") -> str:
    """Return in a word what a difference is.

    It is clear beyond three standard errors, and may be one where only the 95 % interval leaves zero out.
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


def words(evaluation: "Backtest") -> Iterator[str]:
    """Say of each rule set whether it helps here, against the two plain policies and the oracle."""
    for result in evaluation.results:
        if result.name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE):
            continue
        yield f"{result.name}: {_against(result.over_maker, ALWAYS_MAKER)}: {_helps(result.over_maker)}"
        yield f"{result.name}: {_against(result.over_taker, ALWAYS_TAKER)}"
        share = _share_of_oracle(evaluation, result)
        if share is not None:
            gained = -evaluation.of(ORACLE).over_maker.mean
            yield (
                f"{result.name}: it gains {share:.0%} of the {gained:.2f} bps an order that knowing the outages would"
                if share > 0
                else f"{result.name}: it gains nothing of the {gained:.2f} bps an order that knowing the outages would"
            )


def _against(difference: "Estimate", name: str) -> str:
    figures = ", ".join(filter(None, (f"{difference.mean:+z.3f} bps an order", _range(difference))))
    told = verdict(difference)
    return f"{told} as {name}" if told == "the same" else f"{told} against {name} ({figures})"


def _helps(over_maker: "Estimate") -> str:
    return {
        "costs more": "this policy does not help here",
        "costs less": "it helps here",
        "may cost more": "it may harm here, which is not beyond doubt",
        "may cost less": "it may help here, which is not beyond doubt",
        "the same": "it neither helps nor harms here",
        "within noise": "neither help nor harm can be shown here",
    }.get(verdict(over_maker), "give candles of more days")


def _share_of_oracle(evaluation: "Backtest", result: "PolicyResult") -> float | None:
    """Return how much of the oracle's gain a rule set has; None where the oracle gains nothing that is clear."""
    oracle = next((one for one in evaluation.results if one.name == ORACLE), None)
    if oracle is None or result.name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE):
        return None
    clear = oracle.over_maker.is_clear and oracle.over_maker.mean < 0
    return result.over_maker.mean / oracle.over_maker.mean if clear else None


def print_backtest(question: "BacktestRequest", evaluation: "Backtest", *, fees_are_assumed: bool) -> None:
    """Print what was done, the tables, and what they say in words."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    _write(_method(question, evaluation, fees_are_assumed=fees_are_assumed))
    console.print(_policy_table(evaluation))
    console.print(_market_table(evaluation))
    if question.outages is not None:
        console.print(_outage_table(evaluation))
    _write(words(evaluation))
    _write(_fee_gap_lines(question))
    _write(_caveats())


def _write(lines: Iterator[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _method(question: "BacktestRequest", evaluation: "Backtest", *, fees_are_assumed: bool) -> Iterator[str]:
    execution, plan = question.execution, question.outages
    since, until = question.slots[0], question.slots[-1]
    yield (
        f"{evaluation.order_count:,} orders of {len(question.markets)} markets, {iso(since)} to {iso(until)}, "
        f"{question.run_count} runs, seed {question.seed}"
    )
    yield (
        f"maker price {execution.offset_bps:g} bps from the price at arrival, waiting {execution.wait_bars} bars; "
        f"filled only if a later bar trades through it"
    )
    if plan is not None:
        hours = plan.duration.total_seconds() / 3600
        yield (
            f"outages put in: {plan.count} of {hours:g} h in each run, {_REACH[plan.reach]}; "
            f"{plan.miss_share:.0%} of maker orders miss, a late crossing costs {plan.penalty_bps:g} bps more"
        )
    if fees_are_assumed:
        fees = next(iter(question.fees.values()))
        yield f"no [fees] in the settings: {fees.maker_bps:g} bps as maker and {fees.taker_bps:g} as taker are assumed"


def _policy_table(evaluation: "Backtest") -> "Table":
    money = any(one.money_over_maker_per_day for one in evaluation.results)
    heads = (*_HEADS, "over maker\nfirst a day") if money else _HEADS
    return _table(heads, {one.name: (*_cells(one), *(_money(one) if money else ())) for one in evaluation.results})


def _cells(one: "PolicyResult") -> tuple[str, ...]:
    return (
        f"{one.cost.mean:.3f}",
        f"{one.over_maker.mean:+z.3f}",
        _range(one.over_maker),
        f"{one.over_taker.mean:+z.3f}",
        f"{one.started_share:.1%}",
        f"{one.filled_share:.1%}",
        f"{one.off_share:.1%}",
        f"{one.flips_per_month:.1f}",
    )


def _range(one: "Estimate") -> str:
    return f"{one.interval.lower:+z.3f} to {one.interval.upper:+z.3f}" if one.interval else ""


def _money(one: "PolicyResult") -> tuple[str]:
    money = one.money_over_maker_per_day
    return (f"{money.mean:+z,.2f}" if money else "",)


def _market_table(evaluation: "Backtest") -> "Table":
    shown = [one for one in evaluation.results if one.name != ALWAYS_MAKER]
    heads = ("over always maker first, bps\nmarket", *(f"\n{one.name}" for one in shown))
    rows = {
        symbol: tuple(_marked(one.over_maker_by_symbol[symbol]) for one in shown)
        for symbol in shown[0].over_maker_by_symbol
    }
    return _table(heads, rows)


def _marked(one: "Estimate") -> str:
    return f"{one.mean:+z.3f} {'*' if one.is_clear else ' '}"


def _outage_table(evaluation: "Backtest") -> "Table":
    heads = ("\npolicy", "cost in\noutages", "\nseen", "hours\nto off", "hours to\nrecover", "9 of 10\nbelow")
    rows = {one.name: (_hours(one.outage_cost_bps), *_seen(one.detection)) for one in evaluation.results}
    return _table(heads, rows)


def _seen(found: "Detection | None") -> tuple[str, ...]:
    if found is None:
        return ("", "", "", "")
    hours = (found.hours_to_off, found.hours_to_recover, found.late_hours_to_recover)
    return (f"{found.detected_count} of {found.outage_count}", *map(_hours, hours))


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:z.1f}"


def _table(heads: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for name, cells in rows.items():
        table.add_row(Text(name), *(Text(cell) for cell in cells))
    return table


def _fee_gap_lines(question: "BacktestRequest") -> Iterator[str]:
    by_words: dict[str, list[str]] = {}
    for symbol, gap in question.fee_gaps.items():
        if said := fee_gap_words(gap):
            by_words.setdefault(said, []).append(symbol)
    for said, symbols in by_words.items():
        yield f"fees of {', '.join(symbols)}: {said}"


def _caveats() -> Iterator[str]:
    yield "* and costs more or less: clear beyond three standard errors, by day and by run, since several are compared"
    yield "orders are small and drawn at random, and one path of prices is one path: docs/evaluation.md has the limits"
