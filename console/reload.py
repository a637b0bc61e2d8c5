"""SIGHUP: a program that runs for long takes its settings anew, or keeps the old ones and says why."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType

from console.errors import SettingsError
from console.settings.model import Settings
from policy.errors import RouterPolicyError

log = logging.getLogger("router_policy")

Reload = Callable[[], Sequence[str]]


@contextmanager
def reloaded_on_sighup(reload: Reload) -> Iterator[None]:
    """Call `reload` from a thread of its own at each SIGHUP while the block runs; use it in the main thread.

    `reload` returns the sections that changed. It raises RouterPolicyError if the settings cannot be used, and has then
    changed nothing. If the terminal in
    which the program was started is closed, which sends the signal too, the program ends as by SIGTERM.
    """
    asked, had_terminal = Event(), _has_terminal()

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.set()

    def answer() -> None:
        while asked.wait():
            asked.clear()
            if had_terminal and not _has_terminal():
                os.kill(os.getpid(), signal.SIGTERM)
                continue
            reload_or_keep(reload)

    before = signal.signal(signal.SIGHUP, ask)
    Thread(target=answer, name="reload", daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


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


def require_same_store(before: Settings, after: Settings) -> None:
    """Refuse settings with another store: what is open would be the old one."""
    if before.store.url != after.store.url:
        raise SettingsError("store.url has changed, which needs a new start of the program")


def changed_sections(before: Settings, after: Settings) -> list[str]:
    """Return the sections and settings that differ, in the order of the settings; the values may be secrets."""
    return [name for name in Settings.model_fields if getattr(before, name) != getattr(after, name)]


def _has_terminal() -> bool:
    """Return whether standard input is a terminal that is still there."""
    try:
        return sys.stdin is not None and os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False
