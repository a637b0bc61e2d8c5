"""`router-policy backup`: a verified copy of the store."""

from pathlib import Path
from typing import Annotated

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config
from console.records.verified_record import verified_record
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines, print_record

_Target = Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")]


def command(file: _Target, config: Config = None, as_json: AsJson = False) -> None:
    """Copy the store to a SQLite file while runs go on, and verify the copy."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("copying", total=None)
        for copied in store.back_up(file):
            progress.update(task, description=f"verifying the copy: {copied.run_count} runs")
    if as_json:
        print_record({"file": str(file), **verified_record(copied)})
        return
    counts = f"{copied.run_count} runs, {copied.snapshot_count} snapshots"
    print_lines([f"{file}: {counts}, verified; head {copied.digest}"])
