"""Where one rejected row of each reason is: its file and line, its symbol and time."""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.csv_files import TornRows
from jobs.sources.files import FileFormat
from jobs.sources.lines import line_of_row, text_of_line
from jobs.sources.relation import Relation, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LONGEST = 300
_NOT_FOUND_AGAIN = "not found again: a file was changed while it was read"
_TORN = "bad_row"
_UNREAD = ("bad_time", "bad_symbol", "bad_value")
# What tells a repeated row, whose reason is found by comparing rows and so not by reading one of them again.
_KEYS_OF_REPEATED = {
    "duplicate_id": ("order_id", "symbol", "ts", "slippage_bps"),
    "duplicate_bar": ("symbol", "ts", "close"),
}


def shown(sample: str) -> str:
    """Write a sample in at most 300 characters, with escapes for those that do not print and no database need take."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in sample)[:_LONGEST]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Looks for samples in a relation whose judged rows are in `table`."""

    connection: "DuckDBPyConnection"
    source: str
    table: str
    in_window: str
    bounds: dict[str, object]
    relation: Relation
    torn: Mapping[Path, TornRows]

    def of(self, reasons: Iterable[str]) -> dict[str, str]:
        """Say for each reason where a row of it is, in at most 300 characters.

        Files are read again, with the rows counted, to the first row of each reason. A file that was rotated away
        in between has none, and the sample says so: the account itself does not depend on it.
        """
        import duckdb

        wanted = set(reasons)
        samples = dict.fromkeys(wanted, _NOT_FOUND_AGAIN)
        for find in (self._torn, self._repeated, self._judged):
            with suppress(duckdb.Error, OSError, LookupError):
                samples |= find(wanted)
        return {reason: shown(sample) for reason, sample in samples.items()}

    def _torn(self, wanted: Set[str]) -> dict[str, str]:
        if _TORN not in wanted:
            return {}
        path = min(self.torn)
        line = min(self.torn[path].lines)
        return {_TORN: f"{self._file(path)}:{line}: {text_of_line(path, line)}"}

    def _repeated(self, wanted: Set[str]) -> dict[str, str]:
        return {reason: self._repeated_row(reason) for reason in wanted & _KEYS_OF_REPEATED.keys()}

    def _repeated_row(self, reason: str) -> str:
        keys = _KEYS_OF_REPEATED[reason]
        values = self.connection.execute(
            f"select {', '.join(keys)} from {self.table} where reason = {quoted(reason)} order by all limit 1"
        ).fetchone()
        assert values is not None
        same = " and ".join(f"{key} is not distinct from ${key}" for key in keys)
        named = dict(zip(keys, values, strict=True))
        place = self._first(self.relation.files, f"reason is null and {same}", named)
        return f"{place}, {keys[0]} {values[0]}" if reason == "duplicate_id" else place

    def _judged(self, wanted: Set[str]) -> dict[str, str]:
        return {reason: self._judged_row(reason) for reason in wanted - _KEYS_OF_REPEATED.keys() - {_TORN}}

    def _judged_row(self, reason: str) -> str:
        which = f"reason = {quoted(reason)} and ({self.in_window})"
        if self.relation.is_typed:
            return self._first(self.relation.files, which, self.bounds)
        row = self.connection.execute(f"select file from {self.table} where {which} limit 1", self.bounds).fetchone()
        assert row is not None
        return self._first([Path(row[0])], which, self.bounds)

    def _first(self, paths: Sequence[Path], which: str, parameters: dict[str, object]) -> str:
        """Say where the first such row of the files is; none is read further than to there."""
        said = f"case when reason in {_UNREAD} then unread end"
        sources = [self.relation.rows] if self.relation.is_typed else map(self.relation.numbered, paths)
        for rows in sources:
            row = self.connection.execute(
                f"select file, line, symbol, cast(ts as varchar), {said} from ({rows}) where {which} limit 1",
                parameters,
            ).fetchone()
            if row is not None:
                return f"{self._place(Path(row[0]), row[1])}{_what(*row[2:])}"
        raise LookupError("there is no such row any more")

    def _place(self, path: Path, row: int) -> str:
        """Name the file and the line; the row where there are no lines (Parquet, a query) or some were taken along."""
        torn = self.torn.get(path, TornRows(lines=frozenset(), may_span_lines=False))
        if self.relation.file_format in (FileFormat.PARQUET, None) or torn.may_span_lines:
            return f"{self._file(path)}: row {row}"
        header = self.relation.file_format is FileFormat.CSV
        return f"{self._file(path)}:{line_of_row(path, row, header=header, skipped=torn.lines)}"

    def _file(self, path: Path) -> str:
        return f"{self.source}.query" if self.relation.file_format is None else str(path)


def _what(symbol: str | None, at: str | None, unread: str | None) -> str:
    """Say whose the row is and what in it could not be read, on one line whatever stands there."""
    named = " ".join(part for part in (symbol, at) if part)
    column, _, found = (unread or "").partition(" ")
    what = f"{column} {found!r}" if found else f"no usable {column}" if column else ""
    both = ", ".join(part for part in (named, what) if part)
    return f": {both}" if both else ""
