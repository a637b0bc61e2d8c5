"""Python's collector of cycles, kept off while many objects are made that stay."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep the collector off until the block ends; it was off before if another block around this one keeps it off.

    For imports and for the rows of a run: they are made by the hundred thousand, nearly none is part of a cycle, and to
    look through them again and again takes up to a sixth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def exempt_what_is_loaded() -> None:
    """Leave what was made so far out of every later collection, also out of the one in which the process ends.

    Once in a process, for a command that has just been imported: its modules stay until the end, and to look through
    them takes a quarter of the time of a short command. Nothing is exempt if DuckDB is loaded: when a process ends, it
    reports objects that the collector did not free.
    """
    if gc.get_freeze_count() == 0 and "duckdb" not in sys.modules:
        gc.freeze()
