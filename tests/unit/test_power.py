"""How many orders an experiment needs: the figures of the study, and what is true of all plans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.experiment.confidence_sequence import anytime_margin
from policy.experiment.power import (
    CostDeviations,
    holdout_cost_bps,
    orders_until,
    planned_deviation,
    remaining_orders,
)
from policy.experiment.saving import Answer

# Orders until ±0.5 bps, measured on eight perpetuals and on SOL: share, orders sent, any order.
STUDY = [
    *((0.01, 2438, 4914), (0.02, 1461, 4026), (0.05, 982, 3682), (0.1, 1013, 3649)),
    *((0.02, 1326, 4214), (0.05, 1005, 3682)),
]
# The same on eight other perpetuals, whose maker orders varied by 11.3 bps.
OTHER_MARKETS, OTHERS = CostDeviations(maker_bps=11.3), [(0.02, 1718, 6420), (0.05, 1336, 5682)]


@pytest.mark.parametrize(
    ("deviations", "share", "sent", "any_order"),
    [*((CostDeviations(), *row) for row in STUDY), *((OTHER_MARKETS, *row) for row in OTHERS)],
)
def test_the_orders_until_half_a_basis_point_are_those_of_the_study(
    deviations: CostDeviations, share: float, sent: int, any_order: int
) -> None:
    assert orders_until(0.5, Answer.ORDERS_SENT, share, deviations) == pytest.approx(sent, rel=0.2)
    assert orders_until(0.5, Answer.ANY_ORDER, share, deviations) == pytest.approx(any_order, rel=0.2)


@pytest.mark.parametrize(
    ("orders_a_day", "days"), [(5, 265), (20, 66), (60, 22), (8 * 5, 37), (8 * 20, 9), (8 * 60, 3)]
)
def test_the_days_are_those_of_the_study(orders_a_day: int, days: int) -> None:
    orders = orders_until(0.5, Answer.ORDERS_SENT, 0.02, CostDeviations())

    assert orders is not None
    assert orders / orders_a_day == pytest.approx(days, rel=0.2)


def test_a_deviation_worked_by_hand() -> None:
    deviations = CostDeviations(maker_bps=6.0, taker_bps=2.0)

    # A fifth is held out: sqrt(0.2 / 0.8) * 6 + sqrt(0.8 / 0.2) * 2 = 3 + 4, and 36 / 0.8 + 4 / 0.2 = 45 + 20.
    assert planned_deviation(Answer.ORDERS_SENT, 0.2, deviations) == pytest.approx(7.0)
    assert planned_deviation(Answer.ANY_ORDER, 0.2, deviations) ** 2 == pytest.approx(65.0)


@given(share=st.floats(0.001, 0.999), maker=st.floats(0.01, 100), taker=st.floats(0.01, 100))
def test_the_orders_sent_are_never_harder_to_tell_than_any_order(share: float, maker: float, taker: float) -> None:
    deviations = CostDeviations(maker_bps=maker, taker_bps=taker)
    sent = planned_deviation(Answer.ORDERS_SENT, share, deviations)

    assert sent <= planned_deviation(Answer.ANY_ORDER, share, deviations) * (1 + 1e-9)


@given(share=st.floats(0.001, 0.999), half_width=st.floats(0.05, 10))
def test_as_many_orders_as_planned_have_the_half_width(share: float, half_width: float) -> None:
    orders = orders_until(half_width, Answer.ORDERS_SENT, share, CostDeviations())
    deviation = planned_deviation(Answer.ORDERS_SENT, share, CostDeviations())

    assert orders is not None
    assert anytime_margin(orders, deviation) <= half_width
    assert remaining_orders(0, deviation, half_width) == orders
    assert remaining_orders(orders - 1, deviation, half_width) == 1
    assert remaining_orders(orders + 5, deviation, half_width) == 0


def test_two_of_a_hundred_orders_at_a_fee_gap_of_three_cost_six_hundredths_of_a_basis_point() -> None:
    assert holdout_cost_bps(0.02, 3.0) == pytest.approx(0.06)
    assert holdout_cost_bps(0.02, -3.0) == pytest.approx(0.06)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_a_share_with_nothing_to_compare_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        planned_deviation(Answer.ORDERS_SENT, share, CostDeviations())
