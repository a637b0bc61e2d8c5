"""`router-policy upgrade`: the store's schema is brought to this version, after a copy, and verified."""

from pathlib import Path
from typing import Annotated

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config
from console.records.verified_record import verified_record
from console.settings.file import load
from console.terminal.progress import progress_bar
from console.terminal.text import print_lines, print_record
from storage.errors import SchemaError
from storage.schema.upgrade import needed_version
from storage.store import Store

_Backup = Annotated[
    Path | None,
    typer.Option(help="The file for the copy; by default schema-VERSION.db beside a SQLite store, else here."),
]


def command(backup: _Backup = None, config: Config = None, as_json: AsJson = False) -> None:
    """Upgrade the store to this version: a copy first, then schema and verification, whole or not at all."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        before, after = _version(store), needed_version()
        if before == after:
            _print_unchanged(after, as_json=as_json)
            return
        file = backup or _usual_file(store, before)
        with progress_bar() as progress:
            task = progress.add_task("copying", total=None)
            for verified in store.upgrade_safely(file):
                progress.update(task, description=f"verifying: {verified.run_count} runs")
    if as_json:
        versions = {"schema_before": before, "schema_after": after, "is_changed": True}
        print_record({**versions, "file": str(file), **verified_record(verified)})
        return
    counts = f"{verified.run_count} runs, {verified.snapshot_count} snapshots"
    summary = f"schema {before} is now {after}: {counts}, verified; head {verified.digest}"
    print_lines([summary, *_way_back(store, file)])


def _version(store: Store) -> str:
    version = store.schema_version()
    if version is None:
        raise SchemaError("the store is empty, so there is nothing to upgrade; run router-policy init")
    return version


def _usual_file(store: Store, version: str) -> Path:
    """Return a file beside a SQLite store, or in this folder for a store on Postgres."""
    is_file = store.url.get_backend_name() == "sqlite" and store.url.database
    folder = Path(store.url.database or "").parent if is_file else Path()
    return folder / f"schema-{version.split(',', maxsplit=1)[0]}.db"


def _print_unchanged(version: str, *, as_json: bool) -> None:
    if as_json:
        print_record({"schema_before": version, "schema_after": version, "is_changed": False, "file": None})
        return
    print_lines([f"the store is at schema {version} already, as this program needs; nothing was changed"])


def _way_back(store: Store, file: Path) -> list[str]:
    """Return how the earlier program gets its store again."""
    if store.url.get_backend_name() == "sqlite":
        how = f"remove {store.url.database}-wal and -shm, and put {file} in the place of {store.url.database}"
    else:
        how = f"router-policy restore {file} into an empty database"
    return [f"{file} is the store as it was. To go back: stop all that use it, install the earlier version, {how}"]
