"""How times are written for people and programs, ISO 8601 in UTC, and how ages are written for people."""

from datetime import UTC, datetime, timedelta
from typing import overload


@overload
def iso(at: datetime) -> str: ...
@overload
def iso(at: datetime | None) -> str | None: ...
def iso(at: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC with a Z; None stays None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def age_words(age: timedelta) -> str:
    """Write an age in one unit, as `45 s`, `12 min`, `5 h`, `3 days`; a time ahead is below zero."""
    seconds = int(age.total_seconds())
    for unit, size, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if abs(seconds) < until:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86_400)} days"
