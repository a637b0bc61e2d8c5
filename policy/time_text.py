"""How times are written for people and programs: ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import overload


@overload
def iso(at: datetime) -> str: ...
@overload
def iso(at: datetime | None) -> str | None: ...
def iso(at: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC with a Z; None stays None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None
