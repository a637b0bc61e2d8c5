"""`router-policy verify`: nothing that was published has changed."""

import sys
from typing import Annotated

import typer

from console.not_found import store_to_read
from console.options import Config, parse_digest
from console.settings.file import load
from console.terminal.progress import progress_bar
from jobs.analysis.findings import counted
from jobs.analysis.store_findings import schema_not_compared_message

_Anchor = Annotated[
    str | None,
    typer.Option(parser=parse_digest, help="A digest that was kept elsewhere: the history must still contain it."),
]


def command(anchor: _Anchor = None, config: Config = None) -> None:
    """Check that nothing that was published has changed, and derive every decision again."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("verifying", total=None)
        for verified in store.verify(anchor):
            counts = f"{verified.run_count} runs, {verified.snapshot_count} snapshots"
            progress.update(task, description=f"verifying: {counts}")
        is_compared = store.can_compare_schema()
    sys.stdout.write(
        f"{counted(verified.run_count, 'run')} with {counted(verified.snapshot_count, 'snapshot')}: all as published, "
        f"every decision derived again; head {verified.digest or '(empty)'}\n"
    )
    if not is_compared:
        sys.stderr.write(f"{schema_not_compared_message(store)}\n")
