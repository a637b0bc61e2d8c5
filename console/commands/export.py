"""`router-policy export`: the history as a Parquet or CSV file."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from console.history_file import check_target, write_history
from console.not_found import NoPolicyError, no_policy, store_to_read
from console.options import Config, parse_start, parse_time
from console.settings.file import load
from console.terminal.progress import progress_bar
from jobs.analysis.findings import counted
from policy.time_text import iso
from storage.read.history_blocks import HistorySelection, history_blocks
from storage.records import PolicyPeriod
from storage.store import Store

_Target = Annotated[Path, typer.Argument(help="The file to write: .parquet, or .csv for a spreadsheet.")]
_Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="Only this market, as in the order log; may be repeated.")
]
_Scope = Annotated[str | None, typer.Option(help="The scope; by default that of the settings.")]
_Since = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_start, metavar="TIME", help="Policies that came into force from then on: a time or 24h ago."
    ),
]
_Until = Annotated[
    datetime | None, typer.Option(parser=parse_time, metavar="TIME", help="Policies that came into force before then.")
]
_Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def command(
    file: _Target,
    symbols: _Symbols = None,
    since: _Since = None,
    until: _Until = None,
    scope: _Scope = None,
    force: _Force = False,
    config: Config = None,
) -> None:
    """Write the history as the view policy_history has it, overrides included, to a Parquet or CSV file."""
    check_target(file, may_replace=force)
    settings = load(config)
    selection = HistorySelection(scope=scope or settings.scope, symbols=symbols, since=since, until=until)
    with store_to_read(settings.store.url) as store:
        exported = _Exported()
        with store.reading() as connection, write_history(file) as write:
            write(exported.counted(history_blocks(lambda: nullcontext(connection), selection)))
            _refuse_missing(store, selection, exported)
    sys.stdout.write(f"{file}: {exported}\n")


class _Exported:
    """What has been exported: the number of policies, their symbols, and the time in which they came into force."""

    def __init__(self) -> None:
        self.count = 0
        self.symbols: set[str] = set()
        self._begins: list[datetime] = []

    def counted(self, blocks: Iterator[list[PolicyPeriod]]) -> Iterator[list[PolicyPeriod]]:
        """Pass the blocks on and show how many policies were read."""
        with progress_bar() as progress:
            task = progress.add_task("policies", total=None)
            for block in blocks:
                self.count += len(block)
                self.symbols |= {period.policy.symbol for period in block}
                begins = [*self._begins, *(period.valid_from for period in block)]
                self._begins = [min(begins), max(begins)]
                progress.update(task, completed=self.count)
                yield block

    def __str__(self) -> str:
        first, last = self._begins
        policies = "1 policy" if self.count == 1 else f"{self.count} policies"
        return f"{policies} of {counted(len(self.symbols), 'symbol')}, in force from {iso(first)} to {iso(last)} on"


def _refuse_missing(store: Store, selection: HistorySelection, exported: _Exported) -> None:
    """Raise NoPolicyError if nothing was exported, or nothing of a symbol that was asked for."""
    missing = [symbol for symbol in selection.symbols or () if symbol not in exported.symbols]
    if exported.count and not missing:
        return
    symbol = missing[0] if missing else None
    if selection.since is None and selection.until is None:
        raise no_policy(store, selection.scope, symbol)
    of_symbol = f" of {symbol!r}" if symbol is not None else ""
    raise NoPolicyError(f"no policy{of_symbol} came into force in that time in scope {selection.scope!r}")
