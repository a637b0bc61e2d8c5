"""Figures and times as people read them."""

from datetime import datetime, timedelta

from console.terminal.text import iso

NOT_MEASURED = "–"


def age_words(age: timedelta) -> str:
    """Say an age in one unit, as `45 s`, `12 min`, `5 h`, `3 days`; below zero for what lies ahead."""
    seconds = round(age.total_seconds())
    for unit, size, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if abs(seconds) < until:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86_400)} days"


def figure(value: float | None, digits: int = 2) -> str:
    """Write a figure with so many decimals, a dash where it was not measured."""
    return NOT_MEASURED if value is None else f"{value:z.{digits}f}"


def exact(value: float | None) -> str:
    """Write a figure as exactly as it is worth reading, a dash where it was not measured."""
    return NOT_MEASURED if value is None else f"{value:.6g}"


def moment(at: datetime | None) -> str:
    """Write a time to the second in UTC, nothing where there is none."""
    return (iso(at.replace(microsecond=0)) or "") if at is not None else ""


def told(maker_first: bool, taker_bias: str) -> str:
    """Say what the router is told."""
    return f"{'maker first' if maker_first else 'taker'}, {taker_bias.replace('_', ' ')}"
