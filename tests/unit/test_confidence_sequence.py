"""Margins that hold at every look: hand-worked values, and what is true of all of them."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.experiment.confidence_sequence import (
    Interval,
    anytime_margin,
    count_until,
    interval_around,
    single_look_margin,
)

counts = st.integers(1, 10**6)
deviations = st.floats(0, 1e6)


def test_the_margin_is_the_one_of_the_formula() -> None:
    # n = 2000 and x = 8/2000: n x = 8, so sqrt(9 / (2000 * 8) * log(9 / 0.0025)) = sqrt(9 * 8.188689 / 16000).
    assert anytime_margin(2000, 1.0) == pytest.approx(0.0678685, abs=1e-7)
    # n = 1 and x = 8: sqrt(9/8 * log(9 / 0.09)), as 0.3^2 = 0.09, and log(100) = 4.605170.
    assert anytime_margin(1, 2.0, tightest_count=1, alpha=0.3) == pytest.approx(4.5522, abs=1e-4)


def test_it_is_about_one_and_a_half_times_the_margin_of_a_single_look_where_it_is_tightest() -> None:
    assert anytime_margin(2000, 5.0) / single_look_margin(2000, 5.0) == pytest.approx(1.5485, abs=1e-4)


def test_the_margin_of_a_single_look_is_the_normal_one() -> None:
    assert single_look_margin(100, 2.0) == pytest.approx(0.3919928, abs=1e-7)


@given(count=counts, deviation=deviations, tightest_count=st.integers(1, 10**6), alpha=st.floats(1e-6, 0.3))
def test_it_falls_with_each_observation_and_is_never_below_the_one_of_a_single_look(
    count: int, deviation: float, tightest_count: int, alpha: float
) -> None:
    margin = anytime_margin(count, deviation, tightest_count=tightest_count, alpha=alpha)

    assert anytime_margin(count + 1, deviation, tightest_count=tightest_count, alpha=alpha) <= margin
    assert anytime_margin(count, deviation, tightest_count=tightest_count) >= single_look_margin(count, deviation)


@given(count=counts, deviation=deviations, factor=st.floats(0, 1e3))
def test_it_has_the_unit_of_the_deviation(count: int, deviation: float, factor: float) -> None:
    assert anytime_margin(count, deviation * factor) == pytest.approx(factor * anytime_margin(count, deviation))


@given(deviation=st.floats(0.01, 100), target=st.floats(0.05, 100))
def test_the_count_until_a_margin_is_the_first_one_that_has_it(deviation: float, target: float) -> None:
    def margin(count: int) -> float:
        return anytime_margin(count, deviation)

    count = count_until(margin, target)

    assert count is not None
    assert margin(count) <= target
    assert count == 1 or margin(count - 1) > target


def test_every_count_up_to_a_thousand_million_is_looked_at() -> None:
    assert count_until(lambda count: 1.0 / count, 1 / 9e8) == 900_000_000
    assert count_until(lambda count: 1.0 / count, 1 / 1e9) == 10**9
    assert count_until(lambda count: 1.0 / count, 1 / 1.1e9) is None


def test_a_margin_that_no_count_reaches_has_none() -> None:
    assert count_until(lambda _: 1.0, 0.5) is None


@given(mean=st.floats(-1e6, 1e6), margin=st.floats(0, 1e6))
def test_an_interval_contains_its_ends_and_its_middle(mean: float, margin: float) -> None:
    interval = interval_around(mean, margin)

    assert interval.contains(mean)
    assert interval.contains(interval.lower)
    assert interval.contains(interval.upper)
    assert interval.half_width == pytest.approx(margin, abs=1e-9)
    assert not interval.contains(interval.upper + 1)


def test_an_interval_without_width_contains_one_value() -> None:
    assert interval_around(2.0, 0.0) == Interval(lower=2.0, upper=2.0)
    assert not interval_around(2.0, 0.0).contains(1.9999)


@pytest.mark.parametrize(
    ("count", "deviation", "tightest_count", "alpha", "name"),
    [
        (0, 1.0, 2000, 0.05, "count"),
        (1, -1.0, 2000, 0.05, "standard_deviation"),
        (1, nan, 2000, 0.05, "standard_deviation"),
        (1, 1.0, 0, 0.05, "tightest_count"),
        (1, 1.0, 2000, 0.0, "alpha"),
        (1, 1.0, 2000, 1.0, "alpha"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    count: int, deviation: float, tightest_count: int, alpha: float, name: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be "):
        anytime_margin(count, deviation, tightest_count=tightest_count, alpha=alpha)


@pytest.mark.parametrize("target", [0.0, -1.0, nan, -inf])
def test_a_target_that_no_margin_can_have_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        count_until(lambda count: 1 / count, target)
