"""The running estimate of a saving: cases worked by hand, and what is true of all of them."""

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.experiment.confidence_sequence import anytime_margin, single_look_margin
from policy.experiment.estimate import estimate_saving, weight_of
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, OrderEffect, order_effects


def order(
    cost_bps: float, *, taker: bool = False, symbol: str = "A", share: float = 0.2, **known: float
) -> ExperimentOrder:
    """Make an order of a policy that says maker first; a taker order was held out."""
    return ExperimentOrder(
        symbol=symbol,
        is_maker=not taker,
        is_held_out=taker,
        propensity=share if taker else 1 - share,
        cost_bps=cost_bps,
        half_spread_bps=known.get("half_spread_bps"),
        taker_fee_bps=known.get("taker_fee_bps"),
        notional=known.get("notional"),
    )


def effects_of(*orders: ExperimentOrder) -> list[OrderEffect]:
    return list(order_effects(orders))


def test_each_order_uses_the_means_of_the_orders_before_it() -> None:
    effects = effects_of(order(4.0), order(8.0), order(9.0, taker=True), order(5.0))

    # Before the first order nothing is expected: 0 for both ways. It costs 4, with probability 0.8: 4 / 0.8.
    assert (effects[0].expected_bps, effects[0].effect_bps) == (0.0, 5.0)
    # The mean of maker is 4, and taker is expected to cost the same: 0 + (8 - 4) / 0.8.
    assert (effects[1].expected_bps, effects[1].effect_bps) == (0.0, pytest.approx(5.0))
    # Both are expected at (4 + 8) / 2 = 6, of the symbol and of all; taker costs 9 with probability 0.2: -3 / 0.2.
    assert (effects[2].expected_bps, effects[2].effect_bps) == (0.0, pytest.approx(-15.0))
    # Maker 6, taker 9: -3 + (5 - 6) / 0.8.
    assert (effects[3].expected_bps, effects[3].effect_bps) == (-3.0, pytest.approx(-4.25))


def test_taker_orders_are_expected_at_their_mean_less_the_half_spread_and_that_of_the_order() -> None:
    effects = effects_of(
        order(6.0, taker=True, half_spread_bps=1.0), order(9.0, taker=True, half_spread_bps=4.0), order(5.0)
    )

    # 6 less half a spread of 1 is a fee of 5; with half a spread of 4 the next is expected at 9, which it costs.
    assert effects[1].surprise_bps == pytest.approx(0.0)
    # Without a spread: taker 5, maker 0 as none came before; -5 + (5 - 0) / 0.8.
    assert effects[2].effect_bps == pytest.approx(-5 + 5 / 0.8)


def test_the_first_taker_order_is_expected_at_its_quote_if_the_fee_is_known() -> None:
    effects = effects_of(
        order(2.0),
        order(8.0, taker=True, half_spread_bps=1.0, taker_fee_bps=5.0),
        order(9.0, taker=True, half_spread_bps=1.0, taker_fee_bps=5.0),
    )

    # The quote is 1 + 5: 2 less than the cost. Maker is expected at 2: (2 - 6) - (8 - 6) / 0.2.
    assert (effects[1].expected_bps, effects[1].surprise_bps) == (-4.0, 2.0)
    assert effects[1].effect_bps == pytest.approx(-14.0)
    # The next is expected at 6 and the 2 beyond the quote that the first paid.
    assert effects[2].surprise_bps == pytest.approx(1.0)


def test_a_new_symbol_begins_at_the_mean_of_all_and_leaves_it_by_its_own_orders() -> None:
    effects = effects_of(order(4.0), order(4.0), order(10.0, symbol="B"), order(10.0, symbol="B"))

    # B begins at 4. Then all are at 18 / 3 = 6, which counts as five orders of B: (10 + 5 * 6) / 6.
    assert effects[2].surprise_bps == pytest.approx(6.0)
    assert effects[3].surprise_bps == pytest.approx(10 - 40 / 6)


