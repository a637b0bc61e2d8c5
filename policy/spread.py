"""Whether a market's spread is one tick: the tick from the grid of its prices, the spread from its bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import gcd, inf, sqrt

MIN_PRICES = 20
MIN_PAIRS = 100
_COMMON_SHARE = 0.99
_GROUP = 4
_NARROW_BPS = 5.0
_WIDE_BPS = 1.25
_NARROW_ERRORS = 2
_WIDE_ERRORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SquaredHalfSpread:
    """An estimate of the square of half the spread, in basis points squared, from `pair_count` neighbouring bars.

    Chance can make it negative. `deviation` is the standard deviation of a single pair, None with fewer than two.
    """

    estimate: float
    deviation: float | None
    pair_count: int


def tick_size(steps: Mapping[int, int], units_per_price: float) -> float | None:
    """Return the tick of a market from the steps between neighbouring prices, in whole units, with their counts.

    It is the largest number that divides the most frequent 99 of 100 steps: venues print single prices off their own
    grid. None with fewer than 20 prices, and if it would be a single unit, which is a trace of arithmetic and not a
    grid.
    """
    total = sum(steps.values())
    if total + 1 < MIN_PRICES:
        return None
    highest_count = max(steps.values())
    if gcd(*(step for step, count in steps.items() if count == highest_count)) == 1:
        return None  # and so of all, which need not be sorted
    common, covered, last_count = 0, 0, 0
    for step, count in sorted(steps.items(), key=lambda step_and_count: (-step_and_count[1], step_and_count[0])):
        if covered >= _COMMON_SHARE * total and count < last_count:
            break
        common, covered, last_count = gcd(common, step), covered + count, count
    return common / units_per_price if common > 1 else None


def has_no_tick(steps: Sequence[int], price_count: int) -> bool:
    """Return whether steps between some of a market's prices show that it has no tick; it has `price_count` at most.

    The steps are those between neighbours of these prices, in whole units, none of them 0. Each is a sum of steps
    between neighbours of all prices, so a tick divides it, unless one of these is off the grid, as at most 1 of 100
    are. So all but that many groups of steps would have a common divisor, which one of thirteen groups of four has by
    chance.
    """
    off_grid_count = price_count // 100 + 1
    groups = (steps[at : at + _GROUP] for at in range(0, len(steps) - _GROUP + 1, _GROUP))
    without_divisor = (group for group in groups if gcd(*group) == 1)
    return next(islice(without_divisor, off_grid_count, None), None) is not None


def is_one_tick(tick_bps: float | None, half_spread: SquaredHalfSpread) -> bool | None:
    """Return whether the spread is one tick, None if the bars do not show it; `tick_bps` is of the last close.

    False if half the spread is, beyond three standard errors, more than a whole tick and more than 1.25 basis points,
    which waiting loses to adverse selection. True if, within two standard errors, half the spread is less than 5 basis
    points or a whole tick: this excludes wide markets, but not one a little wider than a tick.
    """
    if tick_bps is None or half_spread.pair_count < MIN_PAIRS:
        return None
    if _bound(half_spread, -_WIDE_ERRORS) > max(tick_bps, _WIDE_BPS):
        return False
    return True if _bound(half_spread, _NARROW_ERRORS) < max(tick_bps, _NARROW_BPS) else None


def _bound(half_spread: SquaredHalfSpread, errors: int) -> float:
    """Return half the spread in basis points, so many standard errors away from its estimate."""
    if half_spread.deviation is None:
        return inf if errors > 0 else 0.0
    error = half_spread.deviation / sqrt(half_spread.pair_count)
    return sqrt(max(0.0, half_spread.estimate + errors * error))
