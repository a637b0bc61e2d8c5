"""`router-policy prune`: the oldest runs are removed, after a question."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from console.errors import SettingsError
from console.not_found import store_to_read
from console.options import Config, parse_length
from console.settings.duration import duration_words
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines
from policy.time_text import iso
from storage.store import Store
from storage.write.prune import Prunable, prunable

_SHORTEST = timedelta(days=7)  # the window of a run: what is removed can still be in today's evidence

_Keep = Annotated[timedelta, typer.Option(parser=parse_length, help="How long runs are kept, as in 400d.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Remove without asking, for scripts.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")]
_Force = Annotated[bool, typer.Option("--force", help="Allow to keep less than 7d.")]


def command(
    keep: _Keep, yes: _Yes = False, dry_run: _DryRun = False, force: _Force = False, config: Config = None
) -> None:
    """Remove the oldest runs for good, whole ones only; the rest still verifies. It asks first."""
    if keep < _SHORTEST and not (force or dry_run):
        raise typer.BadParameter(
            f"--keep {duration_words(keep)} is less than {duration_words(_SHORTEST)}, the window of a run; "
            "add --force if you mean it"
        )
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        with store.reading() as connection:
            oldest = prunable(connection, keep)
        if oldest is None:
            print_lines(["0 runs are old enough to be removed"])
            return
        print_lines([_statement(oldest)])
        if dry_run:
            return
        if yes or _is_confirmed():
            _remove(store, keep, oldest)
            return
    raise SettingsError("nothing was removed")


def _statement(oldest: Prunable) -> str:
    return (
        f"prune removes {oldest.run_count} runs, published up to {iso(oldest.last_published_at)}; this cannot be undone"
    )


def _is_confirmed() -> bool:
    """Ask the person at the terminal. Raises SettingsError if standard input is not a terminal."""
    if not sys.stdin.isatty():
        raise SettingsError("nothing was removed: prune asks first, and nobody can answer here; in a script add --yes")
    return typer.confirm("remove them?", default=False, err=True)


def _remove(store: Store, keep: timedelta, oldest: Prunable) -> None:
    """Remove what was stated, and nothing that became old enough while the person thought."""
    run_count = 0
    with progress_bar() as progress:
        task = progress.add_task("pruning", total=oldest.run_count)
        for batch in store.prune(keep, oldest.through_entry_id):
            run_count += batch.run_count
            progress.update(task, completed=run_count)
    print_lines([f"{run_count} runs were removed; the chain goes on from its anchor, and the space is given back"])
