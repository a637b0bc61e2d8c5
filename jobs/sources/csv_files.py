"""CSV files: the names in their headers, and how to read them row by row even if single rows are broken."""

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

    With `may_span_lines`, a quote in one of them is not closed on its line, and may have swallowed further lines.
    """

    lines: Set[int]
    may_span_lines: bool


def headers_of(source: str, paths: Sequence[Path]) -> Headers:
    """Return every header that the files have, each with the files that have it.

    Rotated files may differ in their columns, so each is read by its own header. Raises SourceError if a file cannot be
    read or names a column twice.
    """
    headers: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        headers.setdefault(_header(source, path), []).append(path)
    return headers


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
    """Write a SELECT from CSV files: each of `columns` as text by its value there, and the `file`.

    An empty value is null, and so is a column that a file does not have. Rows that do not fit the header of their file
    are left out; with `keep_torn_rows`, DuckDB lists them until `take_torn_rows`.
    """
    return " union all ".join(_rows(paths, header, columns, keep_torn_rows) for header, paths in headers.items())


def _rows(paths: Sequence[Path], header: Sequence[str], columns: Mapping[str, str], keep_torn_rows: bool) -> str:
    items = ", ".join(
        f"{identifier(theirs) if theirs in header else 'cast(null as varchar)'} as {name}"
        for name, theirs in columns.items()
    )
    types = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in header)
    # They are listed in any case: without a list, DuckDB 2.0 stops reading at a quote that is out of place.
    rejects_table = "torn_row" if keep_torn_rows else "torn_row_again"
    return (
        f"select {items}, file from read_csv({file_list(paths)}, columns = {{{types}}}, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        f"null_padding = false, ignore_errors = true, "
        f"rejects_table = '{rejects_table}', rejects_scan = '{rejects_table}_scan', filename = 'file')"
    )


def take_torn_rows(connection: "DuckDBPyConnection") -> dict[Path, TornRows]:
    """Return by file the rows that do not fit their header, and empty DuckDB's list for the next source."""
    rows = connection.execute(
        """select file_path, list(line), bool_or(error_type = 'UNQUOTED VALUE')
        from torn_row join torn_row_scan using (scan_id, file_id) group by file_path"""
    ).fetchall()
    connection.execute("drop table torn_row; drop table torn_row_scan")
    return {Path(path): TornRows(lines=frozenset(lines), may_span_lines=spans) for path, lines, spans in rows}
