"""No wait without end: a connection is cut off that does not answer in time."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

from sqlalchemy import Connection


@contextmanager
def bounded(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut a Postgres connection off where what is asked of it in the block takes longer; that then raises DBAPIError.

    A server's own bounds do not help where something stands between that still takes what is sent, as a tunnel does
    whose far end is gone, and neither do those of TCP. SQLite has its own bound and is left alone.
    """
    driver = connection.connection.driver_connection
    if driver is None or not hasattr(driver, "fileno"):
        yield
        return
    twin = socket.fromfd(driver.fileno(), socket.AF_INET, socket.SOCK_STREAM)  # of any kind: it is only shut
    timer = Timer(seconds, _cut, (twin,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        twin.close()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        connection.shutdown(socket.SHUT_RDWR)
