"""Changing what must not be changed, as somebody who owns the database can."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text

from storage.database.engine import sqlite_driver
from storage.store import Store


@contextmanager
def behind_the_triggers(store: Store) -> Iterator[Connection]:
    """Give a connection on which neither triggers nor foreign keys stop anything; they are back afterwards."""
    if store.url.get_backend_name() == "postgresql":
        with store.writer.begin() as connection:
            connection.execute(text("set session_replication_role = replica"))
            yield connection
            connection.execute(text("set session_replication_role = origin"))
        return
    engine = create_engine(store.url, module=sqlite_driver())
    with engine.begin() as connection:
        triggers = connection.execute(text("select name, sql from sqlite_master where type = 'trigger'")).all()
        for name, _ in triggers:
            connection.execute(text(f"drop trigger {name}"))
        yield connection
        for _, definition in triggers:
            connection.exec_driver_sql(definition)
    engine.dispose()
