"""What `check` finds of the store: whether it can be reached, read and written."""

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.analysis.findings import Finding, wrong
from policy.time_text import iso
from storage.audit.difference import TamperedError
from storage.database.engine import describe_url, is_wal_safe, sqlite_driver
from storage.read.policies import newest_run
from storage.store import Store


def find_in_store(url: str, scope: str) -> Iterator[Finding]:
    """Yield the findings of a store, and the newest slot of a scope in it; nothing is written.

    Raises StoreError if the store cannot be reached or was made by another program.
    """
    with Store(url) as store:
        if store.url.get_backend_name() == "sqlite":
            finding = _sqlite_finding(Path(store.url.database or "").absolute())
            yield finding
            if not finding.ok:
                return
        if not store.is_set_up():
            yield Finding(what="store", message=f"{describe_url(store.url)}: not there yet; the first run creates it")
            return
        with store.reading() as connection:
            newest = newest_run(connection, scope)
        slot = f"newest slot {iso(newest.slot)}" if newest else "no run yet"
        state = f"schema up to date, clock {iso(store.now())}, {slot}"
        yield Finding(what="store", message=f"{describe_url(store.url)}, {state}")
        yield from _schema_findings(store)


def schema_not_compared_message(store: Store) -> str:
    """Return what was not compared for a user who may not make a schema in the database, and who could."""
    return (
        f"{describe_url(store.url)}: views, indexes and trigger functions were not compared with those of the schema; "
        "run router-policy verify as a user who may create a schema in this database, such as its owner"
    )


def _schema_findings(store: Store) -> Iterator[Finding]:
    for difference in store.schema_differences():
        yield wrong("store", f"{TamperedError(difference)}; restore a backup, or make the object again")
    if not store.can_compare_schema():
        yield Finding(what="store", message=schema_not_compared_message(store))


def not_initialised_message(store: Store) -> str:
    """Return what to do about a store that was never set up."""
    return f"{describe_url(store.url)}: store not initialised; run router-policy init"


def _sqlite_finding(file: Path) -> Finding:
    if not file.parent.is_dir():
        return wrong("store", f"the folder {file.parent} does not exist; create it")
    for path in (file.parent, file):
        if path.exists() and not os.access(path, os.W_OK):
            return wrong(
                "store", f"{path} is not writable for this user; change its permissions, or set another store.url"
            )
    driver = sqlite_driver()
    if is_wal_safe(driver.sqlite_version_info):
        return Finding(what="sqlite", message=f"{driver.sqlite_version}, WAL: readers never wait")
    return Finding(
        what="sqlite",
        message=f"{driver.sqlite_version} can corrupt a database in WAL mode, so the slower rollback journal is used; "
        "install pysqlite3 for a newer SQLite",
    )
