"""Watches a SQLite file: `pragma data_version` on an own connection shows that others have committed."""

import time
from pathlib import Path
from threading import Event, RLock

from sqlalchemy import Connection, Engine

from router_policy_client.database import latest
from router_policy_client.rows import Row


class SqliteSource:
    """One connection to a file, opened by the first read, and again if another file has replaced it.

    For one thread, until `stop` is set. It polls for commits every `poll_seconds`; `data_version` counts commits of
    other connections only, if the connection is never shared and never inside a transaction.

    The connection is used under `lock` and closed before a fork: a child that inherits an open connection can hold no
    locks of its own on the file.
    """

    # The effective policy changes with the clock too, when an override begins or ends.
    reread_seconds = 5.0

    def __init__(self, engine: Engine, file: Path, scope: str, poll_seconds: float, stop: Event, lock: "RLock") -> None:
        self._engine, self._path, self._scope = engine, file, scope
        self._poll_seconds, self._stop = poll_seconds, stop
        self._lock = lock
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None

    def read(self) -> list[Row]:
        """Return the rows of `policy_latest` now; raises OSError and the driver's errors."""
        with self._lock:
            file = self._file_now()
            if self._connection is None or file != self._file:
                self._close()
                self._connection, self._file = self._engine.connect(), file
            # Read before the rows: a commit between the two is one change too many, never a missed one.
            self._version = _data_version(self._connection)
            return latest(self._connection, self._scope)

    def wait(self, seconds: float) -> None:
        """Return after a commit, a replaced file or `seconds`; raises as `read`."""
        deadline = time.monotonic() + seconds
        while not self._stop.wait(min(self._poll_seconds, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or self._has_changed():
                return

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _has_changed(self) -> bool:
        with self._lock:
            if self._connection is None or self._file_now() != self._file:
                return True
            return _data_version(self._connection) != self._version

    def _file_now(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_dev, status.st_ino


def _data_version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("pragma data_version").scalar_one())
