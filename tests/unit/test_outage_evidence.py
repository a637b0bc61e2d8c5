"""How much one maker order speaks for an outage, and the sum of many."""

from math import exp, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.outage_evidence import (
    FillCount,
    OutageParameters,
    increment,
    next_sum,
    normal_fill_probability,
    outage_sum,
    outage_sum_in_closed_form,
)

DEFAULTS = OutageParameters()


@pytest.mark.parametrize(
    ("went_through", "order_count", "fill_count", "expected"),
    [
        (True, 0, 0, 0.96),  # (1 + 0) / (25 + 0) misses
        (True, 25, 25, 0.98),  # 1 / 50
        (True, 75, 75, 0.99),  # 1 / 100
        (True, 975, 975, 0.99),  # 1 / 1000, but at least 0.01
        (True, 25, 15, 0.78),  # 11 / 50
        (True, 975, 0, 0.1),  # 976 / 1000, but at most 0.9
        (False, 0, 0, 0.4),  # (2 + 0) / (5 + 0) fills
        (False, 95, 8, 0.1),  # 10 / 100
        (False, 95, 0, 0.05),  # 2 / 100, but at least 0.05
        (None, 95, 84, 0.86),  # 86 / 100
        (None, 95, 95, 0.9),  # 97 / 100, but at most 0.9
    ],
)
def test_the_normal_fill_probability_is_learnt_from_the_orders_of_its_kind(
    went_through: bool | None, order_count: int, fill_count: int, expected: float
) -> None:
    so_far = FillCount(order_count=order_count, fill_count=fill_count)

    assert normal_fill_probability(went_through, so_far, DEFAULTS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("went_through", "is_filled", "normal_fill", "expected"),
    [
        (True, False, 0.99, 4.574711),  # log(0.97 / 0.01) = log(97)
        (True, False, 0.96, 3.188417),  # log(0.97 / 0.04) = log(24.25)
        (True, True, 0.96, -3.465736),  # log(0.03 / 0.96) = -log(32)
        (False, False, 0.05, 0.036180),  # log(0.985 / 0.95)
        (False, False, 0.4, 0.495712),  # log(0.985 / 0.6)
        (False, True, 0.4, -3.506558),  # 0.03 * 0.4 = 0.012: log(0.03)
        (False, True, 0.1, -2.302585),  # 0.03 * 0.1 is below 0.01: log(0.01 / 0.1)
        (None, False, 0.9, 2.287471),  # log(0.985 / 0.1) = log(9.85)
        (None, True, 0.9, -3.506558),  # log(0.03)
    ],
)
def test_an_order_speaks_for_an_outage_by_how_likely_its_result_is_in_one(
    went_through: bool | None, is_filled: bool, normal_fill: float, expected: float
) -> None:
    measured = increment(went_through, normal_fill, DEFAULTS, is_filled=is_filled)

    assert measured == pytest.approx(expected, abs=1e-6)


def test_a_miss_that_the_market_traded_through_says_more_than_any_other() -> None:
    through = increment(True, normal_fill_probability(True, FillCount(), DEFAULTS), DEFAULTS, is_filled=False)
    others = [
        increment(kind, normal_fill_probability(kind, FillCount(), DEFAULTS), DEFAULTS, is_filled=False)
        for kind in (False, None)
    ]

    assert through > 6 * max(others)


@given(
    went_through=st.sampled_from((True, False, None)),
    order_count=st.integers(0, 10**6),
    fill_share=st.floats(0, 1),
)
def test_a_miss_speaks_for_an_outage_and_a_fill_against_it_after_any_orders(
    went_through: bool | None, order_count: int, fill_share: float
) -> None:
    so_far = FillCount(order_count=order_count, fill_count=int(order_count * fill_share))
    normal_fill = normal_fill_probability(went_through, so_far, DEFAULTS)

    assert increment(went_through, normal_fill, DEFAULTS, is_filled=False) > 0
    assert increment(went_through, normal_fill, DEFAULTS, is_filled=True) < 0


def test_two_misses_that_the_market_traded_through_open_a_breaker_with_a_clean_history() -> None:
    clean = increment(True, 0.99, DEFAULTS, is_filled=False)

    assert outage_sum([clean]) == pytest.approx(log(97))
    assert outage_sum([clean, clean]) == pytest.approx(log(97 * (1 + 97)))  # 9.16, more than 6


def test_the_sum_of_no_orders_is_minus_infinity() -> None:
    assert outage_sum([]) == -inf
    assert outage_sum_in_closed_form([]) == -inf


def test_one_more_order_adds_the_chance_that_the_outage_began_with_it() -> None:
    assert next_sum(-inf, 2.5) == 2.5
    assert next_sum(0.0, 0.0) == pytest.approx(log(2))
    assert next_sum(log(3), log(5)) == pytest.approx(log(20))  # (1 + 3) * 5


def test_the_sum_goes_on_from_an_earlier_one() -> None:
    assert outage_sum([log(5)], start=log(3)) == pytest.approx(log(20))
    assert outage_sum([], start=1.5) == 1.5


def test_sums_that_a_float_cannot_hold_as_powers_stay_right() -> None:
    assert next_sum(2000.0, 4.5) == 2004.5
    assert outage_sum([4.5] * 1000) == pytest.approx(4500.0 - log(1 - exp(-4.5)))
    assert outage_sum_in_closed_form([4.5] * 1000) == pytest.approx(4500.0 - log(1 - exp(-4.5)))


@given(increments=st.lists(st.floats(-5, 5), max_size=60))
def test_the_closed_form_is_the_fold_and_both_are_the_statistic_in_plain_form(increments: list[float]) -> None:
    statistic = 0.0
    for each in increments:
        statistic = (1 + statistic) * exp(each)
    plain = log(statistic) if statistic else -inf

    assert outage_sum(increments) == pytest.approx(plain, abs=1e-9)
    assert outage_sum_in_closed_form(increments) == pytest.approx(plain, abs=1e-9)
