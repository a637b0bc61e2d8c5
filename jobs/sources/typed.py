"""Columns of files that carry their types: what is there, and how each becomes what the canonical table needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.relation import file_list, identifier, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_NUMBERS = (*_INTEGERS, "FLOAT", "DOUBLE", "DECIMAL")


def parquet(paths: str) -> str:
    """Write a FROM clause over Parquet files, given as an SQL list or literal; columns are matched by name."""
    return f"read_parquet({paths}, union_by_name = true, filename = true, file_row_number = true)"


def column_types(connection: "DuckDBPyConnection", source: str, paths: Sequence[Path]) -> Mapping[str, str]:
    """Return the columns of Parquet files with their DuckDB types. Raises SourceError where one is no Parquet file."""
    return _described(connection, source, paths, f"read_parquet({file_list(paths)}, union_by_name = true)")


def describe_csv(connection: "DuckDBPyConnection", source: str, paths: Sequence[Path]) -> Mapping[str, str]:
    """Return the columns that the header of the first CSV file names."""
    rows = f"read_csv({quoted(paths[0])}, header = true, all_varchar = true, delim = ',', ignore_errors = true)"
    return _described(connection, source, paths, rows)


def _described(
    connection: "DuckDBPyConnection", source: str, paths: Sequence[Path], rows: str
) -> Mapping[str, str]:
    import duckdb

    try:
        described = connection.execute(f"describe select * from {rows}").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{source}: {paths[0]} or one beside it cannot be read: {first_line(error)}") from error
    return {name: kind for name, kind, *_ in described}


def first_line(error: Exception) -> str:
    """Return the first line of an engine's message: what it is about, without its suggestions."""
    return str(error).strip().splitlines()[0]


def typed_column(source: str, path: Path, name: str, theirs: str, kind: str | None, wanted: str) -> str:
    """Write the SELECT item that makes a file's column the canonical one; null where the file has no such column.

    Raises SourceError where a value of its type can never be one of the canonical column's.
    """
    if kind is None:
        return f"cast(null as {wanted}) as {name}"
    column = identifier(theirs)
    if wanted == "timestamp":
        return f"{instant(source, path, theirs, kind)} as {name}"
    if name == "symbol" and kind == "VARCHAR":
        return f"case when length(trim({column})) between 1 and 64 then {column} end as {name}"
    fits = {
        "varchar": kind == "VARCHAR" or kind in _INTEGERS,
        "boolean": kind == "BOOLEAN",
        "double": kind.startswith(_NUMBERS),
        "bigint": kind in _INTEGERS,
    }[wanted]
    if not fits or (name == "symbol" and kind != "VARCHAR"):
        raise SourceError(f"{source}: column {theirs!r} of {path} is {kind}, where {wanted.upper()} is needed for {name}")
    return column + f" as {name}" if kind.lower() == wanted else f"cast({column} as {wanted}) as {name}"


def instant(source: str, path: Path, theirs: str, kind: str) -> str:
    """Write the expression that reads a column of this type as a time in UTC without a zone."""
    column = identifier(theirs)
    if kind == "TIMESTAMP":
        return column
    if kind in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        return f"timezone('UTC', cast({column} as timestamptz))"
    if kind.startswith(("TIMESTAMP_", "DATE")):
        return f"cast({column} as timestamp)"
    if kind in _INTEGERS:
        return f"plausible(instant_of_integer(cast({column} as bigint)))"
    if kind.startswith(_NUMBERS):
        return f"plausible(instant_of_number(cast({column} as double)))"
    if kind == "VARCHAR":
        return f"instant_of_text({column})"
    raise SourceError(f"{source}: column {theirs!r} of {path} is {kind}, which is no time")
