"""Student's interval of a mean."""

import pytest

from jobs.confidence_interval import ConfidenceInterval, confidence_interval, student_quantile

# From a printed table, two-sided, 95 %.
TABLE = {
    1: 12.7062,
    2: 4.3027,
    3: 3.1824,
    4: 2.7764,
    5: 2.5706,
    6: 2.4469,
    7: 2.3646,
    10: 2.2281,
    15: 2.1314,
    29: 2.0452,
    30: 2.0423,
    60: 2.0003,
    120: 1.9799,
}


@pytest.mark.parametrize(("degrees_of_freedom", "quantile"), TABLE.items())
def test_the_quantile_is_that_of_the_printed_tables(degrees_of_freedom: int, quantile: float) -> None:
    assert student_quantile(degrees_of_freedom) == pytest.approx(quantile, abs=5e-5)


def test_of_many_days_it_is_nearly_that_of_the_normal_distribution() -> None:
    assert student_quantile(5000) == pytest.approx(1.9604, abs=5e-5)


def test_an_interval_reaches_as_far_to_both_sides() -> None:
    interval = confidence_interval(2.0, 0.5, 7)

    assert interval is not None
    assert (interval.lower, interval.upper) == pytest.approx((2 - 0.5 * TABLE[6], 2 + 0.5 * TABLE[6]), abs=1e-4)
    assert confidence_interval(2.0, 0.0, 2) == ConfidenceInterval(lower=2.0, upper=2.0)


@pytest.mark.parametrize(("error", "clusters"), [(None, 7), (0.5, 1), (0.5, 0)])
def test_one_day_says_nothing_of_another(error: float | None, clusters: int) -> None:
    assert confidence_interval(2.0, error, clusters) is None


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 1 or more, was 0"):
        student_quantile(0)
