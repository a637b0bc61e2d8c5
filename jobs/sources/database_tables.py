"""Whole tables of a bot's database, written to temporary CSV files from one state of the database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.bots.kind import Table
from jobs.sources.database import ROWS_AT_A_TIME, TRIES, bounds_of, connected, database_message, write_csv
from jobs.sources.errors import SourceError
from jobs.sources.sqlite_file import FileInUseError
from policy.window import Window

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MILLISECONDS = 1000


def spool_tables(url: str, tables: Sequence[Table], window: Window, folder: Path, source: str) -> Mapping[str, Path]:
    """Write the tables, each column as text, to CSV files in `folder`; the files are by the tables' names.

    A column or a table that may be missing and is becomes a column without values, or a file without rows. Raises
    SourceError if the database cannot be used, or has not the tables and columns that are required.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            with connected(url, source) as connection, _one_state(connection, source):
                return {table.name: _spool(connection, table, window, folder, source) for table in tables}
        except FileInUseError as error:
            if not tries_left:
                raise SourceError(f"{source}.url: {error}") from error
    raise AssertionError("the last try returns or raises")


def tables_of(url: str, source: str) -> Mapping[str, Sequence[str]]:
    """Return the tables of a database, each with its columns. Raises SourceError if it cannot be used."""
    from sqlalchemy import inspect

    try:
        with connected(url, source) as connection:
            inspector = inspect(connection)
            return {
                name: [str(column["name"]) for column in inspector.get_columns(name)]
                for name in inspector.get_table_names()
            }
    except FileInUseError as error:
        raise SourceError(f"{source}.url: {error}") from error


@contextmanager
def _one_state(connection: "Connection", source: str) -> Iterator[None]:
    """Let every query see the same state of the database, as on Postgres: an order without its trade would be lost."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("begin")
        yield
    except SQLAlchemyError as error:
        raise SourceError(f"{source}.url: the database refused a query: {database_message(error)}") from error


def _spool(connection: "Connection", table: Table, window: Window, folder: Path, source: str) -> Path:
    path = folder / f"{source}-{table.name}.csv"
    present = _columns(connection, table, source)
    chosen = [name for name in table.columns if name in present]
    rows = _rows(connection, table, chosen, window) if chosen else ()
    try:
        write_csv(chosen or table.columns, rows, path)
    except OSError as error:
        raise SourceError(
            f"{source}.url: rows of {table.name} cannot be written to the temporary folder {folder} "
            f"({error.strerror or error}); make space there, or set TMPDIR to another folder"
        ) from error
    return path


def _columns(connection: "Connection", table: Table, source: str) -> Sequence[str]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    if not inspector.has_table(table.name):
        if table.may_be_missing:
            return ()
        names = ", ".join(sorted(inspector.get_table_names())) or "none"
        raise SourceError(f"{source}.url: the database has no table {table.name!r}; its tables are {names}")
    present = [str(column["name"]) for column in inspector.get_columns(table.name)]
    missing = [name for name in table.required if name not in present]
    if missing:
        raise SourceError(
            f"{source}.url: table {table.name!r} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(present)}. Is it the database of another bot, or of a version that is not known?"
        )
    return present


def _rows(connection: "Connection", table: Table, names: Sequence[str], window: Window) -> "Iterator[Sequence[object]]":
    import sqlalchemy

    columns: list[sqlalchemy.ColumnClause[object]] = [sqlalchemy.column(name) for name in names]
    query = sqlalchemy.select(*columns).select_from(sqlalchemy.table(table.name))
    if table.condition is not None:
        condition = sqlalchemy.text(table.condition)
        named = condition.compile(connection.engine).params
        parameters = _parameters(window, connection.dialect.name)
        query = query.where(condition.bindparams(**{name: parameters[name] for name in named}))
    result = connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(query)
    return (tuple(row) for row in result)


def _parameters(window: Window, dialect: str) -> Mapping[str, object]:
    in_milliseconds = {
        "window_start_ms": int(window.start.timestamp() * _MILLISECONDS),
        "as_of_ms": int(window.as_of.timestamp() * _MILLISECONDS),
    }
    return {**bounds_of(window, dialect), **in_milliseconds}
