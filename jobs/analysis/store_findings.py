"""What `check` finds of the store: whether it can be reached, read and written."""

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.analysis.findings import Finding, Severity
from storage.audit.schema_objects import check_schema_objects
from storage.database.engine import describe_url, is_wal_safe, sqlite_driver
from storage.read.policies import newest_run
from storage.store import Store


def find_in_store(url: str, scope: str) -> Iterator[Finding]:
    """Yield the findings of a store, and the newest slot of a scope in it; nothing is written.

    Raises StoreError if the store cannot be reached, was made by another program, or has views, triggers or indexes
    that are not those of its schema.
    """
    with Store(url) as store:
        if store.url.get_backend_name() == "sqlite":
            finding = _sqlite_finding(Path(store.url.database or "").absolute())
            yield finding
            if not finding.ok:
                return
        if not store.is_set_up():
            yield Finding(what="store", message=not_initialised_message(store))
            return
        with store.reading() as connection:
            check_schema_objects(connection)
            newest = newest_run(connection, scope)
        slot = f"newest slot {newest.slot.isoformat()}" if newest else "no run yet"
        state = f"schema up to date, clock {store.now().isoformat()}, {slot}"
        yield Finding(what="store", message=f"{describe_url(store.url)}, {state}")


def not_initialised_message(store: Store) -> str:
    """Return what to do about a store that was never set up."""
    return f"{describe_url(store.url)}: store not initialised; run router-policy init"


def _sqlite_finding(file: Path) -> Finding:
    if not file.parent.is_dir():
        return _wrong(f"the folder {file.parent} does not exist; create it")
    for path in (file.parent, file):
        if path.exists() and not os.access(path, os.W_OK):
            return _wrong(f"{path} is not writable for this user; change its permissions, or set another store.url")
    driver = sqlite_driver()
    if is_wal_safe(driver.sqlite_version_info):
        return Finding(what="sqlite", message=f"{driver.sqlite_version}, WAL: readers never wait")
    return Finding(
        what="sqlite",
        message=f"{driver.sqlite_version} can corrupt a database in WAL mode, so the slower rollback journal is used; "
        "install pysqlite3 for a newer SQLite",
    )


def _wrong(message: str) -> Finding:
    return Finding(what="store", severity=Severity.WRONG, message=message)
