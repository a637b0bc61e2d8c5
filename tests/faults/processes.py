"""Processes that tests may kill or stop: forked from one that has imported everything, so that each starts at once."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    "pytest tests.faults.publisher jobs.run.worker psycopg pysqlite3.dbapi2 "
    "sqlalchemy.dialects.postgresql.psycopg".split()
)


@dataclass(frozen=True, slots=True)
class Forked:
    """A process and a pipe to what runs in it."""

    process: BaseProcess
    pipe: Connection

    @property
    def owner_id(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.owner_id, number)

    def kill(self) -> None:
        """End it as a crash does, and wait until it is gone."""
        self.process.kill()
        self.process.join()

    def answer(self, seconds: float = 30.0) -> Any:
        """Return the next thing that it says."""
        if not self.pipe.poll(seconds):
            raise AssertionError(f"the process said nothing for {seconds:g} s")
        return self.pipe.recv()

    def answers(self) -> list[Any]:
        """Return everything that it has said by now; call it once it has ended to have all."""
        received = []
        with suppress(EOFError, ConnectionResetError):
            while self.pipe.poll():
                received.append(self.pipe.recv())
        return received


@contextmanager
def forked(target: Callable[..., None], *arguments: Any) -> Iterator[Forked]:
    """Run `target(pipe, *arguments)` in a process of its own, which is killed when the block ends."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    child = Forked(process, ours)
    try:
        yield child
    finally:
        child.kill()
        ours.close()
