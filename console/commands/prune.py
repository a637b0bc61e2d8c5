"""`router-policy prune`: the oldest runs are removed, after a question."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from console.errors import SettingsError
from console.not_found import store_to_read
from console.options import AsJson, Config, parse_length
from console.settings.duration import duration_words
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines, print_record
from policy.time_text import iso
from storage.store import Store
from storage.write.prune import Prunable, prunable

_SHORTEST = timedelta(days=7)  # the window of a run: what is removed can still be in today's evidence

_Keep = Annotated[
    timedelta, typer.Option(parser=parse_length, metavar="LENGTH", help="How long runs are kept, as in 400d.")
]
_Yes = Annotated[bool, typer.Option("--yes", help="Remove without asking, for scripts.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")]
_Force = Annotated[bool, typer.Option("--force", help="Allow to keep less than 7d.")]


def command(
    keep: _Keep,
    yes: _Yes = False,
    dry_run: _DryRun = False,
    force: _Force = False,
    config: Config = None,
    as_json: AsJson = False,
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
            _print_result(0, None, as_json=as_json, text="0 runs are old enough to be removed")
            return
        if dry_run:
            _print_result(0, oldest, as_json=as_json, text=_statement(oldest))
            return
        _print_question(oldest, as_json=as_json)
        if yes or _is_confirmed():
            removed = _remove(store, keep, oldest)
            text = f"{removed} runs were removed; the chain goes on from its anchor, and the space is given back"
            _print_result(removed, oldest, as_json=as_json, text=text)
            return
    raise SettingsError("nothing was removed")


def _print_question(oldest: Prunable, *, as_json: bool) -> None:
    stream = sys.stderr if as_json else sys.stdout
    stream.write(f"{_statement(oldest)}\n")


def _print_result(removed_count: int, oldest: Prunable | None, *, as_json: bool, text: str) -> None:
    """Print what was removed, or would be, if `removed_count` is 0."""
    if not as_json:
        print_lines([text])
        return
    record = {
        "prunable_run_count": oldest.run_count if oldest is not None else 0,
        "last_published_at": iso(oldest.last_published_at) if oldest is not None else None,
        "removed_run_count": removed_count,
    }
    print_record(record)


def _statement(oldest: Prunable) -> str:
    return (
        f"prune removes {oldest.run_count} runs, published up to {iso(oldest.last_published_at)}; this cannot be undone"
    )


def _is_confirmed() -> bool:
    """Ask the person at the terminal. Raises SettingsError if standard input is not a terminal."""
    if not sys.stdin.isatty():
        raise SettingsError("nothing was removed: prune asks first, and nobody can answer here; in a script add --yes")
    return typer.confirm("remove them?", default=False, err=True)


def _remove(store: Store, keep: timedelta, oldest: Prunable) -> int:
    """Remove what was stated, and nothing that became old enough meanwhile; return how many runs that were."""
    run_count = 0
    with progress_bar() as progress:
        task = progress.add_task("pruning", total=oldest.run_count)
        for batch in store.prune(keep, oldest.through_entry_id):
            run_count += batch.run_count
            progress.update(task, completed=run_count)
    return run_count