def surprised(*surprises: float, taker: bool, share: float = 0.2) -> list[OrderEffect]:
    made = order(0.0, taker=taker, share=share)
    return [OrderEffect(order=made, expected_bps=-1.0, surprise_bps=surprise) for surprise in surprises]


def test_the_deviations_worked_by_hand() -> None:
    # Five orders each way: s1^2 = (36 + 36 + 36 + 36 + 36) / 5, s0^2 = 4; a share of 0.2 is held out.
    effects = [*surprised(6, -6, 6, -6, 6, taker=False), *surprised(2, -2, 2, -2, 2, taker=True)]
    estimate = estimate_saving(effects, [-1.0] * 10)

    assert estimate is not None
    assert (estimate.order_count, estimate.maker_count, estimate.taker_count) == (10, 5, 5)
    # The mean effect: -1 + (6 / 0.8 - 2 / 0.2) / 10 = -1 + (7.5 - 10) / 10; what is saved has the other sign.
    assert estimate.saving == pytest.approx(1.25)
    # sqrt(0.2 / 0.8) * 6 + sqrt(0.8 / 0.2) * 2 = 3 + 4; 36 / 0.8 + 4 / 0.2 = 65, and the expectation does not vary.
    assert estimate.deviation(Answer.ORDERS_SENT) == pytest.approx(7.0)
    assert estimate.deviation(Answer.ANY_ORDER) == pytest.approx(sqrt(65.0))


def test_both_intervals_lie_around_the_saving() -> None:
    estimate = estimate_saving([*surprised(*[3.0] * 5, taker=False), *surprised(*[3.0] * 5, taker=True)], [-1.0] * 10)

    assert estimate is not None
    for answer in Answer:
        deviation, anytime, single = (
            estimate.deviation(answer),
            estimate.interval(answer),
            estimate.single_look_interval(answer),
        )
        assert deviation is not None
        assert anytime is not None
        assert single is not None
        assert anytime.lower == pytest.approx(estimate.saving - anytime_margin(10, deviation))
        assert single.upper == pytest.approx(estimate.saving + single_look_margin(10, deviation))


@pytest.mark.parametrize(("maker_count", "taker_count"), [(4, 20), (20, 4), (20, 0)])
def test_with_fewer_than_five_orders_of_a_way_there_is_no_interval(maker_count: int, taker_count: int) -> None:
    effects = [*surprised(*[1.0] * maker_count, taker=False), *surprised(*[1.0] * taker_count, taker=True)]
    estimate = estimate_saving(effects, [-1.0] * len(effects))

    assert estimate is not None
    assert [estimate.interval(answer) for answer in Answer] == [None, None]
    assert [estimate.single_look_interval(answer) for answer in Answer] == [None, None]


def test_without_an_order_on_which_the_ways_differ_there_is_no_estimate() -> None:
    effects = surprised(*[1.0] * 5, taker=False)

    assert estimate_saving([], []) is None
    assert estimate_saving(effects, [0.0] * 5) is None


def test_the_five_orders_of_each_way_are_those_on_which_the_ways_differ() -> None:
    effects = [*surprised(*[1.0] * 20, taker=False), *surprised(*[1.0] * 20, taker=True)]
    four, five = ([1.0] * count + [0.0] * (20 - count) + [1.0] * 20 for count in (4, 5))
    with_four, with_five = estimate_saving(effects, four), estimate_saving(effects, five)

    assert with_four is not None
    assert with_five is not None
    assert (with_four.sent_deviation, with_four.any_deviation) == (None, None)
    assert with_five.interval(Answer.ORDERS_SENT) is not None


def test_a_policy_saves_where_it_differs_from_what_it_is_compared_with() -> None:
    as_said, held_out = order(1.0), order(1.0, taker=True)
    said_taker = ExperimentOrder(symbol="A", is_maker=False, is_held_out=False, propensity=0.9, cost_bps=1.0)

    assert (as_said.policy_is_maker, held_out.policy_is_maker, said_taker.policy_is_maker) == (True, True, False)
    assert [weight_of(Comparison.MAKER_AGAINST_TAKER, each) for each in (as_said, held_out, said_taker)] == [-1, -1, -1]
    assert [weight_of(Comparison.POLICY_AGAINST_TAKER, each) for each in (as_said, held_out, said_taker)] == [-1, -1, 0]
    assert [weight_of(Comparison.POLICY_AGAINST_MAKER, each) for each in (as_said, held_out, said_taker)] == [0, 0, 1]


