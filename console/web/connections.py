"""Limits on connections: silent and slow clients are disconnected, and never take what the schedule needs."""

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 10.0  # from the first byte of a request, or from the connection, to the end of its headers
RESPONSE_SECONDS = 60.0  # from the headers to the end of the response, for clients that do not read it
ACCEPTED_AT_ONCE = 32
_MOST_CONNECTIONS = 200
_SHARE_OF_DESCRIPTORS = 4


def most_connections() -> int:
    """Return how many connections are open at most: a quarter of the descriptors of this process, or 200."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(1, min(_MOST_CONNECTIONS, soft // _SHARE_OF_DESCRIPTORS))


class BoundedProtocol(HttpToolsProtocol):
    """One connection, with time limits; if there are too many, the one that has been silent longest is closed.

    So a probe gets an answer however many silent connections there are.
    """

    _timer: asyncio.TimerHandle | None = None
    _opened_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the library
        """Begin with the limit for a request, and make room if there are too many connections."""
        super().connection_made(transport)
        self._opened_at = self.loop.time()
        self._limit(REQUEST_SECONDS)
        if len(self.connections) > most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the limits."""
        self._unlimit()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Change the limit once the headers of a request are complete."""
        was_busy = self.is_busy
        super().data_received(data)
        if self.is_busy and not was_busy:
            self._limit(RESPONSE_SECONDS)
        elif self._timer is None:
            self._limit(REQUEST_SECONDS)

    def on_response_complete(self) -> None:
        """Leave an idle connection to the limit of the library; a request that waited behind this one begins."""
        self._unlimit()
        super().on_response_complete()
        if self.is_busy:
            self._limit(RESPONSE_SECONDS)

    def _limit(self, seconds: float) -> None:
        self._unlimit()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _unlimit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _make_room(self) -> None:
        others = [other for other in self.connections if isinstance(other, BoundedProtocol) and other is not self]
        silent = [other for other in others if not other.is_busy and not other.transport.is_closing()]
        oldest = min(silent, key=lambda other: other._opened_at, default=self)
        oldest.transport.abort()
