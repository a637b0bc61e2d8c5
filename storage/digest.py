"""The digest of an entry of the chain: one SHA-256 over its canonical text, which holds the digest before it.

Canonical text: one JSON array, ASCII, no blanks. Its first element is the table's name, its second the entry's values
in the order of the schema without its own digest; for a run there follow its snapshots by symbol and its rejected rows
by source and reason, each a list of rows, each row a list of values in the order of the schema. Times are ISO 8601 in
UTC with six digits of fraction and a Z, numbers as Python writes them (the shortest form that reads back the same).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
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


@lru_cache(maxsize=1024)
def _instant(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _writer(table: Table) -> Callable[[Values], list[Any]]:
    """Return what makes a row, given as its values in the order of the schema, ready to be written."""
    names = [column.name for column in table.columns]
    times = [place for place, column in enumerate(table.columns) if isinstance(column.type, UtcTimestamp)]
    own_digest = names.index("digest") if "digest" in names else None

    def ready(values: Values) -> list[Any]:
        cells = list(values)
        for place in times:
            cells[place] = _instant(cells[place])
        if own_digest is not None:
            del cells[own_digest]
        return cells

    return ready


_ready = {
    table: _writer(table)
    for table in (policy_run, policy_snapshot, policy_reject, policy_override, policy_override_end, policy_prune)
}
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def entry_digest(table: Table, entry: Values, *belonging: tuple[Table, Iterable[Values]]) -> str:
    """Return the digest in hex of an entry and the rows that belong to it, each as its values in the schema's order.

    `belonging` gives a run's snapshots in the order of symbols, then its rejected rows by source and reason. What
    stands in the entry's own digest column does not count.
    """
    rows = [[_ready[other](row) for row in found] for other, found in belonging]
    text = _encode([table.name, _ready[table](entry), *rows])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def in_order(table: Table, row: dict[str, Any]) -> list[Any]:
    """Return a row's values in the order of the schema; the digest may still be missing."""
    return [row.get(column.name) if column.name == "digest" else row[column.name] for column in table.columns]
