"""Estimates with their errors, and which outages were seen: worked out by hand."""

import numpy as np
import pytest

from jobs.backtest.detection import Detection, Sighting, detection, false_opening_count, sightings
from jobs.backtest.outages import Outage
from jobs.backtest.statistics import estimate

HOUR = 3600
VALUES = np.array([1.0, 3.0, 2.0, 2.0, 6.0, 4.0])
DAYS = np.array([1, 1, 2, 2, 3, 3])
ONE_RUN = np.zeros(6, dtype=np.int64)


def test_the_error_is_that_of_days_not_of_orders() -> None:
    mean_cost = estimate(VALUES, DAYS, ONE_RUN)

    # the mean is 3; days are 2, 2 and 4 in sum off it: sqrt(3 / 2 * (4 + 4 + 16)) / 6 orders
    assert (mean_cost.mean, mean_cost.standard_error, mean_cost.order_count) == (3.0, pytest.approx(1.0), 6)
    assert mean_cost.interval is not None
    # Student's t of 2 degrees of freedom, from a printed table: 4.3027
    assert (mean_cost.interval.lower, mean_cost.interval.upper) == (
        pytest.approx(-1.3027, abs=1e-4),
        pytest.approx(7.3027, abs=1e-4),
    )
    assert not mean_cost.is_clear


def test_the_larger_error_counts_where_there_are_several_runs() -> None:
    runs = np.array([0, 1, 2, 0, 1, 2])

    # runs are 1 + 2, 3 + 6 and 2 + 4 in sum: -3, +3 and 0 off their means: sqrt(3 / 2 * 18) / 6
    assert estimate(VALUES, runs, ONE_RUN).standard_error == pytest.approx(np.sqrt(27) / 6)
    assert estimate(VALUES, DAYS, runs).standard_error == pytest.approx(1.0)
    assert estimate(VALUES, runs, DAYS).standard_error == pytest.approx(1.0)


def test_orders_of_one_day_tell_no_error() -> None:
    mean_cost = estimate(VALUES, np.ones(6, dtype=np.int64), ONE_RUN)

    assert (mean_cost.mean, mean_cost.standard_error, mean_cost.interval, mean_cost.is_clear) == (
        3.0,
        None,
        None,
        False,
    )


def test_a_mean_is_clear_beyond_three_errors() -> None:
    def shifted(by: float) -> bool:
        return estimate(VALUES + by, DAYS, ONE_RUN).is_clear

    assert (shifted(-0.01), shifted(0.01), shifted(-6.01), shifted(-5.99)) == (False, True, True, False)


def test_an_estimate_scales_with_its_error_and_interval() -> None:
    scaled = estimate(VALUES, DAYS, ONE_RUN).scaled(2.0)

    assert (scaled.mean, scaled.standard_error) == (6.0, pytest.approx(2.0))
    assert scaled.interval is not None
    assert scaled.interval.upper == pytest.approx(14.6053, abs=1e-4)


def test_no_orders_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no orders"):
        estimate(np.array([]), np.array([]), np.array([]))


SLOTS = np.arange(0, 100) * HOUR


def seen(off_hours: set[int], start_hour: float = 10.5, end_hour: float = 20.5) -> list[Sighting]:
    is_off = np.array([[hour in off_hours] for hour in range(100)])
    outage = Outage(market=0, start_seconds=int(start_hour * HOUR), end_seconds=int(end_hour * HOUR))
    return sightings([outage], SLOTS, is_off)


def test_an_outage_is_seen_at_the_first_slot_in_it_at_which_maker_first_is_off() -> None:
    assert seen(set(range(14, 24))) == [Sighting(hours_to_off=3.5, hours_to_recover=3.5)]


@pytest.mark.parametrize("off_hours", [set(), {21, 22}])
def test_an_outage_that_turns_nothing_off_while_it_lasts_is_not_seen(off_hours: set[int]) -> None:
    assert seen(off_hours) == [Sighting(hours_to_off=None, hours_to_recover=None)]


def test_what_was_off_and_came_back_before_the_end_needs_no_recovery() -> None:
    assert seen({12, 13}) == [Sighting(hours_to_off=1.5, hours_to_recover=None)]


def test_an_outage_that_began_while_maker_first_was_off_tells_nothing() -> None:
    assert seen({9, 10, 11, 12}) == []


def test_what_never_comes_back_has_no_hours_to_recover() -> None:
    assert seen(set(range(12, 100))) == [Sighting(hours_to_off=1.5, hours_to_recover=None)]


def test_a_detection_is_the_share_seen_and_the_middle_of_the_hours() -> None:
    detected = detection(
        [
            Sighting(hours_to_off=1.0, hours_to_recover=1.0),
            Sighting(hours_to_off=4.0, hours_to_recover=None),
            Sighting(hours_to_off=2.0, hours_to_recover=11.0),
            Sighting(hours_to_off=None, hours_to_recover=None),
        ]
    )

    # nine tenths of the way from 1 to 11 is 10
    assert detected == Detection(
        outage_count=4, detected_count=3, hours_to_off=2.0, hours_to_recover=6.0, late_hours_to_recover=10.0
    )
    assert detected.detected_share == 0.75


def test_nothing_to_see_has_no_share() -> None:
    assert detection([]).detected_share is None


@pytest.mark.parametrize(
    ("off_hours", "count"),
    [
        (set(), 0),
        ({0, 1, 2}, 1),  # off from the first slot on
        ({5, 6, 30, 31, 40}, 3),
        ({11, 12, 19}, 0),  # the outage lasts from 10:30 to 20:30
        ({21}, 0),  # in the hour after it its last orders end
        ({22}, 1),
        ({9, 10, 11}, 1),  # had turned off before it began
    ],
)
def test_an_opening_is_false_without_an_outage_of_its_market(off_hours: set[int], count: int) -> None:
    is_off = np.array([[hour in off_hours, False] for hour in range(100)])
    mine, others = (
        Outage(market=market, start_seconds=int(start * HOUR), end_seconds=int(end * HOUR))
        for market, start, end in ((0, 10.5, 20.5), (1, 0, 99))
    )

    assert false_opening_count([mine, others], SLOTS, is_off) == count
