"""The tick from the steps between prices, and whether the spread is one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.spread import SquaredHalfSpread, has_no_tick, is_one_tick, tick_size


@pytest.mark.parametrize(
    ("steps", "units_per_price", "tick"),
    [
        ({10: 19}, 100.0, 0.1),
        ({10: 18}, 100.0, None),  # 19 prices
        ({}, 100.0, None),
        ({20: 15, 30: 5}, 100.0, 0.1),
        ({50: 15, 100: 5}, 100.0, 0.5),
        ({5: 40}, 1.0, 5.0),
        ({1: 500}, 100.0, None),  # as fine as the figures themselves: no grid
        ({10: 198, 3: 1, 7: 1}, 1000.0, 0.01),  # a single price off the grid
        ({10: 90, 3: 5, 7: 5}, 1000.0, None),  # too many to be off it
        ({7: 1, 14: 1, 21: 30}, 1.0, 7.0),  # no more than 99 of 100: the rare ones count as well
        ({100: 1, 200: 1} | {300 * n: 1 for n in range(1, 20)}, 1.0, 100.0),  # steps that are all different
    ],
)
def test_the_tick_is_what_nearly_all_steps_have_in_common(
    steps: Mapping[int, int], units_per_price: float, tick: float | None
) -> None:
    assert tick_size(steps, units_per_price) == tick


@given(tick=st.integers(2, 10**6), sizes=st.lists(st.integers(1, 50), min_size=20, max_size=60))
def test_every_step_is_a_multiple_of_a_tick_that_is_never_finer_than_the_real_one(tick: int, sizes: list[int]) -> None:
    steps = {tick * size: sizes.count(size) for size in {1, *sizes}} | {tick: sizes.count(1) + 1}

    measured = tick_size(steps, 1.0)

    assert measured is not None
    assert measured % tick == 0
    assert sum(count for step, count in steps.items() if step % measured == 0) >= 0.99 * sum(steps.values())


def steps_between(prices: Iterable[int]) -> list[int]:
    """The steps between neighbours of these prices, as the query returns them."""
    return [later - earlier for earlier, later in pairwise(sorted(set(prices)))]


@pytest.mark.parametrize(
    ("steps", "price_count", "expected"),
    [
        ([3, 5, 7, 11] * 2, 99, True),  # neither group of four has a divisor, and at most one has a step off the grid
        ([3, 5, 7, 11] * 2, 100, False),  # of 100 prices two steps may be off the grid
        ([3, 5, 7, 11], 99, False),
        ([3, 5, 7, 11, 2, 4, 6, 8], 99, False),
        ([3, 5, 7, 11] * 2 + [2, 4, 6, 8], 99, True),
        ([], 99, False),
    ],
)
def test_some_steps_show_that_there_is_no_tick_if_too_many_groups_share_nothing(
    steps: list[int], price_count: int, expected: bool
) -> None:
    assert has_no_tick(steps, price_count) is expected


@given(
    tick=st.integers(2, 1000),
    on_grid=st.sets(st.integers(0, 10**6), min_size=20, max_size=400),
    off_grid=st.sets(st.integers(0, 10**9), max_size=4),
    chance=st.randoms(use_true_random=False),
)
def test_no_part_of_the_prices_hides_a_tick_that_all_of_them_have(
    tick: int, on_grid: set[int], off_grid: set[int], chance: Random
) -> None:
    prices = sorted({tick * number for number in on_grid} | off_grid)
    every = Counter(later - earlier for earlier, later in pairwise(prices))
    some = chance.sample(prices, chance.randrange(len(prices)))

    assert tick_size(every, 1.0) is None or not has_no_tick(steps_between(some), len(prices))


def test_prices_without_a_grid_show_it_in_the_bars_of_some_hours() -> None:
    shown = [has_no_tick(steps_between(Random(seed).sample(range(10**15), 180)), 3000) for seed in range(200)]

    assert all(shown)


def seen(half_spread_bps: float, error_bps: float, pairs: int = 400) -> SquaredHalfSpread:
    """An estimate of the square of the first, with the square of the second as its standard error."""
    return SquaredHalfSpread(
        estimate=half_spread_bps * abs(half_spread_bps), deviation=error_bps * error_bps * pairs**0.5, pair_count=pairs
    )


@pytest.mark.parametrize(
    ("tick_bps", "half_spread", "expected"),
    [
        (0.1, seen(0.0, 1.0), True),
        (0.1, seen(-3.0, 2.0), True),  # chance made it negative: 2 * 4 - 9 is below the limit, (5 bps) squared = 25
        (0.1, seen(0.0, 3.5), True),  # 2 * 12.25 = 24.5
        (0.1, seen(0.0, 3.6), None),  # 2 * 12.96 = 25.92: 5 bps could hide there
        (0.1, seen(20.0, 5.0), False),
        (0.1, seen(2.0, 0.9), False),  # 4 - 3 * 0.81 = 1.57, above 1.25 squared, 1.5625
        (0.1, seen(2.0, 0.91), True),  # 4 - 3 * 0.8281 = 1.5157
        (0.1, seen(10.0, 6.0), None),  # 100 - 108: could be nothing, could be wide
        (2.0, seen(2.5, 0.8), False),  # 6.25 - 1.92 = 4.33, above the tick squared
        (3.0, seen(2.5, 0.8), True),
        (12.0, seen(6.0, 5.0), True),  # 36 + 50 = 86, below the tick squared, 144
        (12.0, seen(13.0, 2.0), False),  # 169 - 12 = 157
        (12.0, seen(11.0, 5.0), None),
        (None, seen(0.0, 1.0), None),
        (0.1, seen(0.0, 1.0, pairs=99), None),
        (0.1, seen(0.0, 1.0, pairs=100), True),
        (0.1, SquaredHalfSpread(estimate=0.0, deviation=None, pair_count=1), None),
    ],
)
def test_a_spread_is_one_tick_or_wide_only_beyond_doubt(
    tick_bps: float | None, half_spread: SquaredHalfSpread, expected: bool | None
) -> None:
    assert is_one_tick(tick_bps, half_spread) is expected
