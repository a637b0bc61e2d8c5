"""Engines for SQLite and Postgres: the driver, the settings, and what each setting is for."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from storage.database.postgres import postgres_engine
from storage.database.sqlite_file import OpenedFile
from storage.database.url import UrlError, read_url
from storage.errors import StoreSettingsError, StoreUnavailableError

BUSY_TIMEOUT_SECONDS = 5
_CLOSING_MILLISECONDS = 500
_PRIVATE_MODE = 0o640
_SECRET_QUERY_KEYS = {"password", "sslpassword", "passfile"}


def parse_url(text: str) -> URL:
    """Parse the store's URL. Raises StoreSettingsError if it does not name a SQLite file or a Postgres database."""
    try:
        url = read_url(text)
    except UrlError as error:
        raise StoreSettingsError(
            f"the store's URL {error}; write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from error
    if leaked := _SECRET_QUERY_KEYS & set(url.query):
        raise StoreSettingsError(
            f"the store's URL holds {', '.join(sorted(leaked))} after the question mark, where it would be printed; "
            "write it before the host, or keep it in ROUTER_POLICY_STORE__URL or ~/.pgpass"
        )
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise StoreSettingsError(
            f"the store must be SQLite or Postgres, not {url.get_backend_name()!r}; write sqlite:///FILE or "
            "postgresql://USER@HOST/DATABASE"
        )
    if not url.database or url.database == ":memory:":
        raise StoreSettingsError("the store must be a file that others can read; write sqlite:///FILE")
    return url


def sqlite_driver() -> ModuleType:
    """Return `pysqlite3` if it is installed and its SQLite is newer than that of Python, else Python's own driver."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    return dbapi2 if dbapi2.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def is_wal_safe(version: tuple[int, ...]) -> bool:
    """Return whether this SQLite is free of the WAL-reset bug (fixed in 3.51.3, 3.50.7 and 3.44.6).

    With the bug, concurrent checkpoints can corrupt a database in WAL mode.
    Source: https://www.sqlite.org/wal.html
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def journal_mode(version: tuple[int, ...]) -> str:
    """Return `wal` if it is safe on this SQLite, else `delete`: slower to write, and readers wait for the writer."""
    return "wal" if is_wal_safe(version) else "delete"


def store_engines(url: URL) -> tuple[Engine, Engine]:
    """Make the engines of a store, for writing and for reading; on SQLite both go on with the same file."""
    file = OpenedFile(_file_of(url))
    writer, reader = write_engine(url, file), read_engine(url, file)
    file.forget_after(writer)
    return writer, reader


def write_engine(url: URL, file: OpenedFile | None = None) -> Engine:
    """Make the engine for publishing; every transaction of it is a write transaction from its first statement."""
    if url.get_backend_name() == "sqlite":
        file = file or OpenedFile(_file_of(url))
        engine = _sqlite_engine(url, file, _prepare_sqlite_writer, "BEGIN IMMEDIATE")
        _create_private_file_before_first_connect(engine, file)
        return engine
    return postgres_engine(url, isolation_level="READ COMMITTED", read_only=False)


def read_engine(url: URL, file: OpenedFile | None = None) -> Engine:
    """Make the engine for reading: each transaction sees one snapshot of the database and cannot write.

    On SQLite the file must exist. A transaction there sees one snapshot anyway.
    """
    if url.get_backend_name() == "sqlite":
        database = Path(url.database or "").absolute()
        read_only = url.set(database=database.as_uri(), query={"mode": "ro", "uri": "true"})
        return _sqlite_engine(read_only, file, _prepare_sqlite_reader, "BEGIN")
    return postgres_engine(url, isolation_level="REPEATABLE READ", read_only=True)


def _sqlite_engine(url: URL, file: OpenedFile | None, prepare: Callable[[Any], None], begin: str) -> Engine:
    engine = create_engine(
        url,
        module=sqlite_driver(),
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: Any, record: object) -> None:  # noqa: ARG001
        prepare(connection)

    (file or OpenedFile(_file_of(url))).guard(engine)

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _file_of(url: URL) -> Path:
    database = url.database or ""
    return Path(unquote(urlsplit(database).path) if database.startswith("file:") else database).absolute()


def _create_private_file_before_first_connect(engine: Engine, file: OpenedFile) -> None:
    @event.listens_for(engine, "do_connect", insert=True)
    def create(*_: object) -> None:
        if not file.was_opened:
            create_private_file(file.path)


def create_private_file(file: Path) -> None:
    """Create an empty file that its owner may write and its group may read, no more than the umask allows.

    SQLite gives the files beside it the same permissions. A file that is there keeps its own; if none can be made,
    SQLite fails with the reason.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE_MODE))


def checkpoint_wal(engine: Engine) -> None:
    """Move what this engine wrote from the write-ahead log into the SQLite file, before its connections close.

    SQLite does so by itself only when the last connection closes, and routers keep theirs open. If somebody replaced
    the file then, the new one would be read with the log of the old one. Pages that are in use are left in the log.
    """
    if not isinstance(engine.pool, QueuePool) or engine.dialect.name != "sqlite" or not engine.pool.checkedin():
        return
    with suppress(sqlite_driver().Error, StoreUnavailableError), closing(engine.raw_connection()) as connection:
        connection.cursor().execute(f"pragma busy_timeout = {_CLOSING_MILLISECONDS}")
        connection.cursor().execute("pragma wal_checkpoint(truncate)")


def _prepare_sqlite_writer(connection: Any) -> None:
    """Set up a connection that writes. Foreign keys go first: SQLite ignores that setting inside a transaction."""
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma recursive_triggers = on")
    connection.execute("pragma cell_size_check = on")
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma auto_vacuum = incremental")  # counts for a new file only, before its first table
    wanted = journal_mode(sqlite_driver().sqlite_version_info)
    if connection.execute("pragma journal_mode").fetchone()[0] != wanted:
        connection.execute(f"pragma journal_mode = {wanted}")
    connection.execute("pragma journal_size_limit = 67108864")


def _prepare_sqlite_reader(connection: Any) -> None:
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma query_only = on")


def describe_url(url: URL) -> str:
    """Return the URL as in the settings, without its password."""
    if url.get_backend_name() == "sqlite" and (url.database or "").startswith("file:"):
        url = url.set(database=str(_file_of(url)), query={})
    return url.render_as_string(hide_password=True)
