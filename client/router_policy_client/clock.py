"""Clocks of a router: the system's, or a simulated one that advances only in `sleep` and `set`."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and sleep."""

    def now(self) -> datetime:
        """Return the time of day, aware and UTC; it may jump when the machine's clock is set."""
        ...

    def monotonic_seconds(self) -> float:
        """Return seconds since an arbitrary start; they never go back. Waits are measured with these."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds` seconds."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the time of day, aware and UTC."""
        return datetime.now(UTC)

    def monotonic_seconds(self) -> float:
        """Return the machine's monotonic time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` seconds."""
        time.sleep(seconds)


class SimulatedClock:
    """A clock that advances only in `sleep` and `set`, so that hours of trading simulate in no time.

    `at` is the start, an aware time. Raises ValueError for a naive time.
    """

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"invalid start {at!r}: it has no time zone; give an aware time")
        self._start = at.astimezone(UTC)
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return the simulated time, aware and UTC."""
        return self._start + timedelta(seconds=self._seconds)

    def monotonic_seconds(self) -> float:
        """Return the simulated seconds since the start."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` at once; a negative number advances by none."""
        self._seconds += max(0.0, seconds)

    def set(self, at: datetime) -> None:
        """Advance to `at`; a time in the past changes nothing."""
        self._seconds = max(self._seconds, (at - self._start).total_seconds())
