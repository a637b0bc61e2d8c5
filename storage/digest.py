"""The digest of a run: one SHA-256 over its canonical text and the digest of the run before.

Canonical text: one JSON array a line, ASCII, no blanks. First the run's columns in the order of the schema, without
its own digest; then its snapshots by symbol; then its rejected rows by source and reason. Times are ISO 8601 in UTC
with six digits of fraction and a Z, numbers as Python writes them (the shortest form that reads back the same).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table

from storage.columns import Flag, UtcTimestamp
from storage.schema import policy_reject, policy_run, policy_snapshot


def _identity(value: Any) -> Any:
    return value


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _writer(table: Table, without: str = "") -> Callable[[Mapping[str, Any]], str]:
    converts: dict[type, Callable[[Any], Any]] = {UtcTimestamp: _instant, Flag: bool}
    columns = [(c.name, converts.get(type(c.type), _identity)) for c in table.columns if c.name != without]
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

    def write(row: Mapping[str, Any]) -> str:
        return encode([convert(row[name]) for name, convert in columns])

    return write


_run_line = _writer(policy_run, without="digest")
_snapshot_line = _writer(policy_snapshot)
_reject_line = _writer(policy_reject)


def run_digest(
    run: Mapping[str, Any], snapshots: Iterable[Mapping[str, Any]], rejects: Iterable[Mapping[str, Any]]
) -> str:
    """Return the digest of a run in hex. Rows may come in any order."""
    lines = [
        _run_line(run),
        *map(_snapshot_line, sorted(snapshots, key=lambda row: row["symbol"])),
        *map(_reject_line, sorted(rejects, key=lambda row: (row["source"], row["reason"]))),
    ]
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()
