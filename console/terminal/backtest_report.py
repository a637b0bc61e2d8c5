"""A backtest on the terminal: the method, the tables, and what they mean in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.terminal.backtest_record import ALWAYS_MAKER, ALWAYS_REPOSTED, interval_words, verdict, words
from console.terminal.table import plain_table, print_table
from console.terminal.text import print_lines
from jobs.backtest.fill_rule import FillRule
from policy.fee_gap import fee_gap_words
from policy.time_text import iso

if TYPE_CHECKING:
    from rich.table import Table

    from jobs.backtest.backtest import Backtest, BacktestRequest
    from jobs.backtest.comparison import PolicyResult
    from jobs.backtest.detection import Detection
    from jobs.backtest.fill_evidence import FillEvidence
    from jobs.backtest.statistics import Estimate

_REACH = {"symbol": "each market at times of its own", "venue": "all markets at the same times"}
FILL_RULE_WORDS = {
    FillRule.AT_LIMIT: "at its limit",
    FillRule.THROUGH: "through its limit",
    FillRule.ONE_BPS_BEYOND: "1 bps beyond its limit",
    FillRule.TWO_BPS_BEYOND: "2 bps beyond its limit",
}
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


def print_backtest(request: "BacktestRequest", backtest: "Backtest", *, fees_are_assumed: bool) -> None:
    """Print the method, the tables, and what they mean in words."""
    print_lines(_method(request, backtest, fees_are_assumed=fees_are_assumed))
    for table in _tables(request, backtest):
        print_table(table)
    print_lines((fill_evidence_words(request.fill_evidence), *words(backtest), *_fee_gap_lines(request), *_CAVEATS))


def fill_evidence_words(evidence: "FillEvidence | None") -> str:
    """Return which fill rule the log supports, or why it cannot tell."""
    if evidence is None:
        return "fill rule: with --orders-per-day the log is not read, which may show how its orders fill"
    if evidence.order_count == 0:
        return "fill rule: the log cannot tell, no maker order in it has a side, a price and times that bars cover"
    counts = ", ".join(f"{FILL_RULE_WORDS[rule]} {count}" for rule, count in evidence.contradiction_count.items())
    conclusion = (
        f"the log supports fills {FILL_RULE_WORDS[evidence.supported]} (--fill-rule {evidence.supported})"
        if evidence.supported
        else "the log cannot tell, chance may decide between the best two"
    )
    return f"fill rule: {conclusion}; of {evidence.order_count:,} maker orders so many contradict a fill {counts}"


def _tables(request: "BacktestRequest", backtest: "Backtest") -> Iterator["Table"]:
    yield _policy_table(backtest)
    yield _market_table(backtest)
    yield _reposting_table(backtest)
    yield _fill_rule_table(backtest)
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
        f"filled if a later bar trades {FILL_RULE_WORDS[execution.fill_rule]}"
    )
    yield (
        f"re-posted: up to {request.maker_posts} posts in that time, each from the price then; "
        f"candles and fills disagree: {execution.missed_share:.0%} miss and {execution.unseen_fill_share:.0%} fill "
        "although the price says otherwise"
    )
    if request.drift_bps:
        yield f"the price moves {request.drift_bps:g} bps with an order while it waits, on average"
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
        interval_words(result.over_maker),
        f"{result.over_taker.mean:+z.3f}",
        f"{result.started_share:.1%}",
        f"{result.filled_share:.1%}",
        f"{result.off_share:.1%}",
        f"{result.flips_per_month:.1f}",
    )


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


def _reposting_table(backtest: "Backtest") -> "Table":
    """Show for each market whether re-posting helps there."""
    heads = ("re-posted over posted once, bps\nmarket", "\nmean", "\n95 % interval", "\nre-posting")
    by_symbol = backtest.of(ALWAYS_REPOSTED).over_maker_by_symbol
    return plain_table(heads, (_difference_cells(name, each) for name, each in by_symbol.items()), text_columns=(0, 3))


def _difference_cells(name: str, difference: "Estimate") -> tuple[str, ...]:
    return (name, f"{difference.mean:+z.3f}", interval_words(difference), verdict(difference))


def _fill_rule_table(backtest: "Backtest") -> "Table":
    """Show what the plain policies come to if orders fill by another rule."""
    heads = (
        "over always maker first, bps\nan order fills if the price trades",
        "always\ntaker",
        "always\nre-posted",
        "\n95 % interval",
        "\nre-posting",
    )
    rows = (
        (
            FILL_RULE_WORDS[rule],
            f"{result.taker_over_maker.mean:+z.3f}",
            *_difference_cells("", result.reposted_over_maker)[1:],
        )
        for rule, result in backtest.by_fill_rule.items()
    )
    return plain_table(heads, rows, text_columns=(0, 4))


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
