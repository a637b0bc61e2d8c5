"""`router-policy outcome`: what orders really cost, by the way they went and the policy that was in force."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from console.not_found import store_to_read
from console.order_query import question_of
from console.settings.file import load
from console.settings.plan import fees_of
from console.terminal.text import figure, iso, print_json
from jobs.analysis.costs import CHOSEN, CostDifference, Costs, CostSummary, PolicyAtOrder, find_costs
from jobs.analysis.order_history import OrderSelection
from jobs.confidence_interval import ConfidenceInterval

_WIDTH_OF_A_FILE = 100
_HEADS = ("\nwent", "\norders", "\nfilled", "mean\ncost", "\n± 95 %", "median\ncost", "less\ntaker's*", "\n± 95 %*")


def show_costs(config: Path | None, since: datetime | None, *, as_json: bool) -> None:
    """Print what the orders of the log cost.

    Raises NoPolicyError before the first run, SettingsError where `since` is not in the past.
    """
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        question = question_of(settings, store, since)
        outcomes = find_costs(store, question, fees_of(settings))
    if as_json:
        print_json([_record(question, outcomes)])
        return
    sys.stdout.write("".join(f"{line}\n" for line in _summary(question, outcomes)))
    for title, figures in _sections(outcomes.figures):
        _print_table(title, figures)
    if any(one.against_taker for one in outcomes.figures):
        sys.stdout.write(f"\n* {CHOSEN}\n")


def _record(question: OrderSelection, outcomes: Costs) -> dict[str, Any]:
    return {
        "scope": question.scope,
        "since": iso(question.start),
        "until": iso(question.end),
        "order_count": outcomes.order_count,
        "figures": [_figure_record(one) for one in outcomes.figures],
        "rejects": [asdict(reject) for reject in outcomes.rejects],
    }


def _figure_record(one: CostSummary) -> dict[str, Any]:
    record = asdict(one)
    return {**record.pop("heading"), **record}


def _summary(question: OrderSelection, outcomes: Costs) -> Iterator[str]:
    rejected = sum(reject.reject_count for reject in outcomes.rejects)
    every = [one for one in outcomes.figures if not any(asdict(one.heading).values())]
    filled, with_fee = sum(one.cost_count for one in every), sum(one.fee_count for one in every)
    yield f"scope {question.scope!r}, {iso(question.start)} to {iso(question.end)}:"
    yield f"{outcomes.order_count} orders looked at, {rejected} rows not used"
    for reject in outcomes.rejects:
        yield f"  not used, {reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}"
    yield f"cost in bps, + is worse: slippage, and the fee, known of {with_fee} of the {filled} orders that filled"
    if with_fee < filled:
        yield "  the other fees are left out: log them as fees, or set [fees] maker_bps and taker_bps"
    yield "± 95 %: Student's interval of the mean, each UTC day one observation; - with fewer than two days"


def _sections(figures: Sequence[CostSummary]) -> Iterator[tuple[str, list[tuple[str, CostSummary]]]]:
    """Sort the figures into tables; those under a full heading are for `--json` only."""
    tables: dict[str, list[tuple[str, CostSummary]]] = {
        name: [] for name in ("all", "symbol", "regime", "policy in force, quality")
    }
    for one in figures:
        heading = one.heading
        if heading.symbol is not None and heading.regime is None:
            tables["symbol"].append((heading.symbol, one))
        elif heading.symbol is None and heading.regime is not None:
            tables["regime"].append((heading.regime, one))
        elif heading.symbol is None and heading.policy is not None:
            is_there = heading.policy is not PolicyAtOrder.NONE
            name = f"{heading.policy}, {heading.quality}" if is_there else str(heading.policy)
            tables["policy in force, quality"].append((name, one))
        elif heading.symbol is None:
            tables["all"].append(("all", one))
    return (item for item in tables.items() if item[1])


def _print_table(title: str, figures: Sequence[tuple[str, CostSummary]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, name in enumerate((f"\n{title}", *_HEADS)):
        table.add_column(name, justify="right" if number > 1 else "left", overflow="fold")
    said = ""
    for name, one in figures:
        table.add_row(*(Text(cell) for cell in (name if name != said else "", *_cells(one))))
        said = name
    sys.stdout.write("\n")
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)


def _cells(one: CostSummary) -> tuple[str, ...]:
    apart: CostDifference | None = one.against_taker
    return (
        str(one.way),
        str(one.outcome_count),
        str(one.cost_count),
        figure(one.mean_bps),
        _reach(one.interval),
        figure(one.median_bps),
        f"{apart.difference_bps:+z.2f}*" if apart else "",
        f"{_reach(apart.interval)}*" if apart else "",
    )


def _reach(found: ConfidenceInterval | None) -> str:
    """Write how far the interval reaches to either side of the mean."""
    return "-" if found is None else f"{(found.upper - found.lower) / 2:.2f}"
