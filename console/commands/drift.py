"""`router-policy drift`: orders that were not sent as the policy of their time would have it."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from console.errors import SettingsError
from console.not_found import store_to_read
from console.order_query import question_of
from console.settings.duration import parse_duration
from console.settings.file import load
from console.terminal.text import iso, print_json
from jobs.analysis.drift import Drift, DriftKind, SymbolDrift, find_drift
from jobs.analysis.order_history import OrderSelection

_WIDTH_OF_A_FILE = 100
_MEANING = {
    DriftKind.NO_RUN: "name no run",
    DriftKind.UNKNOWN_RUN: "name a run that there is not",
    DriftKind.SUPERSEDED: "were sent by a policy when a newer one was out",
    DriftKind.EXPIRED: "were sent by a policy that had expired",
    DriftKind.MAKER_WHILE_TAKER: "went maker first while taker was in force, and are no probes",
}


def show_drift(config: Path | None, since: datetime | None, tolerance: str, *, as_json: bool) -> None:
    """Print what was done otherwise than was in force; that is a finding, not an error.

    Raises NoPolicyError before the first run, and SettingsError where the times cannot be.
    """
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        question = question_of(settings, store, since, _tolerated(tolerance))
        drift = find_drift(store, question)
    if as_json:
        print_json([_record(question, drift)])
        return
    _print_table(question, drift)


def _tolerated(tolerance: str) -> timedelta:
    try:
        return parse_duration(tolerance)
    except ValueError as error:
        raise SettingsError(f"--tolerance: {error}") from error


def _record(question: OrderSelection, drift: Drift) -> dict[str, Any]:
    return {
        "scope": question.scope,
        "since": iso(question.start),
        "until": iso(question.end),
        "tolerance_seconds": question.tolerance.total_seconds(),
        "order_count": drift.order_count,
        "symbols": [_symbol_record(one) for one in drift.symbols],
        "rejects": [asdict(reject) for reject in drift.rejects],
    }


def _symbol_record(one: SymbolDrift) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "order_count": one.order_count,
        **{
            kind.value: {
                "order_count": finding.order_count,
                "examples": [{**asdict(example), "ts": iso(example.ts)} for example in finding.examples],
            }
            for kind, finding in one.findings.items()
        },
    }


_HEADS = ("symbol", "\norders", "no\nrun", "unknown\nrun", "super-\nseded", "\nexpired", "maker while\ntaker")


def _print_table(question: OrderSelection, drift: Drift) -> None:
    """Lay out for 80 columns the symbols with a finding, then the examples of each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = [one for one in drift.symbols if one.finding_count]
    sys.stdout.write("".join(f"{line}\n" for line in _summary(question, drift)))
    if not found:
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, name in enumerate(_HEADS):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for one in found:
        counts = (one.order_count, *(one.findings[kind].order_count for kind in DriftKind))
        table.add_row(*(Text(str(cell)) for cell in (one.symbol, *counts)))
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)
    sys.stdout.write("".join(f"{line}\n" for one in found for line in _examples(one)))


def _summary(question: OrderSelection, drift: Drift) -> Iterator[str]:
    rejected = sum(reject.reject_count for reject in drift.rejects)
    yield f"scope {question.scope!r}, {iso(question.start)} to {iso(question.end)}:"
    tolerated = f"{question.tolerance.total_seconds():g} s"
    yield f"{drift.order_count} orders looked at, {rejected} rows not used, tolerance {tolerated}"
    for reject in drift.rejects:
        yield f"  not used, {reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}"
    total = sum(one.findings[DriftKind.NO_RUN].order_count for one in drift.symbols)
    if drift.order_count and total == drift.order_count:
        yield "no order names a run: let the router log the run_id of its policy as policy_run_id"
    quiet = sum(not one.finding_count for one in drift.symbols)
    yield f"{len(drift.symbols) - quiet} of {len(drift.symbols)} symbols have drifted"


def _examples(one: SymbolDrift) -> Iterator[str]:
    for kind, finding in one.findings.items():
        if finding.order_count:
            yield f"{one.symbol}: {finding.order_count} of {one.order_count} orders {_MEANING[kind]}, the newest"
        for example in finding.examples:
            yield f"  {iso(example.ts)} {example.order_id or '(no id)'}: {example.what}"
