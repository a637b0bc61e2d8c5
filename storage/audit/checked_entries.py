"""Checking entries by themselves: each decision derived again, and the digest of what is stored.

Whether an entry belongs where it stands is told by its link to the one before it; nothing here needs that one, so other
processes can check other entries.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from policy.rules import RuleSet, rule_set_digest, rule_set_from_text
from storage.audit.difference import raise_tampered
from storage.audit.digest import possible_digests
from storage.audit.entries import Entry, child_rows, entries_between
from storage.audit.rederive import rederive_run
from storage.schema.tables import policy_rule_set, policy_run

# Raised by reading or deriving from a value that no column of this schema can hold; a damaged file may hold one.
DECODE_ERRORS = (ValueError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEntry:
    """An entry whose decisions follow from its figures: its links as stored, and the digest derived of what is stored.

    `snapshot_count` is None for an entry that is not a run.
    """

    number: int
    name: str
    previous_digest: str
    digest: str
    derived_digest: str
    snapshot_count: int | None


def check_entries(
    connection: Connection, rules: Mapping[str, RuleSet], after: int, upto: int
) -> Iterator[CheckedEntry]:
    """Yield the entries above `after` to `upto` inclusive, in order; `rules` are by digest.

    Raises TamperedError at the first difference, and for a row of a run that is not there.
    """
    children = child_rows(connection, after, upto)
    for entry in entries_between(connection, after, upto):
        try:
            yield _checked(entry, rules, *(rows.pop(entry.number, []) for rows in children))
        except DECODE_ERRORS as error:  # such as a figure that is not finite, which has no digest
            raise_tampered(entry.name, "digest", entry.row.digest, f"none: {error}")
    for rows in children:
        for run_id in rows:
            raise_tampered(f"run {run_id}", "run_id", run_id, None)


def rule_sets(connection: Connection) -> Mapping[str, RuleSet]:
    """Read every rule set by its digest. Raises TamperedError if it is not that of its content."""
    by_digest = {}
    for row in connection.execute(select(policy_rule_set)):
        derived = rule_set_digest(row.name, row.version, row.parameters)
        if derived != row.digest:
            raise_tampered(f"rule set {row.name}", "digest", row.digest, derived)
        by_digest[row.digest] = rule_set_from_text(row.name, row.version, row.parameters)
    return by_digest


def _checked(entry: Entry, rules: Mapping[str, RuleSet], *children: list[Any]) -> CheckedEntry:
    snapshot_count = None
    if entry.table is policy_run:
        snapshots, _, shadows, breakers, _ = children
        rederive_run(entry.name, entry.row, rules, snapshots, shadows, breakers)
        snapshot_count = len(snapshots)
    return CheckedEntry(
        number=entry.number,
        name=entry.name,
        previous_digest=entry.row.previous_digest,
        digest=entry.row.digest,
        derived_digest=_derived_digest(entry, *(children if entry.table is policy_run else ())),
        snapshot_count=snapshot_count,
    )


def _derived_digest(entry: Entry, *children: list[Any]) -> str:
    """Return the digest of what is stored; of several forms the one that the entry has, if it has one of them."""
    derived = possible_digests(entry.table, entry.row, *children)
    return entry.row.digest if entry.row.digest in derived else derived[0]
