"""The cost of maker orders: samples merged as if all their orders were one, and the estimate with its margin."""

from math import log, sqrt
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.cost_text import cost_from_text, cost_to_text
from policy.maker_cost import CostRoute, CostSample, MakerCost, estimated, merged

COSTS = st.lists(st.floats(-150.0, 150.0), max_size=12)
SAMPLES = st.builds(
    CostSample,
    order_count=st.integers(0, 10**9),
    mean_bps=st.floats(-150.0, 150.0),
    deviation_bps=st.floats(0.0, 150.0),
)


def sample(costs: list[float]) -> CostSample:
    if not costs:
        return CostSample()
    return CostSample(order_count=len(costs), mean_bps=fmean(costs), deviation_bps=pstdev(costs))


@given(parts=st.lists(COSTS, max_size=4))
def test_merged_samples_are_those_of_all_their_orders(parts: list[list[float]]) -> None:
    every = [cost for part in parts for cost in part]

    together = merged(sample(part) for part in parts)

    assert together.order_count == len(every)
    assert together.mean_bps == pytest.approx(fmean(every) if every else 0.0, abs=1e-6)
    assert together.deviation_bps == pytest.approx(pstdev(every) if every else 0.0, abs=1e-5)


def test_a_fee_gap_lowers_the_mean_and_not_the_deviation() -> None:
    filled = CostSample(order_count=4, mean_bps=-1.0, deviation_bps=2.0)

    assert filled.less(3.0) == CostSample(order_count=4, mean_bps=-4.0, deviation_bps=2.0)


def test_the_estimate_takes_off_what_taker_orders_paid_beyond_their_quotes() -> None:
    # Variance 9^2 + 800 * 0.8^2 / 32 = 97; 800 orders at x = 8 / 2000 are a mixture of 3.2.
    maker = CostSample(order_count=800, mean_bps=2.0, deviation_bps=9.0)
    taker = CostSample(order_count=32, mean_bps=0.5, deviation_bps=0.8)

    estimate = estimated(maker, taker)

    assert estimate is not None
    assert (estimate.order_count, estimate.mean_bps) == (800, 1.5)
    assert estimate.margin_bps == pytest.approx(sqrt(97 * 4.2 / (800 * 3.2) * log(4.2 / 0.05**2)), abs=1e-9)


def test_with_fewer_than_ten_taker_orders_crossing_counts_as_its_quote() -> None:
    maker = CostSample(order_count=800, mean_bps=2.0, deviation_bps=9.0)
    nine, ten = (CostSample(order_count=count, mean_bps=0.5, deviation_bps=0.0) for count in (9, 10))

    few, enough = estimated(maker, nine), estimated(maker, ten)

    assert few is not None
    assert enough is not None
    assert (few.mean_bps, enough.mean_bps) == (2.0, 1.5)
    assert few.margin_bps == enough.margin_bps


def test_without_maker_orders_there_is_no_estimate() -> None:
    assert estimated(CostSample(), CostSample(order_count=50, mean_bps=1.0, deviation_bps=1.0)) is None


@pytest.mark.parametrize(
    ("mean_bps", "route"), [(0.5, None), (-0.5, None), (1.0, CostRoute.TAKER), (-1.0, CostRoute.MAKER)]
)
def test_the_way_that_costs_less_is_known_if_the_margin_excludes_zero(mean_bps: float, route: CostRoute | None) -> None:
    # 10 * sqrt(9 / (2000 * 8) * log(9 / 0.0025)) = 0.679
    estimate = estimated(CostSample(order_count=2000, mean_bps=mean_bps, deviation_bps=10.0), CostSample())

    assert estimate is not None
    assert estimate.margin_bps == pytest.approx(0.679, abs=1e-3)
    assert estimate.route is route


@given(maker=SAMPLES, taker=SAMPLES)
def test_the_text_reads_back_as_it_was_written(maker: CostSample, taker: CostSample) -> None:
    cost = MakerCost(maker=maker, taker=taker)

    assert cost_from_text(cost_to_text(cost)) == cost


def test_the_text_is_plain_json() -> None:
    cost = MakerCost(maker=CostSample(order_count=3, mean_bps=-0.5, deviation_bps=1.25))

    assert cost_to_text(cost) == (
        '{"maker":{"deviation_bps":1.25,"mean_bps":-0.5,"order_count":3},'
        '"taker":{"deviation_bps":0.0,"mean_bps":0.0,"order_count":0}}'
    )
