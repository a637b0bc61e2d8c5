"""`router-policy prune`: the oldest runs are removed."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from console.options import Config, parse_length
from console.settings.file import load
from console.terminal.progress import progress_bar
from storage.store import Store

_Keep = Annotated[timedelta, typer.Option(parser=parse_length, help="How long runs are kept, as in 400d.")]


def command(keep: _Keep, config: Config = None) -> None:
    """Remove the oldest runs, whole ones only, in small batches; the rest still verifies."""
    settings = load(config)
    run_count = 0
    with Store(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("pruning", total=None)
        for batch in store.prune(keep):
            run_count += batch.run_count
            progress.update(task, description=f"pruning: {run_count} runs removed")
    sys.stdout.write(f"{run_count} runs were removed; the chain goes on from its anchor, and the space is given back\n")
