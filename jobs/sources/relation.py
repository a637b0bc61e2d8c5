"""A source as SQL for DuckDB: canonical rows, each with its file and, if it is rejected, the reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MACROS = files(__package__).joinpath("macros.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Rows of one source.

    `rows` selects the canonical columns with `file`, `line`, `reason` (null if the row is usable) and `unread` from all
    files at once. `numbered` selects the same from one file. `line` is the number of the row in its file, counted from
    1 without header, blank lines and rows that do not fit the header; in `rows` it is null unless `is_typed`. `unread`
    is the column name and, after a blank, the text of a bad time, symbol or value; it is null if `is_typed`.
    `file_format` is None if the one file holds the rows of a database query. `is_typed` means that the values carry
    their types and the rows their numbers, so that reading them again costs little.
    """

    rows: str
    numbered: Callable[[Path], str]
    files: Sequence[Path]
    file_format: FileFormat | None
    is_typed: bool
    description: Mapping[str, object]


def require_rows(connection: "DuckDBPyConnection", source: str, relation: Relation) -> None:
    """Raise SourceError if no row can be read: an empty log never counts as a week without orders."""
    import duckdb

    try:
        row = connection.execute(f"select 1 from ({relation.rows}) limit 1").fetchone()
    except duckdb.Error as error:
        message = str(error).splitlines()[0]
        raise SourceError(f"{source}: {relation.files[0]} or a file beside it cannot be read: {message}") from error
    if row is None:
        raise SourceError(
            f"{source}: {relation.files[0]} has no row that fits its header, and no file beside it has one"
        )


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: Sequence[Path]) -> str:
    """Write paths as an SQL list."""
    return "[" + ", ".join(map(quoted, paths)) + "]"
