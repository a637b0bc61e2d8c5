"""Waiting for a condition, with a bound, instead of sleeping and hoping."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Return as soon as the condition holds; fail with its name when it does not in time.

    The bound is no claim about the time that something takes: a machine with other things to do needs many seconds to
    start a process.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)
