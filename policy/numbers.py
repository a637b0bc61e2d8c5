"""Numbers as rules use and stores keep them: finite, and rounded so that two engines agree to the bit."""

import math

METRIC_DECIMALS = 9
ONE_BPS = 1e-4


def round_metric(value: float | None) -> float | None:
    """Return the value rounded to 9 decimals, or None if it is missing, NaN or infinite.

    Two engines, or two runs of a parallel sum, differ in their last digits. Rounded here, before any decision, the
    stored number is the number that was decided on. Minus zero becomes zero.
    """
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), METRIC_DECIMALS) + 0.0


def finite_or_none(value: float | None) -> float | None:
    """Return a finite value as it is, and None for None, NaN and the infinities."""
    return value if value is not None and math.isfinite(value) else None
