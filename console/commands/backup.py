"""Commands on the database itself: roles, backup, restore."""

import sys
from pathlib import Path

from console.commands.history import progress_bar
from console.not_found import store_to_read
from console.settings.file import load
from storage.audit.verify import Progress
from storage.schema.roles import role_statements
from storage.store import Store


def show_roles(config: Path | None, *, apply: bool) -> None:
    """Print the statements that make the roles on Postgres, or run them."""
    settings = load(config)
    if not apply:
        sys.stdout.write("".join(f"{statement};\n" for statement in role_statements()))
        return
    with Store(settings.store.url) as store:
        store.apply_roles()
    sys.stdout.write("the roles are made; grant them to your own login roles\n")


def make_backup(config: Path | None, target: Path) -> None:
    """Copy the store to a file while runs go on, and say done only when the copy is verified."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("copying", total=None)
        for last in store.back_up(target):
            progress.update(task, description=f"verifying the copy: {last.run_count} runs")
    sys.stdout.write(f"{target}: {_counted(last)}, verified; head {last.digest}\n")


def restore_backup(config: Path | None, source: Path) -> None:
    """Fill the empty store of the settings from a backup."""
    settings = load(config)
    with Store(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("restoring", total=None)
        for last in store.restore(source):
            progress.update(task, description=f"verifying: {last.run_count} runs")
    sys.stdout.write(f"{_counted(last)} restored and verified; head {last.digest}\n")


def _counted(last: Progress) -> str:
    return f"{last.run_count} runs, {last.snapshot_count} snapshots"
