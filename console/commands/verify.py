"""`router-policy verify`: nothing that was published has changed."""

import os
import sys
from typing import Annotated

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config, parse_digest
from console.records.verified_record import verified_record
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines, print_record
from jobs.analysis.findings import counted
from jobs.analysis.store_findings import schema_not_compared_message
from storage.read.metrics import snapshot_count
from storage.store import Store

_Anchor = Annotated[
    str | None,
    typer.Option(parser=parse_digest, help="A digest that was kept elsewhere: the history must still contain it."),
]


_Processes = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="How many processes check; as many as the cores, if the history is long enough."),
]
# What one process checks while another one starts.
_SNAPSHOTS_OF_A_PROCESS = 50_000


def command(
    anchor: _Anchor = None, processes: _Processes = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Check that nothing that was published has changed, and derive every decision again."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("verifying", total=None)
        for verified in store.verify(anchor, processes or _processes_for(store)):
            counts = f"{verified.run_count} runs, {verified.snapshot_count} snapshots"
            progress.update(task, description=f"verifying: {counts}")
        is_compared = store.can_compare_schema()
    if as_json:
        print_record({**verified_record(verified), "is_schema_compared": is_compared})
    else:
        counts = f"{counted(verified.run_count, 'run')} with {counted(verified.snapshot_count, 'snapshot')}"
        head = verified.digest or "(empty)"
        print_lines([f"{counts}: all as published, every decision derived again; head {head}"])
    if not is_compared:
        sys.stderr.write(f"{schema_not_compared_message(store)}\n")


def _processes_for(store: Store) -> int:
    with store.reading() as connection:
        wanted = 1 + snapshot_count(connection) // _SNAPSHOTS_OF_A_PROCESS
    return min(wanted, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
