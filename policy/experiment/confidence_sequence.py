"""Confidence sequences: intervals of a mean that hold at every look, not only at one that was planned."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt

ALPHA = 0.05
TIGHTEST_COUNT = 2000
_NORMAL_QUANTILE = 1.959963984540054
_MOST_ORDERS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The values from `lower` to `upper`, both inclusive."""

    lower: float
    upper: float

    @property
    def half_width(self) -> float:
        """How far the interval reaches to either side of its middle."""
        return (self.upper - self.lower) / 2

    def contains(self, value: float) -> bool:
        """Return whether the value is in the interval."""
        return self.lower <= value <= self.upper


def anytime_margin(
    count: int, standard_deviation: float, *, tightest_count: int = TIGHTEST_COUNT, alpha: float = ALPHA
) -> float:
    """Return the margin around the mean of `count` observations that holds at every count at once.

    With a probability of 1 - alpha the true mean is never outside, however often and whenever one looks; it is an
    asymptotic statement, as that of the ordinary interval of a mean. The margin is narrowest relative to that interval
    near `tightest_count`, which must be chosen before the first look. It falls with each observation and has the unit
    of the standard deviation.

    Robbins' normal mixture (1970) with x = 8 / tightest_count, sigma * sqrt((n x + 1) / (n^2 x) * log((n x + 1) /
    alpha^2)), as an asymptotic confidence sequence: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv 2103.06476.
    Raises ValueError if count or tightest_count is below 1, alpha is not between 0 and 1, or the deviation is negative.
    """
    _refuse_unless(count, standard_deviation, alpha)
    if tightest_count < 1:
        raise ValueError(f"tightest_count must be 1 or more, was {tightest_count}")
    mixture = count * 8 / tightest_count
    return standard_deviation * sqrt((mixture + 1) / (count * mixture) * log((mixture + 1) / alpha**2))


def single_look_margin(count: int, standard_deviation: float) -> float:
    """Return the margin of the ordinary 95 % interval of a mean: it holds for one look, planned beforehand.

    Raises ValueError if count is below 1 or the deviation is negative.
    """
    _refuse_unless(count, standard_deviation, ALPHA)
    return _NORMAL_QUANTILE * standard_deviation / sqrt(count)


def interval_around(mean: float, margin: float) -> Interval:
    """Return the interval that reaches `margin` to either side of the mean."""
    return Interval(lower=mean - margin, upper=mean + margin)


def count_until(margin: Callable[[int], float], target: float) -> int | None:
    """Return the smallest count whose margin is at most `target`; None if it is above a thousand million.

    `margin` must not grow with the count. Raises ValueError unless `target` is above 0.
    """
    if not target > 0:
        raise ValueError(f"the target of a margin must be above 0, was {target}")
    low, high = 0, 1
    while margin(high) > target:
        if high == _MOST_ORDERS:
            return None
        low, high = high, min(high * 2, _MOST_ORDERS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if margin(middle) > target else (low, middle)
    return high


def _refuse_unless(count: int, standard_deviation: float, alpha: float) -> None:
    if count < 1:
        raise ValueError(f"count must be 1 or more, was {count}")
    if not standard_deviation >= 0:
        raise ValueError(f"standard_deviation must be 0 or more, was {standard_deviation}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, was {alpha}")
