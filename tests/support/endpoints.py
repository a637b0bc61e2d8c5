"""Local addresses that a notification can meet: one that takes it, one that hangs, one that answers garbage."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """An address of apprise, and the bodies of the requests that it got."""

    url: str
    bodies: list[str] = field(default_factory=list)


@contextmanager
def taking(answer: bytes = b"", status: int = 200) -> Iterator[Endpoint]:
    """Give an address that answers each message."""
    endpoint = Endpoint(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    endpoint.url = f"json://127.0.0.1:{server.server_port}/"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def answering_garbage() -> Iterator[Endpoint]:
    """Give an address that answers with bytes that are not HTTP."""
    with _listening(lambda connection: connection.sendall(b"\x00\xff garbage\n" * 100)) as endpoint:
        yield endpoint


@contextmanager
def hanging() -> Iterator[Endpoint]:
    """Give an address that takes the connection and never answers; what it got is in `bodies`."""
    with _listening(None) as endpoint:
        yield endpoint


@contextmanager
def answering_when_released(answer: bytes, released: Event) -> Iterator[Endpoint]:
    """Give an address that keeps each request unanswered until `released` is set, then answers with these bytes."""

    def wait_and_answer(connection: socket.socket) -> None:
        released.wait()
        connection.sendall(answer)

    with _listening(wait_and_answer) as endpoint:
        try:
            yield endpoint
        finally:
            released.set()


@contextmanager
def refusing() -> Iterator[Endpoint]:
    """Give an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield Endpoint(url=f"json://127.0.0.1:{port}/")


@contextmanager
def _listening(answer: Callable[[socket.socket], None] | None) -> Iterator[Endpoint]:
    listener = socket.create_server(("127.0.0.1", 0))
    endpoint = Endpoint(url=f"json://127.0.0.1:{listener.getsockname()[1]}/")
    taken: list[socket.socket] = []
    is_ended = Event()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
                taken.append(connection)
                endpoint.bodies.append(connection.recv(100_000).decode(errors="replace"))
                if answer is not None:
                    answer(connection)
                    connection.close()
            except OSError:
                if is_ended.is_set():
                    return

    accepting = Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield endpoint
    finally:
        is_ended.set()
        while accepting.is_alive():
            for each in (listener, *taken):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            accepting.join(0.1)
        for each in (listener, *taken):
            each.close()
