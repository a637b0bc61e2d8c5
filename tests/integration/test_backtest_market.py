"""The volatility of a market at a slot at which its bars begin, are missing or have grown old: worked out by hand."""

from datetime import datetime

import numpy as np

from jobs.backtest.market import Market
from policy import Volatility
from tests.support.backtest_markets import MINUTE, START, market

STILL = (100.5, 99.5, 100.0)  # a range of 1
BEFORE = (50.5, 49.5, 50.0)


def after_a_gap(first: int, last: int) -> Market:
    """One bar at 50 in the first minute, then bars at 100 from one minute to another."""
    minutes = [0, *range(first, last + 1)]
    return market([BEFORE] + [STILL] * (len(minutes) - 1), minutes=minutes)


def volatility(of: Market, minute: int) -> Volatility:
    slot: datetime = START + minute * MINUTE
    (measured,) = of.volatility_at(np.array([int(slot.timestamp())]))
    return measured


def test_a_bar_that_lies_too_far_back_is_not_the_one_before_the_first() -> None:
    # as of minute 1050 bars are looked at from minute 50 on: 50 of them, each with a range of 1
    measured = volatility(after_a_gap(1000, 1049), 1050)

    assert (measured.bar_count, measured.atr_short_pct, measured.atr_long_pct, measured.bar_age_seconds) == (
        50,
        1.0,
        None,
        0.0,
    )


def test_a_bar_that_is_still_looked_at_is_the_one_before_whatever_the_gap() -> None:
    # as of minute 1000 from minute 0 on: its range of 1, then one of 50.5 from its close, then 48 of 1
    measured = volatility(after_a_gap(951, 999), 1000)

    assert (measured.bar_count, measured.atr_short_pct) == (50, 1.99)


def test_bars_that_have_not_closed_are_not_looked_at_and_old_ones_have_an_age() -> None:
    of = after_a_gap(951, 999)

    assert volatility(of, 999).bar_count == 49
    assert volatility(of, 999).atr_short_pct is None
    assert volatility(of, 1002).bar_age_seconds == 120.0


def test_before_the_first_bar_has_closed_nothing_is_known() -> None:
    assert volatility(after_a_gap(951, 999), 0) == Volatility()


def test_five_hundred_bars_are_enough_for_the_ratio() -> None:
    of = market([STILL] * 500)

    assert volatility(of, 499).atr_ratio is None
    assert volatility(of, 500) == Volatility(
        atr_short_pct=1.0, atr_long_pct=1.0, atr_ratio=1.0, bar_count=500, bar_age_seconds=0.0
    )
