"""How times and figures are written on the screen, and JSON for programs."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime


def iso(at: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC with a Z; None stays None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def figure(value: float | None) -> str:
    """Write a figure with two decimals; None, which was not measured, as a dash."""
    return "-" if value is None else f"{value:z.2f}"


def percent(value: float | None) -> str:
    """Write a share as a percentage with one decimal and no sign; None, a share of nothing, as a dash."""
    return "-" if value is None else f"{value * 100:z.1f}"


def print_json(records: Iterable[object]) -> None:
    """Print a list of records as JSON."""
    json.dump(list(records), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")
