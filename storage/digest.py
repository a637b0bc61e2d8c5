"""The digest of an entry of the chain: one SHA-256 over its canonical text, which holds the digest before it.

Canonical text: one JSON array a line, ASCII, no blanks: the table's name, then the row's columns in the order of the
schema. First the entry itself, without its own digest; then, for a run, its snapshots by symbol and its rejected rows
by source and reason. Times are ISO 8601 in UTC with six digits of fraction and a Z, numbers as Python writes them (the
shortest form that reads back the same).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table

from storage.columns import UtcTimestamp
from storage.schema import (
    policy_override,
    policy_override_end,
    policy_prune,
    policy_reject,
    policy_run,
    policy_snapshot,
)

Values = Sequence[Any]


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _writer(table: Table) -> Callable[[Values], str]:
    """Return what writes a row of the table, given as its values in the order of the schema, as canonical text."""
    names = [column.name for column in table.columns]
    times = [place for place, column in enumerate(table.columns) if isinstance(column.type, UtcTimestamp)]
    own_digest = names.index("digest") if "digest" in names else None
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

    def write(values: Values) -> str:
        cells = list(values)
        for place in times:
            cells[place] = _instant(cells[place])
        if own_digest is not None:
            del cells[own_digest]
        return encode([table.name, *cells])

    return write


_line = {
    table: _writer(table)
    for table in (policy_run, policy_snapshot, policy_reject, policy_override, policy_override_end, policy_prune)
}


def entry_digest(table: Table, entry: Values, *belonging: tuple[Table, Iterable[Values]]) -> str:
    """Return the digest in hex of an entry and the rows that belong to it, each as its values in the schema's order.

    `belonging` gives a run's snapshots in the order of symbols, then its rejected rows by source and reason. What
    stands in the entry's own digest column does not count.
    """
    lines = [_line[table](entry), *(_line[other](row) for other, rows in belonging for row in rows)]
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def in_order(table: Table, row: dict[str, Any]) -> list[Any]:
    """Return a row's values in the order of the schema; the digest may still be missing."""
    return [row.get(column.name) if column.name == "digest" else row[column.name] for column in table.columns]
