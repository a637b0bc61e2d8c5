"""A sample of each reject reason: file and line, symbol and time of one rejected row."""

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.sources.csv_files import text_of_csv_line
from jobs.sources.errors import SourceError
from jobs.sources.relation import Relation, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LONGEST = 300
_NOT_FOUND_AGAIN = "not found again: a file changed while it was read"
_TORN = "bad_row"
_UNREAD = ("bad_time", "bad_symbol", "bad_value", "unknown_status", "unknown_word", "out_of_range")
_ROW = f"file, line, symbol, cast(ts as varchar), case when reason in {_UNREAD} then unread end"
# What identifies a duplicate: its reason comes from comparing rows, so reading one of them again does not show it.
DUPLICATE_KEYS = {
    "duplicate_id": ("order_id", "symbol", "ts", "slippage_bps"),
    "duplicate_bar": ("symbol", "ts", "close"),
}


def shown(sample: str) -> str:
    """Return a sample in at most 300 characters, with escapes for characters that do not print."""
    characters = (
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in sample[:_LONGEST]
    )
    return "".join(characters)[:_LONGEST]


def torn_sample(source: str, relation: Relation) -> str | None:
    """Return the location and the text of the first line that fits no row, None if there is no such line.

    Raises SourceError or OSError if its file can no longer be read.
    """
    torn_files = [file for file in relation.texts.values() if file.torn_lines]
    if relation.torn_sample is not None or not torn_files:
        return relation.torn_sample
    file = min(torn_files, key=lambda file: file.path)
    line = file.torn_lines[0]
    return f"{file.path}:{line}: {text_of_csv_line(source, file, line)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Finds samples in a relation whose rows, with their reasons, are in `table`."""

    connection: "DuckDBPyConnection"
    source: str
    table: str
    in_window: str
    bounds: dict[str, object]
    relation: Relation

    def of(self, reasons: Iterable[str]) -> dict[str, str]:
        """Return for each reason the location of one row, in at most 300 characters.

        Files are read again, with the rows counted, to the first row of each reason. If a file was rotated away in
        between, the sample is replaced by a note; the counts do not depend on it.
        """
        import duckdb

        wanted = frozenset(reasons)
        samples = dict.fromkeys(wanted, _NOT_FOUND_AGAIN)
        for find in (self._torn, self._duplicates, self._judged):
            with suppress(duckdb.Error, OSError, LookupError, SourceError):
                samples |= find(wanted)
        return {reason: shown(sample) for reason, sample in samples.items()}

    def _torn(self, reasons: Set[str]) -> dict[str, str]:
        sample = torn_sample(self.source, self.relation) if _TORN in reasons else None
        return {_TORN: sample} if sample is not None else {}

    def _duplicates(self, reasons: Set[str]) -> dict[str, str]:
        return {reason: self._duplicate(reason) for reason in reasons & DUPLICATE_KEYS.keys()}

    def _duplicate(self, reason: str) -> str:
        keys = DUPLICATE_KEYS[reason]
        repeated = f"reason = {quoted(reason)} and ({self.in_window})"
        values = self.connection.execute(
            f"select {', '.join(keys)} from {self.table} where {repeated} order by all limit 1", self.bounds
        ).fetchone()
        assert values is not None
        same = " and ".join(f"{key} is not distinct from ${key}" for key in keys)
        named = dict(zip(keys, values, strict=True))
        location = self._first(self.relation.files, f"reason is null and {same}", named)
        return f"{location}, {keys[0]} {values[0]}" if reason == "duplicate_id" else location

    def _judged(self, reasons: Set[str]) -> dict[str, str]:
        judged = reasons - DUPLICATE_KEYS.keys() - {_TORN}
        if self.relation.is_numbered and judged:
            return self._numbered(judged)
        return {reason: self._judged_row(reason) for reason in judged}

    def _numbered(self, reasons: Set[str]) -> dict[str, str]:
        """Return the location of the first row of each reason, by one query: a backfill asks for each of its slots."""
        firsts = self.connection.execute(
            f"""select reason, arg_min(row({_ROW}), row({self._origin()}, line)) from ({self.relation.rows})
            where reason in ({", ".join(map(quoted, reasons))}) and ({self.in_window})
            group by reason""",
            self.bounds,
        ).fetchall()
        return {reason: self._located(row) for reason, row in firsts}

    def _judged_row(self, reason: str) -> str:
        condition = f"reason = {quoted(reason)} and ({self.in_window})"
        if self.relation.is_typed:
            return self._first(self.relation.files, condition, self.bounds)
        # Files are read in parallel, so the first row that arrives may be another each time.
        first_file = f"select arg_min(file, {self._origin()}) from {self.table} where {condition}"
        row = self.connection.execute(first_file, self.bounds).fetchone()
        assert row is not None
        return self._first([Path(row[0])], condition, self.bounds)

    def _origin(self) -> str:
        """Write the expression of the source's own file of a row: a copy has a name in another folder."""
        files = self.relation.texts.items()
        copies = " ".join(f"when {quoted(path)} then {quoted(file.path)}" for path, file in files if path != file.path)
        return f"case file {copies} else file end" if copies else "file"

    def _first(self, paths: Sequence[Path], condition: str, parameters: dict[str, object]) -> str:
        """Return the location of the first such row of the files, reading no further than that row."""
        if self.relation.is_numbered:
            return self._first_of([self.relation.rows], f"{condition} order by {self._origin()}, line", parameters)
        if not self.relation.is_typed:
            return self._first_of(map(self.relation.numbered, paths), condition, parameters)
        with _in_order_of_rows(self.connection):
            return self._first_of(map(self.relation.numbered, sorted(paths, key=str)), condition, parameters)

    def _first_of(self, sources: Iterable[str], condition: str, parameters: dict[str, object]) -> str:
        for rows in sources:
            query = f"select {_ROW} from ({rows}) where {condition} limit 1"
            row = self.connection.execute(query, parameters).fetchone()
            if row is not None:
                return self._located(row)
        raise LookupError("the row is no longer there")

    def _located(self, row: Sequence[Any]) -> str:
        file, line, *details = row
        return f"{self._line(Path(file), line)}{_details(*details)}"

    def _line(self, path: Path, row: int) -> str:
        """Name the file and the line, or the row if there are no lines (Parquet, a query)."""
        if self.relation.lines_of_rows is None:
            return f"{self._file(path)}: row {row}"
        lines = self.relation.lines_of_rows(self.relation.texts[path])
        line = next(islice(lines, row - 1, None), None)
        if line is None:
            raise LookupError(f"{path} has no row {row}: it was changed while it was read")
        return f"{self._file(path)}:{line}"

    def _file(self, path: Path) -> str:
        if self.relation.label is not None:
            return self.relation.label
        return f"{self.source}.query" if self.relation.file_format is None else str(self.relation.origin(path))


@contextmanager
def _in_order_of_rows(connection: "DuckDBPyConnection") -> Iterator[None]:
    """Let a query with a limit give the first rows of a file: with several threads they may be those of any part."""
    (threads,) = connection.execute("select cast(current_setting('threads') as bigint)").fetchone() or (1,)
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {threads}")


def _details(symbol: str | None, at: str | None, unread: str | None) -> str:
    """Name the symbol and time of the row and what in it could not be read, on one line."""
    named = " ".join(part for part in (symbol, at) if part)
    column, _, text = (unread or "").partition(" ")
    problem = f"{column} {text!r}" if text else f"no usable {column}" if column else ""
    details = ", ".join(part for part in (named, problem) if part)
    return f": {details}" if details else ""
