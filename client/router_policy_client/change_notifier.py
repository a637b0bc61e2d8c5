"""Telling those who wait, on whichever event loop, that something has changed."""

import asyncio
from contextlib import suppress
from threading import RLock


class ChangeNotifier:
    """Counts changes from `count` on, and lets asyncio tasks wait for the next.

    Any thread may say that one has happened, and so may a signal handler that interrupts it.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self._is_closed = False
        self._lock = RLock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def say(self) -> None:
        """Count one more, and wake whoever waits."""
        with self._lock:
            self.count += 1
            self._wake_all()

    def close(self) -> None:
        """Wake whoever waits, for nothing will change any more."""
        with self._lock:
            self._is_closed = True
            self._wake_all()

    async def wait(self, after: int | None) -> int:
        """Return the count once it is more than `after`, None meaning the count now; without waiting when closed."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        with self._lock:
            # Waited before it is looked: what a signal handler says in between is heard.
            self._waiting.append((loop, told))
            if self._is_closed or (after is not None and self.count > after):
                told.set_result(None)
        try:
            await told
            await asyncio.sleep(0)  # a task that asks again and again leaves the others their turn
        finally:
            with self._lock:
                self._waiting = [one for one in self._waiting if one[1] is not told]
        return self.count

    def _wake_all(self) -> None:
        for loop, told in self._waiting:
            with suppress(RuntimeError):  # a loop that was closed has nobody left to wake
                loop.call_soon_threadsafe(_tell, told)
        self._waiting = []


def _tell(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)
