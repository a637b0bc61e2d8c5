"""`router-policy check`: everything that a run needs, tried; what is wrong, and how to fix it."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from console.not_found import store_not_initialised
from console.options import AsJson, Config
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.text import print_json, print_lines
from jobs.analysis.findings import Finding, Severity
from jobs.analysis.source_findings import find_in_sources
from policy.errors import RouterPolicyError
from storage.database.engine import describe_url, is_wal_safe, sqlite_driver
from storage.store import Store


def command(config: Config = None, as_json: AsJson = False) -> None:
    """Try every source, the database and the schedule; report what is wrong and how to fix it."""
    settings = load(config)
    findings = find_all(settings)
    if as_json:
        print_json(finding.record for finding in findings)
    else:
        print_lines(finding.line for finding in findings)
    if not all(finding.is_well for finding in findings):
        sys.exit(1)


def find_all(settings: Settings) -> list[Finding]:
    """Try the schedule, the store and the sources. What cannot be tried is a finding too, not an error."""
    plan = plan_of(settings)
    return [
        *_tried("schedule", lambda: _schedule(settings)),
        *_tried("store", lambda: _store(settings)),
        *_tried("sources", lambda: find_in_sources(plan, datetime.now(UTC))),
    ]


def _tried(what: str, attempt: Callable[[], Iterator[Finding]]) -> list[Finding]:
    findings = []
    try:
        for finding in attempt():
            findings.append(finding)
    except RouterPolicyError as error:
        findings.append(Finding(what=what, word=Severity.WRONG, said=str(error)))
    return findings


def _schedule(settings: Settings) -> Iterator[Finding]:
    following, then = settings.schedule.slots.following(datetime.now(UTC), 2)
    said = f"{settings.schedule.cron} in UTC; next at {following.isoformat()}, then at {then.isoformat()}"
    yield Finding(what="schedule", said=said)


def _store(settings: Settings) -> Iterator[Finding]:
    with Store(settings.store.url) as store:
        if store.url.get_backend_name() == "sqlite":
            yield (found := _sqlite(store))
            if not found.is_well:
                return
        if not store.is_set_up():
            yield Finding(what="store", said=store_not_initialised(store))
            return
        newest = store.newest_run(settings.scope)
        said = f"{describe_url(store.url)}, schema up to date, clock {store.now().isoformat()}, "
        said += f"newest slot {newest.slot.isoformat()}" if newest else "no run yet"
        yield Finding(what="store", said=said)


def _sqlite(store: Store) -> Finding:
    driver = sqlite_driver()
    file = Path(store.url.database or "").absolute()
    folder = file.parent
    if not folder.is_dir():
        return Finding(what="store", word=Severity.WRONG, said=f"the folder {folder} does not exist; create it")
    for place in (folder, file):
        if place.exists() and not os.access(place, os.W_OK):
            said = f"{place} cannot be written by this user; give it the right to, or name another place in store.url"
            return Finding(what="store", word=Severity.WRONG, said=said)
    if is_wal_safe(driver.sqlite_version_info):
        said = f"{driver.sqlite_version}, WAL: readers never wait"
    else:
        said = (
            f"{driver.sqlite_version} can corrupt a database in WAL mode, so the slower rollback journal is used; "
            "install pysqlite3 for a newer SQLite"
        )
    return Finding(what="sqlite", said=said)
