"""Figures and times in the form that people read."""

from datetime import datetime

from policy.time_text import iso

NOT_MEASURED = "–"


def figure(value: float | None, digits: int = 2) -> str:
    """Return a figure with so many decimals, a dash if it was not measured."""
    return NOT_MEASURED if value is None else f"{value:z.{digits}f}"


def exact(value: float | None) -> str:
    """Return a figure with six digits, a dash if it was not measured."""
    return NOT_MEASURED if value is None else f"{value:.6g}"


def moment(at: datetime | None) -> str:
    """Return a time to the second in UTC, an empty text for None."""
    return (iso(at.replace(microsecond=0)) or "") if at is not None else ""


def decision(maker_first: bool, taker_bias: str) -> str:
    """Return a decision in words."""
    return f"{'maker first' if maker_first else 'taker'}, {taker_bias.replace('_', ' ')}"
