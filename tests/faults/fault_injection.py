"""Striking a store at a chosen point of its work: before the n-th statement, or before one that says so."""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from storage.store import Store


class StruckError(RuntimeError):
    """Raised if a test wants an error that nobody expects."""


def kill() -> None:
    """End this process as the kernel does."""
    os.kill(os.getpid(), signal.SIGKILL)


def terminate() -> None:
    """End this process by the signal that asks for it."""
    os.kill(os.getpid(), signal.SIGTERM)


def fail() -> NoReturn:
    """Raise what nobody expects."""
    raise StruckError("struck")


def break_driver() -> NoReturn:
    """Raise what a driver raises when the disk or the server fails it."""
    raise OperationalError("struck", None, Exception("disk I/O error"))


class Tripwire:
    """Sees each statement and commit of a store before it happens, and strikes before the one that is `meant`."""

    def __init__(self, store: Store, strike: Callable[[], None], meant: Callable[[int, str], bool]) -> None:
        self.seen: list[str] = []
        self._strike, self._meant = strike, meant
        for engine in (store.writer, store.reader):
            event.listen(engine, "before_cursor_execute", self._on_statement)
        event.listen(store.writer, "commit", lambda _: self._on("COMMIT"))

    def _on_statement(self, _connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        self._on(statement)

    def _on(self, what: str) -> None:
        self.seen.append(what)
        if self._meant(len(self.seen), what):
            self._strike()
