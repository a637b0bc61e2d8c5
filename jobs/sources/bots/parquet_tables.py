"""Parquet files of a bot as tables of text, whose columns may be missing or have another type in another version."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.relation import file_list, identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_parquet(
    connection: "DuckDBPyConnection",
    table: str,
    paths: Sequence[Path],
    required: Sequence[str],
    optional: Sequence[str],
) -> None:
    """Make a table of these columns, each as text, from Parquet files; without files it is empty.

    An optional column that a file does not have is null. Raises SourceError naming the file if one cannot be read, or
    has not the required columns.
    """
    names = (*required, *optional)
    if not paths:
        columns = ", ".join(f"cast(null as varchar) as {identifier(name)}" for name in names)
        connection.execute(f"create or replace temp table {table} as select {columns} where false")
        return
    rows = " union all ".join(_rows(connection, path, required, names) for path in paths)
    connection.execute(f"create or replace temp table {table} as {rows}")


def _rows(connection: "DuckDBPyConnection", path: Path, required: Sequence[str], names: Sequence[str]) -> str:
    types = _types(connection, path)
    missing = [name for name in required if name not in types]
    if missing:
        raise SourceError(
            f"orders.path: {path} has no column {', '.join(map(repr, missing))}; it has {', '.join(types)}"
        )
    items = ", ".join(f"{_text(name, types.get(name))} as {identifier(name)}" for name in names)
    options = "hive_partitioning = false, utf8_validation = 'replace'"
    return f"select {items} from read_parquet({file_list([path])}, {options})"


def _types(connection: "DuckDBPyConnection", path: Path) -> Mapping[str, str]:
    import duckdb

    try:
        query = f"describe select * from read_parquet({file_list([path])}, hive_partitioning = false)"
        return {name: kind for name, kind, *_ in connection.execute(query).fetchall()}
    except duckdb.Error as error:
        raise SourceError(f"orders.path: {path} cannot be read: {str(error).strip().splitlines()[0]}") from error


def _text(name: str, kind: str | None) -> str:
    """Write the expression of a column as text; a time in nanoseconds as a whole number, which keeps all of it."""
    if kind is None:
        return "cast(null as varchar)"
    column = identifier(name)
    if kind == "BLOB":
        return f"try(decode({column}))"
    if kind in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return f"cast(epoch_ns({column}) as varchar)"
    return f"cast({column} as varchar)"
