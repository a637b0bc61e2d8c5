"""Rows that a query has put into a table of DuckDB, as a relation of canonical rows."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import Location
from jobs.sources.errors import SourceError
from jobs.sources.relation import Relation, identifier, quoted
from policy.window import Window

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

_PARAMETER = re.compile(r"(?<![:\w]):(window_start|as_of)\b")


def run_file_query(connection: "DuckDBPyConnection", source: str, location: Location, window: Window) -> Sequence[str]:
    """Run the query of a source on files, put its rows into the table `SOURCE_row`, and return its columns.

    Names of files begin in the folder of the settings. `:window_start` and `:as_of` are times in UTC without a zone.
    Raises SourceError if the query is not one SELECT, DuckDB refuses it, or it returns no row.
    """
    import duckdb

    query = location.query or ""
    bounds = {"window_start": window.start.replace(tzinfo=None), "as_of": window.as_of.replace(tzinfo=None)}
    # An extension that is fetched would stay on this machine, and could write.
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    if location.folder is not None:
        connection.execute(f"set file_search_path = {quoted(location.folder)}")
    try:
        statement = _select_of(connection, source, _PARAMETER.sub(r"$\1", query))
        used = {name: at for name, at in bounds.items() if name in statement.named_parameters}
        rows = statement.query.strip().rstrip(";")
        connection.execute(f"create or replace temp table {source}_row as {rows}", used)
    except duckdb.Error as error:
        raise SourceError(f"{source}.query: DuckDB refused it: {str(error).strip().splitlines()[0]}") from error
    header = table_columns(connection, f"{source}_row")
    if connection.execute(f"select 1 from {source}_row limit 1").fetchone() is None:
        raise SourceError(f"{source}.query: the query returned no row; check its files and how it compares the time")
    return header


def _select_of(connection: "DuckDBPyConnection", source: str, query: str) -> "duckdb.Statement":
    import duckdb

    statements = connection.extract_statements(query)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise SourceError(f"{source}.query: it is not one SELECT; a source is only read")
    return statements[0]


def table_columns(connection: "DuckDBPyConnection", table: str) -> Sequence[str]:
    """Return the names of a table's columns, in their order."""
    return [name for name, *_ in connection.execute(f"describe {table}").fetchall()]


def table_relation(
    label: str,
    table: str,
    header: Collection[str],
    columns: Mapping[str, str],
    judged: Callable[[str, str], str],
    description: Mapping[str, object],
) -> Relation:
    """Return the relation of a table; `label` names its rows in messages.

    `columns` has each canonical column by its name in the table, whose columns are `header`; one that is not there is
    null. `judged` is as in `csv_relation`.
    """
    items = ", ".join(
        f"cast({identifier(theirs) if theirs in header else 'null'} as varchar) as {name}"
        for name, theirs in columns.items()
    )
    rows = f"select {items}, {quoted(label)} as file from {table}"
    return Relation(
        rows=judged(rows, "cast(null as bigint) as line"),
        numbered=lambda _: judged(rows, "row_number() over () as line"),
        files=[Path(label)],
        file_format=None,
        is_typed=False,
        description=description,
        label=label,
        columns=header,
    )
