"""Bounds every read of a server: a connection that does not answer in time is shut down."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer, local

ANSWER_SECONDS = 4.0
Guard = Callable[[object], None]
_current = local()  # the guard of the read that this thread is in


@contextmanager
def with_timeouts() -> Iterator[Guard]:
    """Shut down every Postgres connection that the block guards if the block lasts longer than ANSWER_SECONDS.

    A call that waits on the connection then raises DBAPIError. The server's own timeouts and those of TCP do not help
    if something in between still accepts data, such as a tunnel that lost its far end. SQLite connections are not
    guarded. If no timer thread can be started, the block has no bound.
    """
    duplicates: list[socket.socket] = []
    is_late = Event()

    def guard(driver: object) -> None:
        if hasattr(driver, "fileno"):
            duplicates.append(
                socket.fromfd(driver.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            )  # the family does not matter: only shut down
            if is_late.is_set():
                shut_down()

    def shut_down() -> None:
        is_late.set()
        for duplicate in duplicates:
            with suppress(OSError):  # it has closed meanwhile
                duplicate.shutdown(socket.SHUT_RDWR)

    timer = Timer(ANSWER_SECONDS, shut_down)
    timer.daemon = True
    with suppress(RuntimeError):  # no more threads
        timer.start()
    _current.guard = guard
    try:
        yield guard
    finally:
        _current.guard = None
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        for duplicate in duplicates:
            duplicate.close()


def guard_new(driver: object, _: object) -> None:
    """Guard a connection that this thread opens inside `with_timeouts`."""
    guard: Guard | None = getattr(_current, "guard", None)
    if guard is not None:
        guard(driver)
