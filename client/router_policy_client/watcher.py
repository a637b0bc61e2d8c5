"""The thread that keeps a reader up to date: it reads, waits for a change, and outlives whatever goes wrong."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Protocol

from router_policy_client.rows import Row

_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 1.0


class Source(Protocol):
    """A watched database. `read` and `wait` raise what it says against them, and work again after `close`."""

    reread_seconds: float

    def read(self) -> list[Row]: ...

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class Watcher(Thread):
    """A daemon thread that hands what the source reads to `take`, again and again until `stop` is set.

    `take` tells whether reading worked, and never raises. `seconds_to_change` says when what was read will mean
    something else by itself.
    """

    def __init__(
        self,
        source: Source,
        stop: Event,
        take: Callable[[Callable[[], list[Row]]], bool],
        seconds_to_change: Callable[[], float],
    ) -> None:
        super().__init__(name="router-policy-reader", daemon=True)
        self._source, self._stop_asked, self._take, self._seconds_to_change = source, stop, take, seconds_to_change

    def run(self) -> None:
        """Read and wait in turn; after a failure wait longer each time, up to a bound, on a new connection."""
        failures = 0
        while not self._stop_asked.is_set():
            if self._looked():
                failures = 0
                self._wait()
            else:
                self._forget_connection()
                self._stop_asked.wait(min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(failures, 10)))
                failures += 1
        self._forget_connection()

    def _looked(self) -> bool:
        try:
            return self._take(self._source.read)
        except Exception:  # noqa: BLE001 - a logging filter of the bot's own, say: nothing ends this thread
            return False

    def _wait(self) -> None:
        try:
            self._source.wait(min(self._source.reread_seconds, self._seconds_to_change()))
        except Exception:  # noqa: BLE001 - the next read says what it is
            self._forget_connection()

    def _forget_connection(self) -> None:
        with suppress(Exception):  # a connection that cannot even be closed is forgotten all the same
            self._source.close()
