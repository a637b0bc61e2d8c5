"""Watches a Postgres database: NOTIFY announces a publication, and polling finds what no notification announced."""

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
_STANDBY = "25006"  # SQLSTATE of a command that a standby refuses


class _Listening(Protocol):
    """The part of psycopg's connection that SQLAlchemy does not have."""

    def notifies(self, *, timeout: float, stop_after: int) -> Iterator[object]: ...


class PostgresSource:
    """One listening connection, opened by the first read, and again after it was lost.

    For one thread, until `stop` is set. Reading every `reread_seconds` finds publications without a notification: those
    before the connection listened, those that a pooler drops, and those on a standby, which sends none.
    """

    def __init__(self, engine: Engine, scope: str, reread_seconds: float, stop: Event) -> None:
        self._engine, self._scope, self._stop = engine, scope, stop
        self.reread_seconds = reread_seconds
        self._connection: Connection | None = None
        self._is_listening = False

    def read(self) -> list[Row]:
        """Return the rows of `policy_latest` now; raises the driver's errors."""
        with with_timeouts() as guard:
            if self._connection is None:
                self._connection, self._is_listening = self._engine.connect(), False
            else:
                guard(self._connection.connection.driver_connection)
            if not self._is_listening:  # before the rows, so that no run is missed between
                self._is_listening = _listen(self._connection)
            return latest(self._connection, self._scope)

    def wait(self, seconds: float) -> None:
        """Return after a publication or `seconds`; raises as `read` if the connection is lost."""
        if self._connection is None:
            return
        listening = cast(_Listening, self._connection.connection.driver_connection)
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (remaining := deadline - time.monotonic()) > 0:
            if list(listening.notifies(timeout=min(remaining, _STOP_SECONDS), stop_after=1)):
                return

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _listen(connection: Connection) -> bool:
    """Listen for publications; return False on a standby, which sends no notifications until it is promoted."""
    try:
        connection.exec_driver_sql(f"listen {CHANNEL}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _STANDBY:
            return False
        raise
    return True
