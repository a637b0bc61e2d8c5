"""Processes that check entries of the chain beside the one that walks it, each over a connection of its own."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread

from sqlalchemy import URL, Engine

from storage.audit.checked_entries import CheckedEntry, check_entries, rule_sets
from storage.database.engine import read_engine
from storage.database.transaction import transaction

Checked = Sequence[CheckedEntry]
_reader: Engine  # of each process, made as it starts


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProcesses:
    """Processes that check; `count` of them work at a time."""

    count: int
    executor: Executor

    def check(self, after: int, upto: int) -> Future[Checked]:
        """Ask for the entries above `after` to `upto` inclusive, checked; the answer raises what the check raises.

        A process that was killed is such an error as well.
        """
        try:
            return self.executor.submit(_check, after, upto)
        except BrokenExecutor as error:
            broken: Future[Checked] = Future()
            broken.set_exception(error)
            return broken


@contextmanager
def check_processes(url: URL, count: int) -> Iterator[CheckProcesses]:
    """Give processes that read the store at this URL; they end with the block, and if this process dies."""
    executor = ProcessPoolExecutor(count, get_context("spawn"), _begin, (url,))
    try:
        yield CheckProcesses(count=count, executor=executor)
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(url: URL) -> None:
    global _reader  # noqa: PLW0603 - a process has one store
    # Ctrl-C reaches all processes of a terminal; the one that walks the chain ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _reader = read_engine(url)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _check(after: int, upto: int) -> Checked:
    with transaction(_reader) as connection:
        return list(check_entries(connection, rule_sets(connection), after, upto))
