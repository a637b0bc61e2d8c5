"""What maker orders that were never sent would have saved: the mean over chance's orders, and how much these tell."""

import pytest

from policy.experiment.never_sent import estimate_never_sent
from policy.experiment.saving import Answer, ExperimentOrder, OrderEffect


def effect(
    expected_bps: float, *, is_maker: bool = False, propensity: float = 0.95, surprise: float = 0.0
) -> OrderEffect:
    order = ExperimentOrder(
        symbol="BTCUSDT", is_maker=is_maker, is_held_out=is_maker, propensity=propensity, cost_bps=1.0
    )
    return OrderEffect(order=order, expected_bps=expected_bps, surprise_bps=surprise)


def test_without_a_maker_order_of_that_time_nothing_is_known() -> None:
    assert estimate_never_sent([]) is None
    assert estimate_never_sent([effect(-2.0), effect(-2.0)]) is None


def test_the_saving_is_the_mean_of_what_each_order_lets_one_expect_corrected_by_the_maker_orders() -> None:
    # Maker is expected to cost 2 less; the order that went maker cost 0.1 more than that, and stands for 20.
    effects = [effect(-2.0), effect(-2.0), effect(-2.0), effect(-2.0, is_maker=True, propensity=0.05, surprise=0.1)]

    estimate = estimate_never_sent(effects)

    assert estimate is not None
    assert estimate.saving.saving == pytest.approx((2 + 2 + 2 + (2 - 0.1 / 0.05)) / 4)
    assert (estimate.saving.order_count, estimate.saving.maker_count) == (4, 1)
    assert estimate.saving.interval(Answer.ANY_ORDER) is None  # too few of either way
    assert estimate.effective_count == 1.0


def test_orders_of_other_probabilities_tell_less_than_their_number() -> None:
    # Weights 20, 20 and 10: 50^2 / (400 + 400 + 100)
    shares = (0.05, 0.05, 0.1)
    estimate = estimate_never_sent([effect(-2.0, is_maker=True, propensity=share) for share in shares])

    assert estimate is not None
    assert estimate.effective_count == pytest.approx(2500 / 900)
