"""Wakes asyncio tasks, on any event loop, when a policy changes."""

import asyncio
from contextlib import suppress
from threading import RLock


class ChangeNotifier:
    """Counts changes from `count` on, and lets asyncio tasks wait for the next.

    Any thread may call `notify`, and so may a signal handler that interrupts it.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self._is_closed = False
        self._lock = RLock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def notify(self) -> None:
        """Count one change and wake all waiting tasks."""
        with self._lock:
            self.count += 1
            self._wake_all()

    def close(self) -> None:
        """Wake all waiting tasks; nothing changes any more."""
        with self._lock:
            self._is_closed = True
            self._wake_all()

    async def wait(self, after: int | None) -> int:
        """Return the count once it exceeds `after` (None: the count now); return at once if closed."""
        loop = asyncio.get_running_loop()
        change: asyncio.Future[None] = loop.create_future()
        with self._lock:
            # Registered before the count is read, so that a signal handler in between still wakes this task.
            self._waiting.append((loop, change))
            if self._is_closed or (after is not None and self.count > after):
                change.set_result(None)
        try:
            await change
            await asyncio.sleep(0)  # a task that waits in a loop must not starve the others
        finally:
            with self._lock:
                self._waiting = [(other, future) for other, future in self._waiting if future is not change]
        return self.count

    def _wake_all(self) -> None:
        for loop, change in self._waiting:
            with suppress(RuntimeError):  # a closed loop has no task left to wake
                loop.call_soon_threadsafe(_set_result, change)
        self._waiting = []


def _set_result(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
