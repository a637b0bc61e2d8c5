"""The hours in which nobody is told anything: notices wait until they end."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time

_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", flags=re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A span of each day in UTC, `start <= t < end`; it passes midnight if it ends before it starts."""

    start: time
    end: time

    def holds(self, at: datetime) -> bool:
        """Return whether a moment is in the span."""
        clock = at.astimezone(UTC).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


def parse_quiet_hours(text: str) -> QuietHours:
    """Read a span as `22:00-07:00`. Raises ValueError for other text, and for a span without length."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid hours {text!r}; write them in UTC as 22:00-07:00")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    if start == end:
        raise ValueError(f"{text!r} has no length; leave it out, or write them in UTC as 22:00-07:00")
    return QuietHours(start=start, end=end)
