"""A Postgres database, watched: it says when something is published, and we look by ourselves as well."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Protocol, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from router_policy_client.database import latest
from router_policy_client.rows import Row
from router_policy_client.timeouts import with_timeouts

CHANNEL = "router_policy"
_STOP_SECONDS = 0.2
_STANDBY = "25006"  # the SQLSTATE of what cannot be done during recovery


class _Listening(Protocol):
    """The part of psycopg's connection that SQLAlchemy has no word for."""

    def notifies(self, *, timeout: float, stop_after: int) -> Iterator[object]: ...


class PostgresSource:
    """One connection that listens, opened when first read, and again after it was lost.

    For one thread, until `stop` is set. What was published while nobody listened, or where a pooler between us and the
    server loses what it says or the server is a standby that says nothing, is found by reading again every
    `reread_seconds`.
    """

    def __init__(self, engine: Engine, scope: str, reread_seconds: float, stop: Event) -> None:
        self._engine, self._scope, self._stop = engine, scope, stop
        self.reread_seconds = reread_seconds
        self._connection: Connection | None = None
        self._is_listening = False

    def read(self) -> list[Row]:
        """Return the rows in force now; raises whatever the server or the driver says against it."""
        with with_timeouts() as guard:
            if self._connection is None:
                self._connection, self._is_listening = self._engine.connect(), False
            else:
                guard(self._connection.connection.driver_connection)
            if not self._is_listening:  # before the rows, so that no run falls between
                self._is_listening = _listens(self._connection)
            return latest(self._connection, self._scope)

    def wait(self, seconds: float) -> None:
        """Return when something was published, or after the time; raises as `read` where the connection is lost."""
        if self._connection is None:
            return
        listening = cast(_Listening, self._connection.connection.driver_connection)
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if list(listening.notifies(timeout=min(left, _STOP_SECONDS), stop_after=1)):
                return

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _listens(connection: Connection) -> bool:
    """Ask to be told what is published; False on a standby, which tells nothing until it is one no more."""
    try:
        connection.exec_driver_sql(f"listen {CHANNEL}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _STANDBY:
            return False
        raise
    return True
