"""The entries of the chain with the rows that belong to them, read in batches of bounded size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from storage.audit.digest import CHILD_TABLES
from storage.read.rows import plain_rows
from storage.schema.tables import policy_override, policy_override_end, policy_prune, policy_run

SNAPSHOTS_AT_ONCE = 5000
ENTRY_NUMBERS = {
    policy_run: policy_run.c.run_id,
    policy_override: policy_override.c.entry_id,
    policy_override_end: policy_override_end.c.entry_id,
    policy_prune: policy_prune.c.entry_id,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the chain as it is stored."""

    number: int
    table: Table
    row: Row[Any]

    @property
    def name(self) -> str:
        """The kind of the entry and its number."""
        return f"{self.table.name.removeprefix('policy_')} {self.number}"


def entry_batches(connection: Connection, after: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches of some thousands of snapshots: above the first number, to the second inclusive."""
    while (upto := _end_of_batch(connection, after)) is not None:
        yield after, upto
        after = upto


def entries_between(connection: Connection, after: int, upto: int) -> list[Entry]:
    """Return the entries above `after` to `upto` inclusive, in order."""
    entries = [
        Entry(getattr(row, number.name), table, row)
        for table, number in ENTRY_NUMBERS.items()
        for row in connection.execute(select(table).where(number > after, number <= upto))
    ]
    return sorted(entries, key=attrgetter("number"))


def child_rows(connection: Connection, after: int, upto: int) -> list[dict[int, list[Any]]]:
    """Return the rows of each child table by run, as named tuples in the order of the digest."""
    return [_by_run(connection, table, after, upto, order) for table, order in CHILD_TABLES.items()]


def _end_of_batch(connection: Connection, after: int) -> int | None:
    counts = select(policy_run.c.run_id, policy_run.c.symbol_count).where(policy_run.c.run_id > after)
    total = 0
    upto: int | None = None
    for run_id, symbol_count in connection.execute(counts.order_by(policy_run.c.run_id).limit(500)):
        if upto is not None and total + symbol_count > SNAPSHOTS_AT_ONCE:
            return upto
        total, upto = total + symbol_count, run_id
    lasts = [connection.scalar(select(func.max(number))) for table, number in ENTRY_NUMBERS.items()]
    last: int = max((number for number in lasts if number is not None), default=after)
    return (upto or last) if last > after else None


def _by_run(connection: Connection, table: Table, after: int, upto: int, order: Sequence[str]) -> dict[int, list[Any]]:
    """Return the rows of each run in the order of the digest; sorted here, as databases differ in the order of text."""
    number = table.c.run_id
    rows = plain_rows(connection, select(table).where(number > after, number <= upto).order_by(number))
    runs = groupby(rows, key=attrgetter("run_id"))
    return {run_id: sorted(group, key=attrgetter(*order)) for run_id, group in runs}
