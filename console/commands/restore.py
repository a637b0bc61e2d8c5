"""`router-policy restore`: an empty store, filled from a backup."""

from pathlib import Path
from typing import Annotated

import typer

from console.options import AsJson, Config
from console.records.verified_record import verified_record
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines, print_record
from storage.store import Store

_Source = Annotated[Path, typer.Argument(help="A file that `router-policy backup` wrote.")]


def command(file: _Source, config: Config = None, as_json: AsJson = False) -> None:
    """Fill the store of the settings, which must be empty, from a backup."""
    settings = load(config)
    with Store(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("restoring", total=None)
        for restored in store.restore(file):
            progress.update(task, description=f"verifying: {restored.run_count} runs")
    if as_json:
        print_record({"file": str(file), **verified_record(restored)})
        return
    counts = f"{restored.run_count} runs, {restored.snapshot_count} snapshots"
    print_lines([f"{counts} restored and verified; head {restored.digest}"])
