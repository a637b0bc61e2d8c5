"""`router-policy costs`: what orders really cost, by route and by the policy that was in force."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config, OrdersSince
from console.order_selection import select_orders
from console.records.saving_records import saving_records
from console.settings.file import load
from console.settings.plan import fees_of, plan_of
from console.terminal.rejects import reject_lines
from console.terminal.saving_report import print_savings
from console.terminal.table import plain_table, print_table
from console.terminal.text import figure, print_lines, print_record
from jobs.analysis.costs import CHOSEN, NOT_IN_FORCE, Costs, CostSummary, PolicyAtOrder, find_costs
from jobs.analysis.holdout_findings import find_in_experiment
from jobs.analysis.order_history import OrderSelection
from jobs.confidence_interval import ConfidenceInterval
from policy.experiment.saving_figure import ALL_SYMBOLS
from policy.time_text import iso
from storage.read.savings import known_savings

_AsIfLive = Annotated[
    bool,
    typer.Option("--as-if-live", help="Take each run as published at its slot: for the orders of a backtest."),
]
_AS_IF_LIVE = (
    "as if live: each run counts as published at its slot, although it was computed later; no router followed it"
)
_HEADS = ("\nwent", "\norders", "\nfilled", "mean\ncost", "\n± 95 %", "median\ncost", "less\ntaker's", "\n± 95 %")

_MARKS = {CHOSEN: "*", NOT_IN_FORCE: "†"}


def command(
    since: OrdersSince = None, config: Config = None, as_json: AsJson = False, as_if_live: _AsIfLive = False
) -> None:
    """Show what the orders of the log really cost, by route and by the policy that was in force."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        selection = select_orders(settings, store, since)
        costs = find_costs(store, selection, fees_of(settings), as_if_live=as_if_live)
        with store.reading() as connection:
            began_at = known_savings(connection, selection.scope, symbol=ALL_SYMBOLS).since
    if as_json:
        print_record({**_record(selection, costs), "as_if_live": as_if_live})
        return
    _print(selection, costs, as_if_live=as_if_live)
    print_savings(costs.savings, costs.not_as_assigned_count, began_at)
    print_lines(f"\n{finding.line}" for finding in find_in_experiment(plan_of(settings)))


def _record(selection: OrderSelection, costs: Costs) -> dict[str, Any]:
    return {
        "scope": selection.scope,
        "since": iso(selection.start),
        "until": iso(selection.end),
        "order_count": costs.order_count,
        "figures": [_summary_record(summary) for summary in costs.figures],
        "rejects": [asdict(reject) for reject in costs.rejects],
        "savings": _savings_record(costs),
    }


def _savings_record(costs: Costs) -> dict[str, Any]:
    savings = costs.savings
    return {
        "since": iso(savings.since),
        "until": iso(savings.until),
        **asdict(savings.left_out),
        "not_as_assigned_count": costs.not_as_assigned_count,
        "figures": [
            record.model_dump(mode="json") for record in saving_records(savings.figures, savings.until - savings.since)
        ],
    }


def _summary_record(summary: CostSummary) -> dict[str, Any]:
    record = asdict(summary)
    return {**record.pop("group"), **record}


def _print(selection: OrderSelection, costs: Costs, *, as_if_live: bool) -> None:
    print_lines(_introduction(selection, costs))
    if as_if_live:
        print_lines([_AS_IF_LIVE])
    for title, summaries in _sections(costs.figures):
        sys.stdout.write("\n")
        table = plain_table((f"\n{title}", *_HEADS), _rows(summaries), text_columns=(0, 1))
        print_table(table)
    if costs.figures:
        print_lines(["", *_footnotes(costs.figures)])


def _footnotes(summaries: Sequence[CostSummary]) -> Iterator[str]:
    """Explain every word and mark of the tables that does not explain itself."""
    yield "less taker's: the mean cost less that of the group's orders straight to taker"
    if any(summary.group.policy is PolicyAtOrder.NONE for summary in summaries):
        yield "none: no policy was in force at the order's time, or it had expired"
    warnings = {summary.against_taker.warning for summary in summaries if summary.against_taker is not None}
    yield from (f"{mark} {warning}" for warning, mark in _MARKS.items() if warning in warnings)


def _introduction(selection: OrderSelection, costs: Costs) -> Iterator[str]:
    reject_count = sum(reject.reject_count for reject in costs.rejects)
    overall = [summary for summary in costs.figures if not any(asdict(summary.group).values())]
    filled, with_fee = sum(summary.cost_count for summary in overall), sum(summary.fee_count for summary in overall)
    yield f"scope {selection.scope!r}, {iso(selection.start)} to {iso(selection.end)}:"
    yield f"{costs.order_count} orders looked at, {reject_count} rows not used"
    yield from reject_lines(costs.rejects)
    yield f"cost in bps, + is worse: slippage, and the fee, known of {with_fee} of the {filled} orders that filled"
    if with_fee < filled:
        yield "  the other fees are left out: log them as fees, or set [fees] maker_bps and taker_bps"
    yield "± 95 %: Student's interval of the mean, each UTC day one observation; - with fewer than two days"


def _sections(summaries: Sequence[CostSummary]) -> Iterator[tuple[str, list[tuple[str, CostSummary]]]]:
    """Sort the figures into tables; those with more than one group are for `--json` only."""
    tables: dict[str, list[tuple[str, CostSummary]]] = {
        title: [] for title in ("all", "symbol", "regime", "policy in force, quality")
    }
    for summary in summaries:
        group = summary.group
        if group.symbol is not None and group.regime is None:
            tables["symbol"].append((group.symbol, summary))
        elif group.symbol is None and group.regime is not None:
            tables["regime"].append((group.regime, summary))
        elif group.symbol is None and group.policy is not None:
            in_force = group.policy is not PolicyAtOrder.NONE
            name = f"{group.policy}, {group.quality}" if in_force else str(group.policy)
            tables["policy in force, quality"].append((name, summary))
        elif group.symbol is None:
            tables["all"].append(("all", summary))
    return (table for table in tables.items() if table[1])


def _rows(summaries: Sequence[tuple[str, CostSummary]]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each route, the name only in the first of several rows."""
    previous = ""
    for name, summary in summaries:
        yield (name if name != previous else "", *_cells(summary))
        previous = name


def _cells(summary: CostSummary) -> tuple[str, ...]:
    difference = summary.against_taker
    mark = _MARKS[difference.warning] if difference else ""
    return (
        str(summary.route),
        str(summary.outcome_count),
        str(summary.cost_count),
        figure(summary.mean_bps),
        _half_width(summary.interval),
        figure(summary.median_bps),
        f"{difference.difference_bps:+z.2f}{mark}" if difference else "",
        f"{_half_width(difference.interval)}{mark}" if difference else "",
    )


def _half_width(interval: ConfidenceInterval | None) -> str:
    """Write how far the interval reaches to either side of the mean."""
    return "-" if interval is None else f"{(interval.upper - interval.lower) / 2:.2f}"
