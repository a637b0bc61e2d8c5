"""SIGHUP: a program that runs for long takes its settings anew, or keeps the old ones and says why."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from types import FrameType
from typing import TYPE_CHECKING

from console.errors import SettingsError
from console.settings.file import load
from console.settings.model import Settings
from policy.errors import RouterPolicyError

if TYPE_CHECKING:
    from console.web.server import Console

log = logging.getLogger("router_policy")

Reload = Callable[[], Sequence[str]]
Apply = Callable[[], None]


def _nothing_else(settings: Settings) -> Apply:  # noqa: ARG001 - the settings are for the console alone
    return lambda: None


@dataclass(slots=True, kw_only=True)
class Reloader:
    """Loads the settings of a program anew while it runs, and puts them in force.

    `prepare` gets new settings and returns what puts them in force. It may raise RouterPolicyError, the function that
    it returns may not: so settings that cannot be used have changed nothing.
    """

    config: Path | None
    settings: Settings
    prepare: Callable[[Settings], Apply] = _nothing_else
    _console: "Console | None" = field(default=None, init=False)
    _is_reloaded: bool = field(default=False, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def attach(self, console: "Console") -> None:
        """Reload a console too, which begins by the first settings; it takes those of a reload before at once.

        Raises SettingsError as `Console.use`: a console that begins by these settings would be refused as well.
        """
        with self._lock:
            if self._is_reloaded:
                console.use(self.settings)
            self._console = console

    def reload(self) -> list[str]:
        """Put the settings of the file in force, and return the sections that changed.

        Raises RouterPolicyError if they cannot be used; nothing has changed then.
        """
        new = load(self.config)
        with self._lock:
            _require_same_store(self.settings, new)
            apply = self.prepare(new)
            if self._console is not None:
                self._console.use(new)
            apply()
            before, self.settings, self._is_reloaded = self.settings, new, True
        return _changed_sections(before, new)


@contextmanager
def reloaded_on_sighup(reload: Reload) -> Iterator[None]:
    """Call `reload` from a thread of its own at each SIGHUP while the block runs; use it in the main thread.

    `reload` returns the sections that changed. It raises RouterPolicyError if the settings cannot be used, and has then
    changed nothing. A reload that has begun is finished before the block ends. If the terminal in which the program was
    started is closed, which sends the signal too, the program ends as by SIGTERM.
    """
    asked, ended, had_terminal = Event(), Event(), _has_terminal()

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.set()

    def answer() -> None:
        while asked.wait():
            asked.clear()
            if ended.is_set():
                return
            if had_terminal and not _has_terminal():
                os.kill(os.getpid(), signal.SIGTERM)
                continue
            reload_or_keep(reload)

    before = signal.signal(signal.SIGHUP, ask)
    thread = Thread(target=answer, name="reload", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        ended.set()
        asked.set()
        thread.join()


def reload_or_keep(reload: Reload) -> None:
    """Call `reload`, and log which new settings are in force, or why the old ones stay."""
    try:
        changed = reload()
    except RouterPolicyError as error:
        log.error("the settings are not reloaded, and the old ones stay: %s", error)
    except Exception:
        log.exception("the settings are not reloaded, and the old ones stay")
    else:
        log.info("the settings are reloaded: %s", ", ".join(changed) or "nothing changed")


def _require_same_store(before: Settings, after: Settings) -> None:
    """Refuse settings with another store: what is open would be the old one."""
    if before.store.url != after.store.url:
        raise SettingsError("store.url has changed, which needs a new start of the program")


def _changed_sections(before: Settings, after: Settings) -> list[str]:
    """Return the sections and settings that differ, in the order of the settings; the values may be secrets."""
    return [name for name in Settings.model_fields if getattr(before, name) != getattr(after, name)]


def _has_terminal() -> bool:
    """Return whether standard input is a terminal that is still there."""
    try:
        return sys.stdin is not None and os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False
