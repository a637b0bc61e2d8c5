"""Verification: the chain is walked to its head, every digest recomputed and every decision derived again."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, func, or_, select, text, type_coerce

from policy.rules import RuleSet, rule_set_digest, rule_set_from_text
from storage.audit.chain import head
from storage.audit.difference import AnchorError, TamperedError, raise_tampered
from storage.audit.digest import CHILD_TABLES, Values, possible_digests
from storage.audit.rederive import rederive_run
from storage.audit.schema_objects import Objects, schema_differences
from storage.errors import StoredValueError
from storage.schema.column_types import REAL, Flag, UtcTimestamp
from storage.schema.tables import (
    policy_override,
    policy_override_end,
    policy_prune,
    policy_rule_set,
    policy_run,
    policy_scope,
    policy_slot,
    policy_snapshot,
)

SNAPSHOTS_AT_ONCE = 5000
# Raised by reading or deriving from a value that no column of this schema can hold; a damaged file may hold one.
_DECODE_ERRORS = (ValueError, TypeError, ArithmeticError)
_NUMBERS = {
    policy_run: policy_run.c.run_id,
    policy_override: policy_override.c.entry_id,
    policy_override_end: policy_override_end.c.entry_id,
    policy_prune: policy_prune.c.entry_id,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the walk is: the last verified entry, its digest, and the runs and snapshots so far."""

    entry_id: int
    digest: str
    run_count: int
    snapshot_count: int


def verify(connection: Connection, expected: Objects | None, anchor: str | None = None) -> Iterator[Progress]:
    """Walk the chain and yield the progress; when it ends, everything stored is as it was published.

    The connection must see one snapshot of the database throughout. Memory does not grow with the chain. `expected` are
    the objects of the schema, None if they are not known: see `storage.audit.schema_objects`. `anchor` is a digest that
    was kept elsewhere: if no entry has it, the end was cut off or the chain was rewritten. Raises TamperedError at the
    first difference, AnchorError as one of them, UnknownRuleSetError if this program lacks the rules of a decision.
    """
    try:
        yield from _progress(connection, expected, anchor)
    except StoredValueError as error:
        entry, column = _cell_of(connection, error.stored)
        raise_tampered(entry, column, error.stored, error.expected)
    except _DECODE_ERRORS as error:
        raise_tampered("chain", "a value", str(error), None)


def _progress(connection: Connection, expected: Objects | None, anchor: str | None) -> Iterator[Progress]:
    walk = _Walk(connection, anchor)
    for entries in _batches(connection, walk.entry_id):
        walk.take(entries)
        yield walk.progress()
    walk.end()
    for difference in schema_differences(connection, expected):
        raise TamperedError(difference)
    yield walk.progress()


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    table: Table
    row: Row[Any]

    @property
    def name(self) -> str:
        return f"{self.table.name.removeprefix('policy_')} {self.number}"


def _derived_digest(entry: _Entry, *children: list[Any]) -> str:
    """Return the digest of what is stored; of several forms the one that the entry has, if it has one of them."""
    derived = possible_digests(entry.table, entry.row, *children)
    return entry.row.digest if entry.row.digest in derived else derived[0]


def _cell_of(connection: Connection, stored: object) -> tuple[str, str]:
    """Return the entry and the column of a value that cannot be read, by a search for it as it is stored."""
    for table in (*_NUMBERS, policy_snapshot):
        number = table.primary_key.columns[0]
        for column in table.columns:
            if isinstance(column.type, (UtcTimestamp, Flag)):
                query = select(func.min(number)).where(type_coerce(column, column.type.impl_instance) == stored)
                if (entry_id := connection.scalar(query)) is not None:
                    return f"{table.name} {entry_id}", column.name
    return "chain", "value"


