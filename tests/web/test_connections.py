"""Connections that say nothing, or too slowly: they are closed, and others are served meanwhile."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from console.web import connections
from console.web.server import Address, console_at
from storage.store import Store
from tests.support.waiting import wait_until
from tests.web.test_server import settings

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def address(sqlite_store: Store) -> Iterator[tuple[str, int]]:
    """A console's host and port."""
    with console_at(settings(sqlite_store), Address(port=0)) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


PARTS = (b"G", b"GET /healthz HT", HEALTH, HEALTH + b"X-Slow: ")


@pytest.mark.parametrize(
    ("sent", "answered_before"), [(b"", False), *((part, before) for part in PARTS for before in (False, True))]
)
def test_a_request_that_does_not_end_in_time_is_cut_off(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, sent: bytes, *, answered_before: bool
) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.3)
    with socket.create_connection(address, timeout=20) as connection:
        if answered_before:
            connection.sendall(HEALTH + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(sent)
        wait_until(lambda: not is_open(connection), "the connection is closed", seconds=10)


def test_a_connection_in_use_is_not_cut_off(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """It lasts longer than the limits of one request, which are long enough for an answer of a busy machine."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 2.0)
    monkeypatch.setattr(connections, "RESPONSE_SECONDS", 2.0)
    host, port = address
    statuses = set()
    with httpx.Client() as client:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            statuses.add(client.get(f"http://{host}:{port}/healthz").status_code)
            threading.Event().wait(0.05)  # what a client does between two requests

    assert statuses == {200}


def test_silent_connections_give_way_and_probes_are_answered(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 5)
    host, port = address
    with ExitStack() as opened:
        silent = [opened.enter_context(socket.create_connection(address, timeout=20)) for _ in range(40)]
        answers = [httpx.get(f"http://{host}:{port}/healthz").status_code for _ in range(10)]

        assert answers == [200] * 10
        assert sum(map(is_open, silent)) <= 5


def test_connections_leave_descriptors_for_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((1024, 200), (256, 64), (3, 1), (resource.RLIM_INFINITY, 200)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections.most_connections() == most
