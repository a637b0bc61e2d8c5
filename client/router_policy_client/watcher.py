"""The thread that refreshes a reader: it reads, waits for a change, and survives every error."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Protocol

from router_policy_client.rows import Row

_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 1.0


class Source(Protocol):
    """A watched database. `read` and `wait` raise the database's errors, and work again after `close`."""

    reread_seconds: float

    def read(self) -> list[Row]: ...

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class Watcher(Thread):
    """A daemon thread that passes the source's `read` to `refresh`, again and again until `stop` is set.

    `refresh` returns whether the read worked, and should not raise. `seconds_to_change` returns the seconds until a
    policy changes without a new row, when an override ends.
    """

    def __init__(
        self,
        source: Source,
        stop: Event,
        refresh: Callable[[Callable[[], list[Row]]], bool],
        seconds_to_change: Callable[[], float],
    ) -> None:
        super().__init__(name="router-policy-reader", daemon=True)
        self._source, self._stop_requested, self._refresh = source, stop, refresh
        self._seconds_to_change = seconds_to_change

    def run(self) -> None:
        """Read and wait in turn; after a failure back off exponentially, up to a bound, and reconnect."""
        failures = 0
        while not self._stop_requested.is_set():
            if self._read_once():
                failures = 0
                self._wait()
            else:
                self._drop_connection()
                self._stop_requested.wait(min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(failures, 10)))
                failures += 1
        self._drop_connection()

    def _read_once(self) -> bool:
        try:
            return self._refresh(self._source.read)
        except Exception:  # noqa: BLE001 - such as a logging filter of the bot's own: nothing may end this thread
            return False

    def _wait(self) -> None:
        try:
            self._source.wait(min(self._source.reread_seconds, self._seconds_to_change()))
        except Exception:  # noqa: BLE001 - the next read reports it
            self._drop_connection()

    def _drop_connection(self) -> None:
        with suppress(Exception):  # a connection that cannot be closed is dropped all the same
            self._source.close()
