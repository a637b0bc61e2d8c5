"""CSV files: what their headers name, and how they are read row by row whatever a single row looks like."""

import csv
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.lines import first_line
from jobs.sources.relation import file_list, identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Headers = Mapping[tuple[str, ...], Sequence[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TornRows:
    """The lines of one file that do not fit its header.

    With `may_span_lines`, a quote in one of them is not closed where it should be, and may have taken lines along.
    """

    lines: Set[int]
    may_span_lines: bool


def headers_of(source: str, paths: Sequence[Path]) -> Headers:
    """Return every header that the files have, each with the files that have it.

    Rotated files may differ in their columns, so each is read by its own header. Raises SourceError where a file cannot
    be read or names a column twice.
    """
    found: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        found.setdefault(_header(source, path), []).append(path)
    return found


def _header(source: str, path: Path) -> tuple[str, ...]:
    try:
        fields = next(csv.reader([first_line(path).decode("utf-8-sig")]), [])
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{source}: the header of {path} cannot be read: {error}") from error
    names = tuple(name or f"column{number}" for number, name in enumerate(fields))
    if len({name.lower() for name in names}) < len(names):
        raise SourceError(f"{source}: {path} names a column twice in its header: {', '.join(names)}")
    return names


def only(headers: Headers, path: Path) -> Headers:
    """Return the header of one file."""
    return {header: [path] for header, paths in headers.items() if path in paths}


def csv_rows(headers: Headers, columns: Mapping[str, str], *, keep_torn_rows: bool) -> str:
    """Write a SELECT from CSV files: each of `columns` by its value there, as text, and the `file`.

    An empty value is null, and so is a column that a file has not. Rows that do not fit the header of their file are
    left out, and with `keep_torn_rows` noted by DuckDB until `take_torn_rows`.
    """
    return " union all ".join(_rows(paths, header, columns, keep_torn_rows) for header, paths in headers.items())


def _rows(paths: Sequence[Path], header: Sequence[str], columns: Mapping[str, str], keep_torn_rows: bool) -> str:
    chosen = ", ".join(
        f"{identifier(theirs) if theirs in header else 'cast(null as varchar)'} as {name}"
        for name, theirs in columns.items()
    )
    types = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in header)
    # They are noted in any case: where they are not, DuckDB 2.0 stops reading at a quote that is out of place.
    noted = "torn_row" if keep_torn_rows else "torn_row_again"
    return (
        f"select {chosen}, file from read_csv({file_list(paths)}, columns = {{{types}}}, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        f"null_padding = false, ignore_errors = true, rejects_table = '{noted}', rejects_scan = '{noted}_scan', "
        "filename = 'file')"
    )


def take_torn_rows(connection: "DuckDBPyConnection") -> dict[Path, TornRows]:
    """Return the rows that did not fit their header, by file, and empty DuckDB's list for the next source."""
    rows = connection.execute(
        """select file_path, list(line), bool_or(error_type = 'UNQUOTED VALUE')
        from torn_row join torn_row_scan using (scan_id, file_id) group by file_path"""
    ).fetchall()
    connection.execute("drop table torn_row; drop table torn_row_scan")
    return {Path(path): TornRows(lines=frozenset(lines), may_span_lines=spans) for path, lines, spans in rows}
