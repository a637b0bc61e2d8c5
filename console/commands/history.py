"""Commands on the history: verify it, keep its head, override, backfill, prune."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import SettingsError
from console.not_found import store_to_read
from console.settings.duration import parse_duration
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.text import iso
from jobs.run.backfill import backfill
from jobs.run.worker import LEASE_MARGIN
from policy import TakerBias
from storage.store import Store

if TYPE_CHECKING:
    from rich.progress import Progress


def verify_history(config: Path | None, anchor: str | None) -> None:
    """Walk the chain and print how far it is good. Raises TamperedError at the first difference."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("verifying", total=None)
        for last in store.verify(anchor):
            progress.update(task, description=f"verifying: {last.run_count} runs, {last.snapshot_count} snapshots")
    sys.stdout.write(
        f"{last.run_count} runs with {last.snapshot_count} snapshots are as they were published, "
        f"every decision derived again; head {last.digest or '(empty)'}\n"
    )


def print_head(config: Path | None) -> None:
    """Print the digest that stands for the whole history so far."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        sys.stdout.write(store.head().digest + "\n")


def put_override(
    config: Path | None,
    symbol: str,
    *,
    maker_first: bool,
    bias: TakerBias | None,
    lasting: str,
    reason: str,
    author: str | None,
) -> None:
    """Put a person's decision in force for a while."""
    settings = load(config)
    usual: TakerBias = TakerBias.BALANCED if maker_first else TakerBias.PREFER_TAKER
    with Store(settings.store.url) as store:
        made = store.make_override(
            settings.scope,
            symbol,
            maker_first=maker_first,
            taker_bias=usual if bias is None else bias,
            lasting=_duration("--for", lasting),
            author=author or getpass.getuser(),
            reason=reason,
        )
    word = "maker first" if made.maker_first else "straight to taker"
    sys.stdout.write(f"override {made.entry_id}: {symbol} goes {word}, {made.taker_bias}, until {iso(made.until_at)}\n")


def end_override(config: Path | None, symbol: str, *, reason: str, author: str | None) -> None:
    """End the override that is in force."""
    settings = load(config)
    with Store(settings.store.url) as store:
        ended = store.end_override(settings.scope, symbol, author=author or getpass.getuser(), reason=reason)
    sys.stdout.write(f"override {ended.entry_id} of {symbol} is ended\n")


def fill_back(config: Path | None, start: datetime, end: datetime, every: str | None) -> None:
    """Compute the slots with `start <= slot < end` that are not published yet, oldest first."""
    settings = load(config)
    plan = plan_of(settings)
    lease = settings.schedule.deadline + LEASE_MARGIN
    with Store(settings.store.url) as store, progress_bar() as progress:
        store.ensure_set_up()
        slots = _slots(settings, start, min(end, store.now()), every)
        task = progress.add_task("backfilling", total=len(slots))
        published = 0
        for filled in backfill(plan, store, settings.store.url, slots, lease):
            published += filled.run is not None
            progress.update(task, advance=1, description=f"backfilling {iso(filled.slot)}")
    sys.stdout.write(f"{published} of {len(slots)} slots were computed; the others were there or are held\n")


def _slots(settings: Settings, start: datetime, end: datetime, every: str | None) -> list[datetime]:
    if start >= end:
        raise SettingsError("--from must be before --to, and in the past")
    if every is None:
        return list(settings.schedule.slots.between(start - timedelta(microseconds=1), end))
    step = _duration("--every", every)
    return [start + number * step for number in range(-((start - end) // step))]


def prune_history(config: Path | None, keep: str) -> None:
    """Remove what was published longer ago than `keep`."""
    settings = load(config)
    runs = 0
    with Store(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("pruning", total=None)
        for batch in store.prune(_duration("--keep", keep)):
            runs += batch.run_count
            progress.update(task, description=f"pruning: {runs} runs removed")
    sys.stdout.write(f"{runs} runs were removed; the chain goes on from its anchor, and the space is given back\n")


def _duration(option: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {error}") from error


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Show a person at a terminal how far it is; others see nothing of it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        yield progress
