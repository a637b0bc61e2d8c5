"""The reader on a Postgres that is reached by a tunnel, or that is a standby of another."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url

import router_policy_client.database as database_module
import router_policy_client.reader as reader_module
import router_policy_client.timeouts as timeouts_module
from router_policy_client import PolicyReader
from storage.store import Store
from tests.faults.outage import PostgresControl, postgres_of_its_own
from tests.support.postgres import short_folder
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.waiting import wait_until


class Tunnel:
    """A port of this machine that leads to a server's socket; `lose` leaves what is connected without its far end.

    With `swallows_queries` a session begins, and nothing is heard after that.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._lost = 0
        self.swallows_queries = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """Return the URL by which a client goes through here."""
        port: int = self._listener.getsockname()[1]
        return make_url(url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)

    def lose(self) -> None:
        """Go on taking what comes over the connections that are there, and pass nothing on any more."""
        self._lost += 1

    def close(self) -> None:
        """End everything that goes through here."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._server / ".s.PGSQL.5432"))
                self._ends += near, far
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(here, there, self._lost), daemon=True).start()

    def _pass_on(self, here: socket.socket, there: socket.socket, lost: int) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                is_query = data[:1] in (b"Q", b"P", b"B")
                if lost == self._lost and not (self.swallows_queries and is_query):
                    there.sendall(data)
        if lost == self._lost:
            with suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)


@contextmanager
def tunnelled() -> Iterator[tuple[Store, Tunnel, str]]:
    """A store with one run, a tunnel to it, and the URL through that."""
    with postgres_of_its_own() as (server, url), Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        tunnel = Tunnel(server.folder)
        try:
            yield store, tunnel, tunnel.url(url)
        finally:
            tunnel.close()


def test_a_tunnel_that_lost_its_far_end_is_given_up_and_the_store_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts_module, "ANSWER_SECONDS", 1.0)
    with (
        tunnelled() as (store, tunnel, url),
        PolicyReader(url, interval_seconds=1e9, first_read_seconds=30, poll_seconds=0.5) as reader,
    ):
        assert reader.get("BTCUSDT").slot == SLOT
        tunnel.lose()
        publish(store, SLOT + QUARTER)

        wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + QUARTER, "what was published since is seen")
        assert reader.status.failure_count > 0
        watcher = reader._watcher

    assert watcher is not None
    assert not watcher.is_alive()


def test_a_look_through_a_tunnel_that_lost_its_far_end_takes_seconds_and_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeouts_module, "ANSWER_SECONDS", 1.0)
    ask = database_module.latest
    with tunnelled() as (_, tunnel, url), PolicyReader(url, interval_seconds=1e9, watch=False) as reader:
        assert reader.refresh()

        def lose_and_ask(*arguments: Any) -> object:
            tunnel.lose()
            return ask(*arguments)

        monkeypatch.setattr(reader_module, "latest", lose_and_ask)
        looked: list[bool] = []
        looking = threading.Thread(target=lambda: looked.append(reader.refresh()), daemon=True)
        looking.start()
        looking.join(30)

        assert looked == [False]
        assert reader.get("BTCUSDT").slot == SLOT


def test_a_server_that_begins_a_session_and_says_nothing_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts_module, "ANSWER_SECONDS", 1.0)
    with tunnelled() as (_, tunnel, url):
        tunnel.swallows_queries = True
        with PolicyReader(url, interval_seconds=1e9, first_read_seconds=0.0) as reader:
            wait_until(lambda: reader.status.failure_count > 1, "the reader gives it up, and tries again")
            tunnel.swallows_queries = False
            wait_until(lambda: reader.get("BTCUSDT").slot == SLOT, "the reader reads when it is answered")


@contextmanager
def standby_of(server: PostgresControl, url: str) -> Iterator[URL]:
    """Start a hot standby of a server, and give the URL of the same database there."""
    folder = short_folder()
    server.copy_to(folder / "data")
    standby = PostgresControl(folder / "data")
    standby.start()
    try:
        yield make_url(url).set(query={"host": str(standby.folder)})
    finally:
        with suppress(subprocess.CalledProcessError):
            standby.stop("immediate")


def test_a_standby_which_tells_nothing_by_itself_is_read_again_and_again() -> None:
    with postgres_of_its_own() as (server, url), Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with standby_of(server, url) as there:
            address = there.render_as_string(hide_password=False)
            with PolicyReader(address, interval_seconds=1e9, first_read_seconds=30, poll_seconds=0.2) as reader:
                assert (reader.get("BTCUSDT").slot, reader.status.last_error) == (SLOT, None)
                publish(store, SLOT + 2 * QUARTER)
                wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + 2 * QUARTER, "what was published is seen")
                assert reader.status.failure_count == 0
