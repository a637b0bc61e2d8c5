"""Watches a Postgres database: NOTIFY announces a publication, and polling finds what no notification announced."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Protocol, cast

from sqlalchemy import Connection, Engine, text

from router_policy_client.database import latest
from router_policy_client.rows import Row
from router_policy_client.timeouts import with_timeouts

CHANNEL = "router_policy"
_STOP_CHECK_SECONDS = 0.2
_SERVER = text("select pg_backend_pid(), pg_is_in_recovery()")
_HAS_ROOM = text(
    "select sum(numbackends) * 2 <= current_setting('max_connections')::integer from pg_catalog.pg_stat_database"
)


class _DriverInfo(Protocol):
    backend_pid: int


class _Driver(Protocol):
    """The part of psycopg's connection that SQLAlchemy does not have."""

    info: _DriverInfo

    def notifies(self, *, timeout: float, stop_after: int) -> Iterator[object]: ...


class PostgresSource:
    """One connection, which listens if the server can notify it; opened by the first read, and after it was lost.

    For one thread, until `stop` is set. Reading every `reread_seconds` finds publications without a notification: those
    before the connection listened, all through a pooler, which gives the listening connection to others, and those on a
    standby, which sends none. A server that is more than half full keeps its connections for the service: then each
    read opens and closes one.
    """

    def __init__(self, engine: Engine, scope: str, reread_seconds: float, stop: Event) -> None:
        self._engine, self._scope, self._stop = engine, scope, stop
        self.reread_seconds = reread_seconds
        self.is_listening = False
        self._connection: Connection | None = None

    def read(self) -> list[Row]:
        """Return the rows of `policy_latest` now; raises the driver's errors."""
        with with_timeouts() as guard:
            if self._connection is None:
                self._connection, self.is_listening = self._engine.connect(), False
                has_room = _has_room(self._connection)
            else:
                guard(self._connection.connection.driver_connection)
                has_room = True
            if has_room and not self.is_listening:  # before the rows, so that no run is missed between
                self.is_listening = _listen(self._connection)
            with self._connection.begin():
                rows = latest(self._connection, self._scope)
        if not has_room:
            self.close()
        return rows

    def wait(self, seconds: float) -> None:
        """Return after a publication or `seconds`; raises as `read` if the connection is lost."""
        if self._connection is None:
            self._stop.wait(seconds)
            return
        listening = cast(_Driver, self._connection.connection.driver_connection)
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (remaining := deadline - time.monotonic()) > 0:
            if list(listening.notifies(timeout=min(remaining, _STOP_CHECK_SECONDS), stop_after=1)):
                return

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        connection, self._connection, self.is_listening = self._connection, None, False
        if connection is not None:
            connection.close()


def _has_room(connection: Connection) -> bool:
    """Return whether at most half of the server's connections are taken."""
    with connection.begin():
        return bool(connection.scalar(_HAS_ROOM))


def _listen(connection: Connection) -> bool:
    """Listen for publications; return False on a standby until it is promoted, and through a pooler.

    A pooler tells its clients other process numbers than the server's.
    """
    driver = cast(_Driver, connection.connection.driver_connection)
    with connection.begin():
        process, is_standby = connection.execute(_SERVER).one()
        if is_standby or process != driver.info.backend_pid:
            return False
        connection.exec_driver_sql(f"listen {CHANNEL}")
    return True
