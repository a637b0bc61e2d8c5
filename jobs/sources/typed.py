"""Columns of files that carry their types, and how each becomes a column of the canonical table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat
from jobs.sources.relation import Relation, file_list, identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_NUMBERS = (*_INTEGERS, "FLOAT", "DOUBLE")
_INSTANTS = {
    "TIMESTAMP": "{}",
    "TIMESTAMP WITH TIME ZONE": "timezone('UTC', {})",
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "DATE"), "cast({} as timestamp)"),
    # A cast of nanoseconds would round up, to a later moment.
    **dict.fromkeys(("TIMESTAMP_NS", "TIMESTAMPTZ_NS"), "make_timestamp(epoch_ns({}) // 1000)"),
    **dict.fromkeys(_INTEGERS, "instant_of_integer(try_cast({} as bigint))"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "instant_of_number(cast({} as double))"),
    "VARCHAR": "instant_of_text({})",
}
NUMBERED = "filename as file, file_row_number + 1 as line, cast(null as varchar) as unread"
_ALL_NULL = '"NULL"'  # the type that some writers give a column if every value is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetFiles:
    """Files of one schema: its columns with their DuckDB types."""

    types: Mapping[str, str]
    paths: Sequence[Path]


def parquet_relation(
    connection: "DuckDBPyConnection",
    source: str,
    paths: Sequence[Path],
    judged: Callable[[ParquetFiles], Callable[[str], str]],
    description: Mapping[str, object],
) -> Relation:
    """Return the relation of Parquet files, whose columns may differ from file to file.

    `judged` checks the columns of the files of one schema, and writes the SELECT of their canonical rows from a FROM
    clause. Raises SourceError naming the file if one is not a Parquet file or its columns do not fit.
    """
    schemas = _schemas_of(connection, source, paths)
    selects = [judged(schema) for schema in schemas]
    by_path = {path: select for schema, select in zip(schemas, selects, strict=True) for path in schema.paths}
    return Relation(
        rows=" union all ".join(
            select(_parquet(schema.paths)) for schema, select in zip(schemas, selects, strict=True)
        ),
        numbered=lambda path: by_path[path](_parquet([path])),
        files=paths,
        file_format=FileFormat.PARQUET,
        is_typed=True,
        description={**description, "format": "parquet", "files": len(paths)},
        columns=set().union(*(schema.types for schema in schemas)),
    )


def _parquet(paths: Sequence[Path]) -> str:
    """Write a FROM clause over Parquet files of one schema; bytes that are not UTF-8 become question marks."""
    return (
        f"read_parquet({file_list(paths)}, filename = true, file_row_number = true, hive_partitioning = false, "
        "utf8_validation = 'replace')"
    )


def _schemas_of(connection: "DuckDBPyConnection", source: str, paths: Sequence[Path]) -> Sequence[ParquetFiles]:
    """Return the Parquet files by their schemas: a column may be missing or have another type in a rotated file.

    Raises SourceError naming the file if one is not a Parquet file.
    """
    by_schema: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path in paths:
        by_schema.setdefault(_schema(connection, source, path), []).append(path)
    return [ParquetFiles(types=dict(schema), paths=schema_paths) for schema, schema_paths in by_schema.items()]


def _schema(connection: "DuckDBPyConnection", source: str, path: Path) -> tuple[tuple[str, str], ...]:
    import duckdb

    query = f"describe select * from read_parquet({file_list([path])}, hive_partitioning = false)"
    try:
        return tuple((name, kind) for name, kind, *_ in connection.execute(query).fetchall())
    except duckdb.Error as error:
        raise SourceError(f"{source}: {path} cannot be read: {first_message_line(error)}") from error


def first_message_line(error: Exception) -> str:
    """Return the first line of an engine's message, without the suggestions that follow."""
    return str(error).strip().splitlines()[0]


def typed_column(source: str, path: Path, name: str, theirs: str, kind: str | None, wanted: str) -> str:
    """Write the SELECT item that makes a file's column the canonical one; null if the file has no such column.

    Raises SourceError if values of its type can never become values of the canonical column.
    """
    if kind is None or kind == _ALL_NULL:
        return f"cast(null as {wanted}) as {name}"
    column = identifier(theirs)
    if wanted == "timestamp":
        return f"{instant(source, path, theirs, kind)} as {name}"
    if name == "symbol" and kind == "VARCHAR":
        return f"symbol_of_bytes({column}) as {name}"
    fits = {
        "varchar": kind in ("VARCHAR", "UUID", *_INTEGERS),
        "boolean": kind == "BOOLEAN",
        "double": _is_number(kind),
        "bigint": kind in _INTEGERS,
    }[wanted]
    if not fits or name == "symbol":
        raise SourceError(f"{source}: column {theirs!r} of {path} is {kind}, but {name} must be {wanted.upper()}")
    if kind == "VARCHAR":
        return f"stated_word({column}) as {name}"
    return column + f" as {name}" if kind.lower() == wanted else f"try_cast({column} as {wanted}) as {name}"


def instant(source: str, path: Path, theirs: str, kind: str) -> str:
    """Write the expression that reads a column of this type as a time in UTC without a zone."""
    written = _INSTANTS.get("DECIMAL" if kind.startswith("DECIMAL(") and _is_number(kind) else kind)
    if written is None:
        raise SourceError(
            f"{source}: column {theirs!r} of {path} is {kind}, which is not a time; write it as a timestamp"
        )
    return written.format(identifier(theirs))


def _is_number(kind: str) -> bool:
    return kind in _NUMBERS or (kind.startswith("DECIMAL(") and kind.endswith(")"))