costs = st.floats(-100, 100)
made_orders = st.builds(
    ExperimentOrder,
    symbol=st.sampled_from("ABC"),
    is_maker=st.booleans(),
    is_held_out=st.booleans(),
    propensity=st.floats(0.01, 0.99),
    cost_bps=costs,
    half_spread_bps=st.none() | st.floats(0, 20),
    taker_fee_bps=st.none() | st.floats(-2, 20),
    notional=st.none() | st.floats(1, 1e6),
)


@given(orders=st.lists(made_orders, max_size=30), later=st.lists(made_orders, max_size=10))
def test_later_orders_change_nothing_before_them(orders: list[ExperimentOrder], later: list[ExperimentOrder]) -> None:
    assert effects_of(*orders, *later)[: len(orders)] == effects_of(*orders)


@given(orders=st.lists(made_orders, max_size=20), asked=made_orders, other_cost=costs)
def test_the_effect_of_an_order_is_right_on_average_whatever_was_expected(
    orders: list[ExperimentOrder], asked: ExperimentOrder, other_cost: float
) -> None:
    maker_probability = asked.propensity if asked.is_maker else 1 - asked.propensity
    as_maker = replace(asked, is_maker=True, propensity=maker_probability)
    as_taker = replace(asked, is_maker=False, propensity=1 - maker_probability, cost_bps=other_cost)
    if_maker, if_taker = (effects_of(*orders, made)[-1].effect_bps for made in (as_maker, as_taker))

    mean = maker_probability * if_maker + (1 - maker_probability) * if_taker
    assert mean == pytest.approx(asked.cost_bps - other_cost, abs=1e-6)


def test_the_deviation_of_a_policy_that_changed_worked_by_hand() -> None:
    """Under maker first a fifth is held out, under taker a fifth too: five orders of each way in both halves.

    Maker orders have the probability 0.8 or 0.2: (h / p) r1^2 over all is (0.25 + 4) / 2 * 36, and (p / h) r0^2 is
    (4 + 0.25) / 2 * 4. No more than 6 * 2 is r1 r0, while the root of the product of these two is 2.125 * 12.
    """
    effects = [
        *surprised(6, -6, 6, -6, 6, taker=False, share=0.2),
        *surprised(2, -2, 2, -2, 2, taker=True, share=0.2),
        *surprised(6, -6, 6, -6, 6, taker=False, share=0.8),
        *surprised(2, -2, 2, -2, 2, taker=True, share=0.8),
    ]
    estimate = estimate_saving(effects, [-1.0] * 20)

    assert estimate is not None
    assert estimate.deviation(Answer.ORDERS_SENT) == pytest.approx(sqrt(2.125 * 36 + 2.125 * 4 + 2 * 12))


@given(orders=st.lists(made_orders, min_size=1, max_size=40), factor=st.floats(0.01, 100))
def test_a_saving_and_its_deviations_have_the_unit_of_the_weights(orders: list[ExperimentOrder], factor: float) -> None:
    effects = effects_of(*orders)
    plain = estimate_saving(effects, [-1.0] * len(effects))
    scaled = estimate_saving(effects, [-factor] * len(effects))

    assert plain is not None
    assert scaled is not None
    assert scaled.saving == pytest.approx(factor * plain.saving, rel=1e-6, abs=1e-6)
    for answer in Answer:
        deviation, other = plain.deviation(answer), scaled.deviation(answer)
        assert (other is None) == (deviation is None)
        if deviation is not None:
            assert other == pytest.approx(factor * deviation, rel=1e-6, abs=1e-6)
