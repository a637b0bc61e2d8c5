"""`router-policy drift`: orders that were not sent by the policy in force at their time."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config, OrdersSince, parse_length
from console.order_selection import select_orders
from console.settings.file import load
from console.terminal.rejects import reject_lines
from console.terminal.table import plain_table, print_table
from console.terminal.text import print_lines, print_record
from jobs.analysis.drift import Drift, DriftKind, SymbolDrift, find_drift
from jobs.analysis.findings import counted
from jobs.analysis.order_history import TOLERANCE, OrderSelection
from policy.time_text import iso

_HEADS = (
    "symbol",
    "\norders",
    "no\nrun",
    "unknown\nrun",
    "super-\nseded",
    "\nexpired",
    "maker while\ntaker",
    "not as\nassigned",
)
_MEANING = {
    DriftKind.NO_RUN: "name no run",
    DriftKind.UNKNOWN_RUN: "name a run that does not exist",
    DriftKind.SUPERSEDED: "were sent by a policy when a newer one was out",
    DriftKind.EXPIRED: "were sent by a policy that had expired",
    DriftKind.MAKER_WHILE_TAKER: "went maker first while taker was in force, and are neither probes nor held out",
    DriftKind.NOT_AS_ASSIGNED: "were not sent as the holdout assigned them",
}

_Tolerance = Annotated[
    timedelta,
    typer.Option(
        parser=parse_length,
        metavar="LENGTH",
        show_default=False,
        help="How long after a change an order may still follow the earlier policy; by default 60s.",
    ),
]


def command(
    since: OrdersSince = None, tolerance: _Tolerance = TOLERANCE, config: Config = None, as_json: AsJson = False
) -> None:
    """Show orders that were not sent by the policy in force at their time, by symbol, with examples."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        selection = select_orders(settings, store, since, tolerance)
        drift = find_drift(store, selection)
    if as_json:
        print_record(_record(selection, drift))
        return
    _print(selection, drift)


def _record(selection: OrderSelection, drift: Drift) -> dict[str, Any]:
    return {
        "scope": selection.scope,
        "since": iso(selection.start),
        "until": iso(selection.end),
        "tolerance_seconds": selection.tolerance.total_seconds(),
        "order_count": drift.order_count,
        "before_policies_count": drift.before_policies_count,
        "symbols": [_symbol_record(symbol) for symbol in drift.symbols],
        "rejects": [asdict(reject) for reject in drift.rejects],
    }


def _symbol_record(symbol: SymbolDrift) -> dict[str, Any]:
    return {
        "symbol": symbol.symbol,
        "order_count": symbol.order_count,
        "before_policies_count": symbol.before_policies_count,
        **{
            kind.value: {
                "order_count": finding.order_count,
                "examples": [{**asdict(example), "ts": iso(example.ts)} for example in finding.examples],
            }
            for kind, finding in symbol.findings.items()
        },
    }


def _print(selection: OrderSelection, drift: Drift) -> None:
    """Print the symbols with a finding in 80 columns, then the examples of each."""
    print_lines(_summary(selection, drift))
    drifted = [symbol for symbol in drift.symbols if symbol.finding_count]
    if drifted:
        print_table(plain_table(_HEADS, map(_cells, drifted)))
    print_lines(_examples(drifted))


def _cells(symbol: SymbolDrift) -> tuple[str, ...]:
    counts = (symbol.order_count, *(symbol.findings[kind].order_count for kind in DriftKind))
    return (symbol.symbol, *map(str, counts))


def _summary(selection: OrderSelection, drift: Drift) -> Iterator[str]:
    reject_count = sum(reject.reject_count for reject in drift.rejects)
    tolerance = f"{selection.tolerance.total_seconds():g} s"
    yield f"scope {selection.scope!r}, {iso(selection.start)} to {iso(selection.end)}:"
    orders, rows = counted(drift.order_count, "order"), counted(reject_count, "row")
    yield f"{orders} looked at, {rows} not used, tolerance {tolerance}"
    yield from reject_lines(drift.rejects)
    without_run = sum(symbol.findings[DriftKind.NO_RUN].order_count for symbol in drift.symbols)
    if early := drift.before_policies_count:
        yield f"{counted(early, 'order')} without a run, from before the first policy: no drift"
    if without_run and without_run + early == drift.order_count:
        yield "no order names a run: let the router log the run_id of its policy as policy_run_id"
    if any(symbol.findings[DriftKind.NOT_AS_ASSIGNED].order_count for symbol in drift.symbols):
        yield "orders were not sent as the holdout assigned them: the saving that it measures is biased"
    drifted = sum(bool(symbol.finding_count) for symbol in drift.symbols)
    yield f"{drifted} of {len(drift.symbols)} symbols have drifted"


def _examples(symbols: Sequence[SymbolDrift]) -> Iterator[str]:
    for symbol in symbols:
        for kind, finding in symbol.findings.items():
            if finding.order_count:
                count = f"{finding.order_count} of {symbol.order_count} orders"
                yield f"{symbol.symbol}: {count} {_MEANING[kind]}, the newest"
            for example in finding.examples:
                yield f"  {iso(example.ts)} {example.order_id or '(no id)'}: {example.what}"
