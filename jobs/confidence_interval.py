"""The confidence interval of a mean: 95 %, by Student's t distribution."""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin, sqrt, tan

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceInterval:
    """The 95 % confidence interval of a mean, both ends inclusive."""

    lower: float
    upper: float


def confidence_interval(mean: float, standard_error: float | None, cluster_count: int) -> ConfidenceInterval | None:
    """Return the interval of a mean whose standard error comes from so many clusters; None with fewer than two."""
    if standard_error is None or cluster_count < 2:
        return None
    half_width = student_quantile(cluster_count - 1) * standard_error
    return ConfidenceInterval(lower=mean - half_width, upper=mean + half_width)


@lru_cache
def student_quantile(degrees_of_freedom: int) -> float:
    """Return t with |T| <= t in 95 of 100 cases, to 9 digits. Raises ValueError for less than 1 degree of freedom."""
    if degrees_of_freedom < 1:
        raise ValueError(f"degrees_of_freedom must be 1 or more, was {degrees_of_freedom}")
    low, high = 0.0, pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _coverage(middle, degrees_of_freedom) > _CONFIDENCE else (middle, high)
    return tan((low + high) / 2) * sqrt(degrees_of_freedom)


def _coverage(angle: float, degrees_of_freedom: int) -> float:
    """Return the probability that |T| <= sqrt(n) * tan(angle).

    The finite series for whole degrees of freedom: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    if degrees_of_freedom == 1:
        return 2 * angle / pi
    is_odd = degrees_of_freedom % 2 == 1
    term = total = cos(angle) if is_odd else 1.0
    for number in range(3 if is_odd else 2, degrees_of_freedom - 1, 2):
        term *= (number - 1) / number * cos(angle) ** 2
        total += term
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total
