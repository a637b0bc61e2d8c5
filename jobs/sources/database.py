"""Rows of a database query, written to a temporary CSV file, which the engine reads like any other."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import Location
from jobs.sources.errors import SourceError
from policy.window import Window

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ROWS_AT_A_TIME = 10_000


def spool(location: Location, window: Window, folder: Path, source: str) -> Path:
    """Run the query and write its rows, as text, to a CSV file in `folder`; memory stays flat.

    If the query has `:window_start` and `:as_of`, they get the bounds of the window, so that the database sends only
    what is needed. Raises SourceError if the database or the query fails, or if the query returns no row.
    """
    from sqlalchemy.exc import SQLAlchemyError

    path = folder / f"{source}-query.csv"
    with _connected(location.url or "", source) as connection:
        try:
            row_count = _write_rows(connection, location.query or "", window, path)
        except SQLAlchemyError as error:
            raise SourceError(f"{source}.query: the database refused it: {_message(error)}") from error
    if row_count == 0:
        raise SourceError(f"{source}.query: the query returned no row; check its table and how it compares the time")
    return path


@contextmanager
def _connected(url: str, source: str) -> "Iterator[Connection]":
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = _engine(url, source)
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise SourceError(
            f"{source}.url: the database cannot be used: {_message(error)}; correct {source}.url"
        ) from error
    except ImportError as error:
        raise SourceError(f"{source}.url: the driver of this database is not installed: {error}") from error
    try:
        with connection:
            yield connection
    finally:
        engine.dispose()


def _message(error: Exception) -> str:
    """Return the first line of the driver's message; the rest would hold the query and its parameters."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _engine(url: str, source: str) -> "Engine":
    """Make the engine; a missing SQLite file is refused, because SQLite would create it and then miss the table."""
    from sqlalchemy import create_engine

    engine = create_engine(url, hide_parameters=True)
    file = engine.url.database
    if (
        engine.dialect.name == "sqlite"
        and file
        and not file.startswith(("file:", ":memory:"))
        and not Path(file).exists()
    ):
        raise SourceError(f"{source}.url: the database file {file} does not exist; correct {source}.url")
    return engine


def _write_rows(connection: "Connection", query: str, window: Window, path: Path) -> int:
    from sqlalchemy import text

    statement = text(query)
    parameters = statement.compile(connection.engine).params
    bounds = {name: at for name, at in _bounds(window, connection.dialect.name).items() if name in parameters}
    rows = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(statement, bounds)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(rows.keys())
        row_count = 0
        for row in rows:
            writer.writerow(map(_text, row))
            row_count += 1
    return row_count


def _bounds(window: Window, dialect: str) -> dict[str, datetime | str]:
    """Return the bounds; for SQLite, which has no type for times, as the text that its date functions write."""
    bounds = {"window_start": window.start, "as_of": window.as_of}
    if dialect != "sqlite":
        return dict(bounds)
    return {name: at.replace(tzinfo=None).isoformat(sep=" ") for name, at in bounds.items()}


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return value
