"""Verification: the chain is walked to its head, every digest recomputed and every decision derived again."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, func, or_, select, text, type_coerce

from policy.rules import RuleSet
from storage.audit.chain import head
from storage.audit.check_processes import Checked, CheckProcesses
from storage.audit.checked_entries import DECODE_ERRORS, CheckedEntry, check_entries, rule_sets
from storage.audit.difference import AnchorError, TamperedError, raise_tampered
from storage.audit.digest import CHILD_TABLES
from storage.audit.entries import ENTRY_NUMBERS, entry_batches
from storage.audit.schema_objects import Objects, schema_differences
from storage.errors import StoredValueError
from storage.schema.column_types import REAL, Flag, UtcTimestamp
from storage.schema.tables import policy_prune, policy_run, policy_scope, policy_slot, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the walk is: the last verified entry, its digest, and the runs and snapshots so far."""

    entry_id: int
    digest: str
    run_count: int
    snapshot_count: int


def verify(
    connection: Connection,
    expected: Objects | None,
    anchor: str | None = None,
    processes: CheckProcesses | None = None,
) -> Iterator[Progress]:
    """Walk the chain and yield the progress; when it ends, everything stored is as it was published.

    The connection must see one snapshot of the database throughout. Memory does not grow with the chain. `expected` are
    the objects of the schema, None if they are not known: see `storage.audit.schema_objects`. `anchor` is a digest that
    was kept elsewhere: if no entry has it, the end was cut off or the chain was rewritten. What `processes` answer
    counts if it links to the chain, else it is checked again over the connection. Raises TamperedError at the first
    difference, AnchorError as one of them, UnknownRuleSetError if this program lacks the rules of a decision.
    """
    try:
        yield from _progress(connection, expected, anchor, processes)
    except StoredValueError as error:
        entry, column = _cell_of(connection, error.stored)
        raise_tampered(entry, column, error.stored, error.expected)
    except DECODE_ERRORS as error:
        raise_tampered("chain", "a value", str(error), None)


def _progress(
    connection: Connection, expected: Objects | None, anchor: str | None, processes: CheckProcesses | None
) -> Iterator[Progress]:
    walk = _Walk(connection, anchor)
    for after, upto, answer in _answers(connection, walk.progress.entry_id, processes):
        walk.take(after, upto, answer)
        yield walk.progress
    walk.end()
    for difference in schema_differences(connection, expected):
        raise TamperedError(difference)
    yield walk.progress


def _answers(
    connection: Connection, after: int, processes: CheckProcesses | None
) -> Iterator[tuple[int, int, Future[Checked] | None]]:
    """Yield the bounds of each batch with what the processes answer; of their answers few are there at a time."""
    asked: deque[tuple[int, int, Future[Checked] | None]] = deque()
    for first, last in entry_batches(connection, after):
        asked.append((first, last, processes.check(first, last) if processes else None))
        if len(asked) > (2 * processes.count if processes else 0):
            yield asked.popleft()
    yield from asked


def _cell_of(connection: Connection, stored: object) -> tuple[str, str]:
    """Return the entry and the column of a value that cannot be read, by a search for it as it is stored."""
    for table in (*ENTRY_NUMBERS, policy_snapshot):
        number = table.primary_key.columns[0]
        for column in table.columns:
            if isinstance(column.type, (UtcTimestamp, Flag)):
                query = select(func.min(number)).where(type_coerce(column, column.type.impl_instance) == stored)
                if (entry_id := connection.scalar(query)) is not None:
                    return f"{table.name} {entry_id}", column.name
    return "chain", "value"


@dataclass(slots=True)
class _Walk:
    """The walk: the last verified entry with the counts so far, and whether the anchor was met."""

    connection: Connection
    anchor: str | None
    progress: Progress = field(default_factory=lambda: Progress(entry_id=0, digest="", run_count=0, snapshot_count=0))
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
            self.progress = replace(self.progress, entry_id=pruned[0], digest=pruned[1])
        self.pruned_through_id = self.progress.entry_id
        self.rules = rule_sets(self.connection)
        self.anchor_met = self.anchor is None or self.anchor == self.progress.digest

    def take(self, after: int, upto: int, answer: Future[Checked] | None) -> None:
        """Follow the chain from the entry `after` to the entry `upto`."""
        if answer is None or not self._took(answer, upto):
            for entry in check_entries(self.connection, self.rules, after, upto):
                self._link(entry)

    def _took(self, answer: Future[Checked], upto: int) -> bool:
        """Follow what another process checked, and return whether it leads to the entry `upto`.

        If not, nothing is followed: that process may have been killed, or have seen a prune that this connection does
        not see, and only what this connection sees decides.
        """
        before = self.progress
        with suppress(Exception):  # whatever was wrong there, the entries are checked again here
            for entry in answer.result():
                self._link(entry)
        if self.progress.entry_id == upto:
            return True
        self.progress = before
        return False

    def end(self) -> None:
        """Check what no single entry shows: rows outside the walk, the head, the scopes, the slots, the anchor."""
        for number in (*ENTRY_NUMBERS.values(), *(table.c.run_id for table in CHILD_TABLES)):
            outside = or_(number <= self.pruned_through_id, number > self.progress.entry_id)
            if number.table in CHILD_TABLES:
                outside |= number.not_in(select(policy_run.c.run_id))
            if (entry_id := self.connection.scalar(select(func.min(number)).where(outside))) is not None:
                raise_tampered(f"{number.table.name.removeprefix('policy_')} {entry_id}", number.name, entry_id, None)
        stored = head(self.connection)
        walked = self.progress
        if (stored.entry_id, stored.digest) != (walked.entry_id, walked.digest):
            raise_tampered("head", "digest", f"{stored.entry_id} {stored.digest}", f"{walked.entry_id} {walked.digest}")
        self._check_names()
        self._check_numbers()
        self._check_file()
        if not self.anchor_met:
            raise AnchorError(str(self.anchor), self.progress.digest)

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

    def _link(self, entry: CheckedEntry) -> None:
        before = self.progress
        if entry.number != before.entry_id + 1:
            raise_tampered(entry.name, "number in the chain", entry.number, before.entry_id + 1)
        if entry.previous_digest != before.digest:
            raise_tampered(entry.name, "previous_digest", entry.previous_digest, before.digest)
        if entry.digest != entry.derived_digest:
            raise_tampered(entry.name, "digest", entry.digest, entry.derived_digest)
        self.progress = Progress(
            entry_id=entry.number,
            digest=entry.digest,
            run_count=before.run_count + (entry.snapshot_count is not None),
            snapshot_count=before.snapshot_count + (entry.snapshot_count or 0),
        )
        self.anchor_met = self.anchor_met or self.anchor == entry.digest
