"""The rows of a source that samples may name, numbered once in a table for the samples of many windows."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.relation import Relation, quoted
from jobs.sources.samples import DUPLICATE_KEYS, torn_sample
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def numbered_once(
    connection: "DuckDBPyConnection",
    source: str,
    relation: Relation,
    loaded: str,
    in_windows: str,
    bounds: Mapping[str, object],
    duplicates: str,
    duplicate_reason: str,
) -> Relation:
    """Return a relation that finds the same samples without reading the files again for each.

    `loaded` is the table of the relation's rows, as they were read. The rows of the new relation are those with a
    reason that lie `in_windows`, a condition with the parameters `bounds`, and those that
    may be the sample of a row of `duplicates`, a SELECT. A relation whose files can no longer be read is returned as it
    is.
    """
    import duckdb

    table = f"{source}_numbered"
    same = " and ".join(
        f"repeated.{key} is not distinct from numbered.{key}" for key in DUPLICATE_KEYS[duplicate_reason]
    )
    wanted = f"reason is not null and ({in_windows}) or exists (select 1 from ({duplicates}) as repeated where {same})"
    insertion = f"create or replace temp table {table} as"
    try:
        for number, rows in enumerate(_selects(connection, relation, loaded)):
            numbered = f"(select *, row_number() over () as position from ({rows})) as numbered"
            connection.execute(f"{insertion} select *, {number} as part from {numbered} where {wanted}", bounds)
            insertion = f"insert into {table}"
        torn = torn_sample(source, relation)
    except (duckdb.Error, OSError, SourceError):
        return relation
    chosen = f"select * exclude (part, position) from {table}"
    return replace(
        relation,
        rows=f"{chosen} order by part, position",
        is_numbered=True,
        numbered=lambda path: f"{chosen} where file = {quoted(path)} order by position",
        lines_of_rows=_Lines(relation) if relation.lines_of_rows is not None else None,
        torn_sample=torn,
    )


def _selects(connection: "DuckDBPyConnection", relation: Relation, loaded: str) -> Sequence[str]:
    """Return what selects the numbered rows, in the order in which rows with a reason were read."""
    if relation.is_typed:
        return [relation.rows]
    query = f"select file from {loaded} where reason is not null group by file order by min(rowid)"
    read_first = [Path(file) for (file,) in connection.execute(query).fetchall()]
    return [relation.numbered(path) for path in dict.fromkeys([*read_first, *relation.files])]


class _Lines:
    """The numbers of the lines of each file's rows, read from the file the first time."""

    def __init__(self, relation: Relation) -> None:
        self._relation = relation
        self._lines: dict[Path, array[int]] = {}

    def __call__(self, file: TextFile) -> Sequence[int]:
        if file.path not in self._lines:
            assert self._relation.lines_of_rows is not None
            self._lines[file.path] = array("Q", self._relation.lines_of_rows(file))
        return self._lines[file.path]
