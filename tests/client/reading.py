"""Readers as their tests open them, and a clock that a test sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from router_policy_client import PolicyReader


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def watching(url: str, **settings: Any) -> Iterator[PolicyReader]:
    """A reader on the clock of this machine that has looked once, its policies as old as the tests' slots are."""
    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30, **settings) as reader:
        yield reader
