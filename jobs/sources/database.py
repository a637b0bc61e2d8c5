"""Rows of a database query, written to a temporary CSV file, which the engine reads like any other.

The database belongs to another program: it is opened read-only, and nothing stays behind in it.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import Location
from jobs.sources.database_values import SUBSTITUTE_ERRORS, decode, text_of
from jobs.sources.errors import SourceError
from jobs.sources.sqlite_file import OPTIONS, FileInUseError, read_only_options
from policy.window import Window

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

ROWS_AT_A_TIME = 10_000
TRIES = 3
_IN_MEMORY = (None, "", ":memory:")
# Postgres has times that Python has not, as infinity and the years after 9999. As text, they cost their own row only.
# So do JSON values, which would become objects of Python.
_READ_AS_TEXT = tuple("text varchar bpchar name date timestamp timestamptz time timetz interval json jsonb".split())
_TYPES_THAT_PSYCOPG_DOES_NOT_KNOW = 0  # such as enum types


def spool(location: Location, window: Window, folder: Path, source: str) -> Path:
    """Run the query and write its rows, as text, to a CSV file in `folder`; memory stays flat.

    If the query has `:window_start` and `:as_of`, they get the bounds of the window, so that the database sends only
    what is needed. Raises SourceError if the database or the query fails, if the query returns no row, or if `folder`
    is full.
    """
    path = folder / f"{source}-query.csv"
    row_count = _spool_with_retries(location, window, path, source)
    if row_count == 0:
        raise SourceError(f"{source}.query: the query returned no row; check its table and how it compares the time")
    return path


def _spool_with_retries(location: Location, window: Window, path: Path, source: str) -> int:
    for tries_left in reversed(range(TRIES)):
        try:
            return _spool(location, window, path, source)
        except FileInUseError as error:
            if not tries_left:
                raise SourceError(f"{source}.url: {error}") from error
    raise AssertionError("the last try returns or raises")


def _spool(location: Location, window: Window, path: Path, source: str) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    with connected(location.url or "", source, location.query or "") as connection:
        try:
            return _write_rows(connection, location.query or "", window, path, source)
        except SQLAlchemyError as error:
            raise SourceError(f"{source}.query: the database refused it: {database_message(error)}") from error
        except OSError as error:
            raise SourceError(
                f"{source}.query: its rows cannot be written to the temporary folder {path.parent} "
                f"({error.strerror or error}); make space there, or set TMPDIR to another folder"
            ) from error


@contextmanager
def connected(url: str, source: str, query: str = "") -> "Iterator[Connection]":
    """Open a database that belongs to another program, only to read it by this query, until the block ends.

    Raises SourceError if it cannot be used, FileInUseError if its file cannot be read as it is now.
    """
    from sqlalchemy.exc import SQLAlchemyError

    with _read_only_url(url, source) as read_only_url:
        try:
            engine = _engine(read_only_url)
            connection = engine.connect()
            _prepare(connection, query)
        except SQLAlchemyError as error:
            raise SourceError(
                f"{source}.url: the database cannot be used: {database_message(error)}; correct {source}.url"
            ) from error
        except ImportError as error:
            raise SourceError(f"{source}.url: the driver of this database is not installed: {error}") from error
        try:
            with connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _read_only_url(text: str, source: str) -> "Iterator[URL]":
    """Give the URL with which the database is only read; of SQLite, by the options that its file needs now."""
    from storage.database.url import UrlError, read_url

    try:
        url = read_url(text)
    except UrlError as error:
        raise SourceError(f"{source}.url: the URL {error}; correct {source}.url") from error
    file = _sqlite_file(url)
    if file is None:
        yield url
        return
    if not file.exists():  # SQLite would create it and then miss the table
        raise SourceError(f"{source}.url: the database file {file} does not exist; correct {source}.url")
    opened: AbstractContextManager[Mapping[str, str]] = read_only_options(file) if file.is_file() else nullcontext({})
    try:
        with opened as options:
            theirs = {name: value for name, value in url.query.items() if name not in OPTIONS}
            yield url.set(database=file.absolute().as_uri(), query={**theirs, **options, "uri": "true"})
    except OSError as error:
        raise SourceError(
            f"{source}.url: the database file {file} cannot be read ({error.strerror or error}); "
            "give this user permission to read it"
        ) from error


def _sqlite_file(url: "URL") -> Path | None:
    """Return the file of a SQLite URL, also if it is written as a `file:` URI; None for any other database."""
    from urllib.parse import unquote, urlsplit

    database = url.database
    if url.get_backend_name() != "sqlite" or database in _IN_MEMORY or url.query.get("mode") == "memory":
        return None
    assert database is not None
    return Path(unquote(urlsplit(database).path)) if database.startswith("file:") else Path(database)


def _engine(url: "URL") -> "Engine":
    from sqlalchemy import create_engine, event

    is_psycopg = url.get_dialect().driver == "psycopg"
    # A database in SQL_ASCII would send its texts as bytes, from the first query of SQLAlchemy's own on.
    engine = create_engine(url, hide_parameters=True, connect_args={"client_encoding": "utf8"} if is_psycopg else {})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _decode_sqlite)
    elif is_psycopg:
        event.listen(engine, "connect", _decode_postgres)
    return engine


def _decode_sqlite(connection: "DBAPIConnection", _: object) -> None:
    connection.text_factory = decode


def _decode_postgres(connection: "DBAPIConnection", _: object) -> None:
    from psycopg.adapt import Buffer, Loader

    class TextLoader(Loader):
        def load(self, data: Buffer) -> str:
            return decode(bytes(data))

    for type_name in (*_READ_AS_TEXT, _TYPES_THAT_PSYCOPG_DOES_NOT_KNOW):
        connection.adapters.register_loader(type_name, TextLoader)


def _prepare(connection: "Connection", query: str) -> None:
    """Let the transaction only read; on Postgres from one state, with times in UTC and numbers in full.

    Texts come in UTF-8. A database in SQL_ASCII holds bytes of any encoding, and ends the query at the first that is
    not UTF-8, so its texts come as they are. It then takes queries in ASCII only.
    """
    if connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
        stored = connection.exec_driver_sql("select current_setting('server_encoding')").scalar_one()
        encoding = "SQL_ASCII" if stored == "SQL_ASCII" and query.isascii() else "UTF8"
        written = ("datestyle = 'ISO'", "timezone = 'UTC'", "extra_float_digits = 3")
        for setting in (*written, f"client_encoding = '{encoding}'"):
            connection.exec_driver_sql(f"set local {setting}")
    elif connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma query_only = on")


def database_message(error: Exception) -> str:
    """Return the first line of the driver's message; the rest would hold the query and its parameters."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _write_rows(connection: "Connection", query: str, window: Window, path: Path, source: str) -> int:
    from sqlalchemy import text

    statement = text(query)
    parameters = statement.compile(connection.engine).params
    bounds = {name: at for name, at in bounds_of(window, connection.dialect.name).items() if name in parameters}
    rows = connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(statement, bounds)
    _require_distinct(source, list(rows.keys()))
    return write_csv(rows.keys(), rows, path)


def _require_distinct(source: str, names: Sequence[str]) -> None:
    """Raise SourceError if a column is there twice, as after a join: which of the two is meant cannot be told."""
    counts = Counter(name.lower() for name in names)
    twice = next((name for name in names if counts[name.lower()] > 1), None)
    if twice is not None:
        raise SourceError(f"{source}.query: its result has the column {twice!r} twice; select each name once")


def write_csv(names: Iterable[str], rows: Iterable[Iterable[object]], path: Path) -> int:
    """Write rows as text, every field in quotes, and return how many there were; null becomes an empty text."""
    row_count = 0
    with path.open("w", newline="", encoding="utf-8", errors=SUBSTITUTE_ERRORS) as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(names)
        for row in rows:
            writer.writerow(map(text_of, row))
            row_count += 1
    return row_count


def bounds_of(window: Window, dialect: str) -> dict[str, datetime | str]:
    """Return the bounds; for SQLite, which has no type for times, as the text that its date functions write."""
    bounds = {"window_start": window.start, "as_of": window.as_of}
    if dialect != "sqlite":
        return dict(bounds)
    return {name: at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") for name, at in bounds.items()}
