"""Time as a router sees it: the system's, or a simulated one that passes only when somebody sleeps."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> datetime:
        """Return the time of day, aware and UTC; it may jump when the machine's clock is set."""
        ...

    def monotonic_seconds(self) -> float:
        """Return seconds since an unknown moment, which never go back; waits are measured by these."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
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
        """Sleep for so many seconds."""
        time.sleep(seconds)


class SimulatedClock:
    """A clock that stands still but for `sleep` and `set`, so that hours of trading pass in no time.

    `at` is where it starts and is aware; a naive time raises ValueError.
    """

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"a simulated clock starts at {at!r}, which has no time zone; give an aware time")
        self._start = at.astimezone(UTC)
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return the simulated time, aware and UTC."""
        return self._start + timedelta(seconds=self._seconds)

    def monotonic_seconds(self) -> float:
        """Return the simulated seconds since the start."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass at once; a negative number passes none."""
        self._seconds += max(0.0, seconds)

    def set(self, at: datetime) -> None:
        """Let time pass until `at`; a time that has passed already changes nothing."""
        self._seconds = max(self._seconds, (at - self._start).total_seconds())