def _batches(connection: Connection, after: int) -> Iterator[list[_Entry]]:
    """Yield the entries in order, in batches of some thousands of snapshots."""
    while True:
        upto = _end_of_batch(connection, after)
        if upto is None:
            return
        entries = [
            _Entry(getattr(row, number.name), table, row)
            for table, number in _NUMBERS.items()
            for row in connection.execute(select(table).where(number > after, number <= upto))
        ]
        yield sorted(entries, key=attrgetter("number"))
        after = upto


def _end_of_batch(connection: Connection, after: int) -> int | None:
    counts = select(policy_run.c.run_id, policy_run.c.symbol_count).where(policy_run.c.run_id > after)
    total = 0
    upto: int | None = None
    for run_id, symbol_count in connection.execute(counts.order_by(policy_run.c.run_id).limit(500)):
        if upto is not None and total + symbol_count > SNAPSHOTS_AT_ONCE:
            return upto
        total, upto = total + symbol_count, run_id
    lasts = [connection.scalar(select(func.max(number))) for table, number in _NUMBERS.items()]
    last: int = max((number for number in lasts if number is not None), default=after)
    return (upto or last) if last > after else None


@dataclass(slots=True)
class _Walk:
    """The walk: the last verified entry, the counts so far, and whether the anchor was met."""

    connection: Connection
    anchor: str | None
    entry_id: int = 0
    digest: str = ""
    run_count: int = 0
    snapshot_count: int = 0
    pruned_through_id: int = 0
    rules: Mapping[str, RuleSet] = field(default_factory=dict)
    anchor_met: bool = False

    def __post_init__(self) -> None:
        prune = policy_prune
        last = (
            select(prune.c.through_entry_id, prune.c.anchor_digest).order_by(prune.c.through_entry_id.desc()).limit(1)
        )
        pruned = self.connection.execute(last).one_or_none()
        if pruned is not None:
            self.entry_id, self.digest = pruned
        self.pruned_through_id = self.entry_id
        self.rules = _rule_sets(self.connection)
        self.anchor_met = self.anchor is None or self.anchor == self.digest

    def take(self, entries: Sequence[_Entry]) -> None:
        first, last = self.entry_id, entries[-1].number if entries else self.entry_id
        children = [_by_run(self.connection, table, first, last, order) for table, order in CHILD_TABLES.items()]
        for entry in entries:
            try:
                self._check(entry, *(rows.pop(entry.number, []) for rows in children))
            except _DECODE_ERRORS as error:  # such as a figure that is not finite, which has no digest
                raise_tampered(entry.name, "digest", entry.row.digest, f"none: {error}")
        for rows in children:
            for run_id in rows:
                raise_tampered(f"run {run_id}", "run_id", run_id, None)

    def end(self) -> None:
        """Check what no single entry shows: rows outside the walk, the head, the scopes, the slots, the anchor."""
        for number in (*_NUMBERS.values(), *(table.c.run_id for table in CHILD_TABLES)):
            outside = or_(number <= self.pruned_through_id, number > self.entry_id)
            if number.table in CHILD_TABLES:
                outside |= number.not_in(select(policy_run.c.run_id))
            if (entry_id := self.connection.scalar(select(func.min(number)).where(outside))) is not None:
                raise_tampered(f"{number.table.name.removeprefix('policy_')} {entry_id}", number.name, entry_id, None)
        stored = head(self.connection)
        if (stored.entry_id, stored.digest) != (self.entry_id, self.digest):
            raise_tampered("head", "digest", f"{stored.entry_id} {stored.digest}", f"{self.entry_id} {self.digest}")
        self._check_names()
        self._check_numbers()
        self._check_file()
        if not self.anchor_met:
            raise AnchorError(str(self.anchor), self.digest)

    def _check_numbers(self) -> None:
        """Find a figure that is not finite: a digest takes it for null, and a decision for not measured."""
        figures = [column for column in policy_snapshot.columns if column.type is REAL]
        outside = or_(*(~column.between(-1e300, 1e300) for column in figures))
        columns = (policy_snapshot.c.run_id, policy_snapshot.c.symbol, *figures)
        row = self.connection.execute(select(*columns).where(outside).limit(1)).mappings().one_or_none()
        if row is not None:
            name = next(figure.name for figure in figures if not -1e300 <= (row[figure.name] or 0.0) <= 1e300)
            raise_tampered(f"run {row['run_id']}", name, row[name], "a finite number", row["symbol"])

    def _check_file(self) -> None:
        """Let SQLite compare its tables with their indexes: readers may use either, and the walk read only one."""
        if self.connection.dialect.name == "sqlite":
            answer = self.connection.scalars(text("pragma integrity_check(1)")).one()
            if answer != "ok":
                raise_tampered("file", "integrity_check", answer, "ok")

    def _check_names(self) -> None:
        run, slot = policy_run, policy_slot
        scopes = set(self.connection.scalars(select(policy_scope.c.scope)))
        used = set(self.connection.scalars(select(run.c.scope).distinct()))
        if scopes != used:
            raise_tampered("scope", "scope", sorted(scopes), sorted(used))
        published = select(slot.c.fencing_token).where(
            slot.c.scope == run.c.scope, slot.c.slot == run.c.slot, slot.c.state == "published"
        )
        lost = self.connection.scalar(select(func.min(run.c.run_id)).where(~published.exists()))
        if lost is not None:
            raise_tampered(f"run {lost}", "policy_slot.state", None, "published")

    def _check(self, entry: _Entry, *children: list[Any]) -> None:
        if entry.table is not policy_run:
            self._check_link(entry, _derived_digest(entry))
            return
        snapshots, _, shadows, breakers, _ = children
        rederive_run(entry.name, entry.row, self.rules, snapshots, shadows, breakers)
        self._check_link(entry, _derived_digest(entry, *children))
        self.run_count += 1
        self.snapshot_count += len(snapshots)

    def _check_link(self, entry: _Entry, derived: str) -> None:
        if entry.number != self.entry_id + 1:
            raise_tampered(entry.name, "number in the chain", entry.number, self.entry_id + 1)
        if entry.row.previous_digest != self.digest:
            raise_tampered(entry.name, "previous_digest", entry.row.previous_digest, self.digest)
        if entry.row.digest != derived:
            raise_tampered(entry.name, "digest", entry.row.digest, derived)
        self.entry_id, self.digest = entry.number, derived
        self.anchor_met = self.anchor_met or self.anchor == derived

    def progress(self) -> Progress:
        return Progress(
            entry_id=self.entry_id,
            digest=self.digest,
            run_count=self.run_count,
            snapshot_count=self.snapshot_count,
        )


