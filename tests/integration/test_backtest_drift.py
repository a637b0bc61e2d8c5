"""Sides that foresee the price: as far as asked on average, and refused if no choice of sides reaches so far."""

import numpy as np
import pytest

from jobs.backtest.drift import tilted_sides
from jobs.backtest.errors import BacktestError
from jobs.backtest.orders import Orders, coin_profile, draw_orders
from tests.support.backtest_markets import walking

WAIT_BARS = 4


@pytest.mark.parametrize("drift_bps", [1.0, 3.0, 5.0])
def test_the_price_moves_on_average_as_far_with_an_order_as_asked(drift_bps: float) -> None:
    chance = np.random.default_rng(1)
    moves_bps = chance.normal(0, 10, 50_000)  # 8 on average either way

    side = tilted_sides("BTCUSDT", moves_bps, drift_bps, chance.random(50_000), np.arange(50_000))

    assert set(side.tolist()) == {1, -1}
    assert (side * moves_bps).mean() == pytest.approx(drift_bps, abs=0.2)  # more than four standard errors
    assert (side == 1).mean() == pytest.approx(0.5, abs=0.02)


def test_larger_moves_are_foreseen_more_often() -> None:
    chance = np.random.default_rng(2)
    moves_bps = np.tile([1.0, -1.0, 20.0, -20.0], 10_000)

    goes_with = tilted_sides("BTCUSDT", moves_bps, 5.0, chance.random(40_000), np.arange(40_000)) == np.sign(moves_bps)

    assert goes_with[np.abs(moves_bps) > 1].mean() > goes_with[np.abs(moves_bps) <= 1].mean() + 0.1


def test_a_drift_beyond_all_moves_is_refused() -> None:
    with pytest.raises(
        BacktestError, match=r"a drift of 8 bps is out of reach for BTCUSDT: .* moves 6\.0 bps on average"
    ):
        tilted_sides("BTCUSDT", np.array([-4.0, 8.0]), 8.0, np.array([0.5]), np.array([0]))


def test_drawn_orders_have_the_drift_and_else_arrive_alike() -> None:
    of = walking("BTCUSDT", 30 * 96)

    def drawn(drift_bps: float) -> Orders:
        profile = coin_profile(90.0)
        return draw_orders([of], {"BTCUSDT": profile}, WAIT_BARS, seed=1, repetition=0, drift_bps=drift_bps)

    plain, tilted = drawn(0.0), drawn(4.0)
    moves_bps = (of.bars.close[tilted.bar + WAIT_BARS] / of.bars.close[tilted.bar] - 1) * 1e4

    assert tilted.bar.tolist() == plain.bar.tolist()
    assert (tilted.side * moves_bps).mean() == pytest.approx(4.0, abs=0.7)  # four standard errors
    assert abs((plain.side * moves_bps).mean()) < 0.7
