"""The digest of an entry of the chain: one SHA-256 over its canonical text, which holds the digest before it.

Canonical text: one JSON array, UTF-8, no blanks. Its first element is the table's name, its second the entry's values
in the order of the schema without its own digest. A run is followed by its snapshots by symbol, its rejected rows by
source and reason, its shadow decisions by symbol and rule set, its breakers by symbol and rule set, and its savings by
symbol and comparison: each a list of rows, each row a list of values in the order of the schema. Nulls at the end of a
row and empty lists at the end of the array are left out, so that a later column or table changes no digest. Times are
RFC 3339 in UTC with a Z, with six digits of fraction if it is not zero; numbers are the shortest text that reads back
the same.

The column `digest_form` names the form of the text. It is a value of the entry, so it is in the text too, and to change
it is to change the digest. An entry without one is from before schema 0005, and its text has one of two forms: that
above, or before schema 0003 the one that keeps the nulls and the empty lists at the end. A form never changes: what
would change the text of an entry is a new form, beside those that are there.

Written by orjson: the standard library's json takes five times as long, which is a fifth of a verification.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table

from storage.schema.tables import (
    policy_breaker,
    policy_override,
    policy_override_end,
    policy_prune,
    policy_reject,
    policy_run,
    policy_saving,
    policy_shadow,
    policy_snapshot,
)

Values = Sequence[Any]
# The tables whose rows belong to a run, in the order of the canonical text, each with the columns that order its rows.
CHILD_TABLES: Mapping[Table, tuple[str, ...]] = {
    policy_snapshot: ("symbol",),
    policy_reject: ("source", "reason"),
    policy_shadow: ("symbol", "rule_set"),
    policy_breaker: ("symbol", "rule_set"),
    policy_saving: ("symbol", "comparison"),
}
_ENTRY_TABLES = (policy_run, policy_override, policy_override_end, policy_prune)
_OWN_DIGEST = {table: table.columns.keys().index("digest") for table in _ENTRY_TABLES}
_DIGEST_FORM = {table: table.columns.keys().index("digest_form") for table in _ENTRY_TABLES}

# The form in which new entries have their digest.
DIGEST_FORM = 3
# How many columns at the end of a table, and which tables of child rows, came after schema 0002.
_COLUMNS_AFTER_0002 = {policy_run: 3, policy_override: 1, policy_override_end: 1, policy_prune: 1}
_SNAPSHOT_COLUMNS_AFTER_0002 = 6
_TABLES_BEFORE_0003 = 2


def entry_digest(table: Table, entry: Values, *children: Iterable[Values]) -> str:
    """Return the digest in hex of an entry and its child rows, each row as its values in the schema's order.

    `children` are the rows of each of CHILD_TABLES, in that order and in theirs. The entry's own digest column does not
    count. A number that is not finite counts as null.
    """
    lists = [[_without_trailing_nulls(row) for row in rows] for rows in children]
    while lists and not lists[-1]:
        lists.pop()
    return _digest([table.name, _without_trailing_nulls(_without_own_digest(table, entry)), *lists])


def possible_digests(table: Table, entry: Values, *children: Sequence[Values]) -> list[str]:
    """Return the digests that an entry may have, in the form that it names; several if it names none, newest first.

    No text of one form is that of another content in another form. Raises ValueError if the form is not known.
    """
    form = entry[_DIGEST_FORM[table]]
    if form not in (None, DIGEST_FORM):
        raise ValueError(f"digest_form {form} is not a form that this version knows")
    digest = entry_digest(table, entry, *children)
    earlier = _digest_before_0003(table, entry, *children) if form is None else None
    return [digest] if earlier is None else [digest, earlier]


def _digest_before_0003(table: Table, entry: Values, *children: Sequence[Values]) -> str | None:
    """Return the digest of an entry in the form of schema 0002, or None if that schema could not hold the entry."""
    entry_columns = len(entry) - _COLUMNS_AFTER_0002[table]
    lists = [[tuple(row) for row in rows] for rows in children[:_TABLES_BEFORE_0003]]
    later = [*entry[entry_columns:], *(row for rows in children[_TABLES_BEFORE_0003:] for row in rows)]
    if lists:
        later += (value for row in lists[0] for value in row[-_SNAPSHOT_COLUMNS_AFTER_0002:])
        lists[0] = [row[:-_SNAPSHOT_COLUMNS_AFTER_0002] for row in lists[0]]
    if any(value is not None for value in later):
        return None
    return _digest([table.name, _without_own_digest(table, entry[:entry_columns]), *lists])


def _digest(document: list[Any]) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_UTC_Z)).hexdigest()


def _without_own_digest(table: Table, entry: Values) -> Values:
    index = _OWN_DIGEST[table]
    return (*entry[:index], *entry[index + 1 :])


def _without_trailing_nulls(row: Values) -> Values:
    """Return the row without the nulls at its end; a slice of a named tuple is a plain tuple, as orjson needs it."""
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return row[:end]


def values_in_schema_order(table: Table, row: dict[str, Any]) -> list[Any]:
    """Return a row's values in the order of the schema; the digest may still be missing."""
    return [row.get(column.name) if column.name == "digest" else row[column.name] for column in table.columns]
