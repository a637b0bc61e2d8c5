"""Durations as people write them, in settings and in options: `15m`, `2h`."""

import re
from datetime import timedelta

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_DAYS = 36500  # a time so long ago, and that far ahead, still has a date on both databases
_MAX_SECONDS = _MAX_DAYS * 86400


def parse_duration(text: str) -> timedelta:
    """Read a duration as a number and one of s, m, h, d: `15m`, `2h`.

    Raises ValueError for other text, for 0 and for more than a hundred years.
    """
    match = re.fullmatch(r"([0-9]+)([smhd])", text, flags=re.ASCII)
    if match is None:
        raise ValueError(f"invalid duration {text!r}; use a number and s, m, h or d, as in 15m")
    number = match[1].lstrip("0")
    if not number:
        raise ValueError(f"{text!r} must be more than 0, as in 15m")
    if len(number) > len(str(_MAX_SECONDS)) or int(number) * _UNIT_SECONDS[match[2]] > _MAX_SECONDS:
        raise ValueError(f"{text!r} is too long; {_MAX_DAYS}d is the most")
    return timedelta(seconds=int(number) * _UNIT_SECONDS[match[2]])


def duration_words(duration: timedelta) -> str:
    """Write a duration of whole seconds as the settings do, in its largest unit without a remainder: `7d`, `36h`."""
    seconds = int(duration.total_seconds())
    unit = next(unit for unit in reversed(_UNIT_SECONDS) if seconds % _UNIT_SECONDS[unit] == 0)
    return f"{seconds // _UNIT_SECONDS[unit]}{unit}"
