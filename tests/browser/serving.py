"""The console over a store, served to a browser from a thread of this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread

import uvicorn

from console.web.app import create_app
from console.web.server import url_of
from jobs.analysis.health import WatchedScope
from jobs.slots import Slots
from storage.store import Store
from tests.browser.two_days import NOW


@dataclass(slots=True)
class Live:
    """A console that is running: its address without a slash at the end, its store, and the time that it believes."""

    store: Store
    url: str = ""
    now: datetime = NOW


@contextmanager
def serving(folder: Path) -> Iterator[Live]:
    """Serve the console over an empty store in this folder."""
    with Store(f"sqlite:///{folder / 'policy.db'}") as store, socket.create_server(("127.0.0.1", 0)) as listener:
        store.set_up()
        live = Live(store, url_of(listener).rstrip("/"))
        book = WatchedScope(store=store, scope="default", slots=Slots("0 * * * *"))
        app = create_app(book, now=lambda: live.now)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        thread = Thread(target=server.run, args=([listener],), name="console")
        thread.start()
        try:
            yield live
        finally:
            server.should_exit = True
            thread.join()
