"""No look at a server without end: a connection is cut off that does not answer in time."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer, local

ANSWER_SECONDS = 4.0
Guard = Callable[[object], None]
_look = local()


@contextmanager
def with_timeouts() -> Iterator[Guard]:
    """Cut off every Postgres connection that is guarded in the block where that lasts longer than ANSWER_SECONDS.

    What waits for it then raises DBAPIError. A server's own bounds do not help where something stands between that
    still takes what is sent, as a tunnel does whose far end is gone, and neither do those of TCP. SQLite's connections
    are left alone. Where no thread can be started for it, the look has no bound.
    """
    twins: list[socket.socket] = []
    is_late = Event()

    def guard(driver: object) -> None:
        if hasattr(driver, "fileno"):
            twins.append(socket.fromfd(driver.fileno(), socket.AF_INET, socket.SOCK_STREAM))  # of any kind: only shut
            if is_late.is_set():
                cut()

    def cut() -> None:
        is_late.set()
        for twin in twins:
            with suppress(OSError):  # it has ended meanwhile
                twin.shutdown(socket.SHUT_RDWR)

    timer = Timer(ANSWER_SECONDS, cut)
    timer.daemon = True
    with suppress(RuntimeError):  # no more threads
        timer.start()
    _look.guard = guard
    try:
        yield guard
    finally:
        _look.guard = None
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        for twin in twins:
            twin.close()


def guard_new(driver: object, _: object) -> None:
    """Guard a connection that is just being made by this thread, where it is looking at a server."""
    guard: Guard | None = getattr(_look, "guard", None)
    if guard is not None:
        guard(driver)
