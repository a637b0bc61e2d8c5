"""The store's database: its URL, its engine, and the one query that a reader runs."""

import os
import sqlite3
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from router_policy_client.errors import ReaderSettingsError
from router_policy_client.postgres_url import read_url, transaction_settings
from router_policy_client.rows import COLUMNS, Row
from router_policy_client.timeouts import guard_new

_NO_ROWS = text("select * from policy_latest where 1 = 0")
_SECRET_QUERY_KEYS = {"password", "sslpassword", "passfile"}
_SQLITE_LOCK_SECONDS = 0.25
_STATEMENT_SECONDS = 2
_WAL, _WAL_OFFSET = b"\x02", 18  # in the header of a SQLite file
_POSTGRES = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6000,
    "application_name": "router-policy-client",
}


def parse_url(url: str) -> URL:
    """Read the store's URL; a SQLite path becomes absolute. Raises ReaderSettingsError for any other database."""
    parsed = read_url(url)
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ReaderSettingsError(
            "the store's URL is neither SQLite nor Postgres; write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        )
    if leaked := _SECRET_QUERY_KEYS & set(parsed.query):
        raise ReaderSettingsError(
            f"the store's URL has {', '.join(sorted(leaked))} after the question mark, where it would be printed; "
            "write it before the host, or in ~/.pgpass"
        )
    if backend == "postgresql":
        return parsed
    if not parsed.database or parsed.database == ":memory:":
        raise ReaderSettingsError("the store must be a file that the service writes; write sqlite:///FILE")
    return parsed.set(database=str(Path(parsed.database).absolute()))


def describe(url: URL) -> str:
    """Return the URL as text without its password."""
    return url.render_as_string(hide_password=True)


def make_engine(url: URL, statement_seconds: int = _STATEMENT_SECONDS) -> Engine:
    """Return a read-only engine that pools no connections; on Postgres a statement may take `statement_seconds`.

    Raises ReaderSettingsError if the driver is not installed.
    """
    try:
        return _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgres_engine(url, statement_seconds)
    except (ImportError, ArgumentError) as error:
        raise ReaderSettingsError(
            f"the driver of {describe(url)} cannot be loaded: {error}; Postgres needs router-policy-client[postgres]"
        ) from error


def _sqlite_engine(url: URL) -> Engine:
    file = Path(url.database or "")
    engine = create_engine(
        url.set(database=file.as_uri(), query={"mode": "ro", "uri": "true"}),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"timeout": _SQLITE_LOCK_SECONDS},
        module=_sqlite_driver() if url.drivername in ("sqlite", "sqlite+pysqlite") else None,
    )
    event.listen(engine, "do_connect", lambda *_: _refuse_to_lock_out_the_service(file))
    return engine


def _postgres_engine(url: URL, statement_seconds: int) -> Engine:
    """Return an engine that neither leaves state in a connection nor depends on it: poolers give it to others.

    Each transaction is read-only by itself. A read-only session would be refused by `target_session_attrs`, and
    `options` and prepared statements by poolers.
    """
    settings, url = transaction_settings(url, statement_seconds)
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        use_native_hstore=False,
        hide_parameters=True,
        connect_args=_postgres_arguments(url),
    )
    event.listen(engine, "connect", guard_new, insert=True)  # before SQLAlchemy's own first query
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(settings))
    return engine


def latest(connection: Connection, scope: str) -> list[Row]:
    """Return the rows of `policy_latest` of a scope; empty before its first run.

    Only the columns in COLUMNS that this store's version has.
    """
    names = ", ".join(name for name in connection.execute(_NO_ROWS).keys() if name in COLUMNS)  # noqa: SIM118 - not a dict
    query = text(f"select {names} from policy_latest where scope = :scope")
    return [dict(row) for row in connection.execute(query, {"scope": scope}).mappings().all()]


def error_message(error: BaseException, url: URL) -> str:
    """Return an error as one line of text without the URL's password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = " ".join(str(cause).split()) or type(cause).__name__
    for secret in {url.password or "", quote(url.password or "", safe="")} - {""}:
        line = line.replace(secret, "***")
    return line


def _sqlite_driver() -> ModuleType:
    """Return the driver with the newer SQLite, as the service does: `pysqlite3` if it is installed and newer.

    Two SQLite libraries in one process, as in a bot that runs the service itself, would release each other's locks.
    """
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    newer: ModuleType = dbapi2
    return newer if newer.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def _refuse_to_lock_out_the_service(file: Path) -> None:
    """Raise PermissionError before a reader without write permission creates files that lock the service out.

    The first process that opens a database in WAL mode creates and owns its `-wal` and `-shm`, even a reader.
    """
    is_effective = os.access in os.supports_effective_ids
    if not file.exists() or os.access(file, os.W_OK, effective_ids=is_effective) or Path(f"{file}-shm").exists():
        return
    identity = file.stat()
    if _is_wal(file, identity.st_dev, identity.st_ino):
        raise PermissionError(
            f"{file} is not open in its service and this user may not write to it: opening it first would lock the "
            "service out; start the service, or let this user write to the file and its folder"
        )


@lru_cache(maxsize=64)
def _is_wal(file: Path, device: int, inode: int) -> bool:  # noqa: ARG001 - cache key: a replaced file is read again
    """Return whether a database is in WAL mode, from its header; once, before the first connection.

    Closing a file releases the process's locks on it, and SQLite does not know of this file handle.
    """
    with file.open("rb") as content:
        return content.read(_WAL_OFFSET + 1)[_WAL_OFFSET:] == _WAL


def _postgres_arguments(url: URL) -> dict[str, object]:
    """Return what every connection needs, and the timeouts that the URL does not have."""
    timeouts = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    return {**timeouts, "prepare_threshold": None, "client_encoding": "utf8"}
