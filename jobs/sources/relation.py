"""A source as SQL for DuckDB: canonical rows, each with its file and, if it is rejected, the reason."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

_DeviceAndInode = tuple[int, int] | None
MACROS = files(__package__).joinpath("macros.sql").read_text("utf-8")


def identity_of(path: Path) -> _DeviceAndInode:
    """Return the device and the inode of a file; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Rows of one source.

    `files` are those that DuckDB reads, and `texts` has the text files among them, plain or copied, with their origin.
    `rows` selects the canonical columns with `file`, `line`, `reason` (null if the row is usable) and `unread` from all
    files at once. `numbered` selects the same from one file. `line` is the number of the row in its file, counted from
    1 without header, blank lines and rows that do not fit the header; in `rows` it is null unless `is_typed`.
    `lines_of_rows` returns, row by row, the number of the line on which a row of a file stands. `unread` is the column
    name and, after a blank, the text of a bad time, symbol or value; it is null if `is_typed`.
    `is_numbered` means that `rows` has the numbers too, and only what samples name, in the order in which it was read.
    `torn_sample` is the sample of the lines that fit no row, if it is known already.
    `columns` are the source's own columns, of all its files together; None if any row may have others, as in JSON.
    `unjudged` selects the same rows as the files have them; it is None if `rows` is as quick to plan.
    If lines outside the wanted times are left out, `identities` has the file at each path as it was when it was looked
    at, and `every_row` returns the relation of all lines.
    `file_format` is None if the rows are those of a query or of a bot's tables, which `label` names. `is_typed` means
    that the values carry their types and the rows their numbers, so that reading them again costs little.
    """

    rows: str
    numbered: Callable[[Path], str]
    files: Sequence[Path]
    file_format: FileFormat | None
    is_typed: bool
    description: Mapping[str, object]
    texts: Mapping[Path, TextFile] = field(default_factory=dict)
    lines_of_rows: Callable[[TextFile], Iterable[int]] | None = None
    label: str | None = None
    is_numbered: bool = False
    torn_sample: str | None = None
    unjudged: str | None = None
    columns: Collection[str] | None = None
    every_row: "Callable[[], Relation] | None" = None
    identities: Mapping[Path, _DeviceAndInode] = field(default_factory=dict)

    def has_moved(self) -> bool:
        """Return whether a path leads to another file now, as after a rotation: what was left out may be wanted."""
        return any(identity_of(path) != identity for path, identity in self.identities.items())

    def origin(self, path: Path) -> Path:
        """Return the source's own file for one that DuckDB reads."""
        return self.texts[path].path if path in self.texts else path


def require_rows(connection: "DuckDBPyConnection", source: str, relation: Relation) -> None:
    """Raise SourceError if no row can be read: an empty log never counts as a week without orders."""
    import duckdb

    try:
        row = connection.execute(f"select 1 from ({relation.unjudged or relation.rows}) limit 1").fetchone()
    except duckdb.Error as error:
        raise unreadable(connection, source, relation, error) from error
    if row is None:
        first = relation.origin(relation.files[0])
        raise SourceError(f"{source}: {first} has no row that fits its header, and no file beside it has one")


def unreadable(connection: "DuckDBPyConnection", source: str, relation: Relation, error: "duckdb.Error") -> SourceError:
    """Return the error of a relation that DuckDB cannot read, with the name of the file that is wrong."""
    import duckdb

    name = f"{relation.origin(relation.files[0])} or a file beside it"
    for path in relation.files:
        try:
            connection.execute(f"select count(columns(*)) from ({relation.numbered(path)})")
        except duckdb.Error as file_error:
            name, error = str(relation.origin(path)), file_error
            break
    return SourceError(f"{source}: {name} cannot be read: {str(error).strip().splitlines()[0]}")


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: Sequence[Path]) -> str:
    """Write paths as an SQL list of exactly these files: DuckDB takes each for a pattern."""
    return "[" + ", ".join(quoted(re.sub(r"[*?[]", r"[\g<0>]", str(path))) for path in paths) + "]"