def _row_factory(table: Table) -> Callable[[Values], Any]:
    """Return a function that makes a named tuple of a row: its attributes are ten times as fast as the row's."""
    named: Any = namedtuple(table.name, [column.name for column in table.columns])  # type: ignore[misc]  # not literal
    return cast("Callable[[Values], Any]", named._make)


_ROW_OF = {table: _row_factory(table) for table in CHILD_TABLES}


def _by_run(connection: Connection, table: Table, after: int, upto: int, order: Sequence[str]) -> dict[int, list[Any]]:
    """Return the rows of each run in the order of the digest; sorted here, as databases differ in the order of text."""
    number = table.c.run_id
    rows = connection.execute(select(table).where(number > after, number <= upto).order_by(number)).all()
    runs = groupby(map(_ROW_OF[table], rows), key=attrgetter("run_id"))
    return {run_id: sorted(group, key=attrgetter(*order)) for run_id, group in runs}


def _rule_sets(connection: Connection) -> Mapping[str, RuleSet]:
    """Read every rule set and compare it with the digest that it is stored under."""
    rule_sets = {}
    for row in connection.execute(select(policy_rule_set)):
        derived = rule_set_digest(row.name, row.version, row.parameters)
        if derived != row.digest:
            raise_tampered(f"rule set {row.name}", "digest", row.digest, derived)
        rule_sets[row.digest] = rule_set_from_text(row.name, row.version, row.parameters)
    return rule_sets
