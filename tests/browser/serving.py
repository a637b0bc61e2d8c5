"""The console over a store, served to a browser from a thread of this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import uvicorn

from console.web.app import create_app
from console.web.server import url_of
from console.web.writing import Writing
from jobs.analysis.health import WatchedScope
from jobs.slots import Slots
from storage.store import Store
from tests.browser.two_days import NOW

_PATIENCE_SECONDS = 60  # for a response: the tests are of pages, on a machine that may have other things to do


@dataclass(slots=True)
class Live:
    """A console that is running: its address without a slash at the end, its store, and the time that it believes."""

    store: Store
    url: str = ""
    now: datetime = NOW
    writing: Writing | None = None
    _server: uvicorn.Server | None = None
    _thread: Thread | None = None

    def start(self) -> None:
        """Serve, on the same port as before if it was stopped."""
        port = urlsplit(self.url).port or 0
        listener = socket.create_server(("127.0.0.1", port))
        self.url = url_of(listener).rstrip("/")
        book = WatchedScope(store=self.store, scope="default", slots=Slots("0 * * * *"))
        app = create_app(book, now=lambda: self.now, writing=self.writing, timeout_seconds=_PATIENCE_SECONDS)
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        self._thread = Thread(target=self._server.run, args=([listener],), name="console")
        self._thread.start()

    def stop(self) -> None:
        """End the server and its connections; the store stays open."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None


@contextmanager
def serving(folder: Path, writing: Writing | None = None) -> Iterator[Live]:
    """Serve the console over an empty store in this folder."""
    with Store(f"sqlite:///{folder / 'policy.db'}") as store:
        store.set_up()
        live = Live(store, writing=writing)
        live.start()
        try:
            yield live
        finally:
            live.stop()
