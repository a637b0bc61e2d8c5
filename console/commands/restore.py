"""`router-policy restore`: an empty store, filled from a backup."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.options import Config
from console.settings.file import load
from console.terminal.progress import progress_bar
from storage.store import Store

_Source = Annotated[Path, typer.Argument(help="A file that `router-policy backup` wrote.")]


def command(file: _Source, config: Config = None) -> None:
    """Fill the store of the settings, which must be empty, from a backup."""
    settings = load(config)
    with Store(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("restoring", total=None)
        for restored in store.restore(file):
            progress.update(task, description=f"verifying: {restored.run_count} runs")
    counts = f"{restored.run_count} runs, {restored.snapshot_count} snapshots"
    sys.stdout.write(f"{counts} restored and verified; head {restored.digest}\n")
