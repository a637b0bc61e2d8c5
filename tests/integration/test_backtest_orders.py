"""Orders and outages as they are drawn: as often as asked, alike for one seed, never where candles are missing."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from jobs.backtest.errors import BacktestError
from jobs.backtest.orders import Orders, Profile, coin_profile, draw_orders
from jobs.backtest.outages import Outage, OutagePlan, Reach, arriving_within, draw_outages, usual_count
from tests.support.backtest_markets import START_SECONDS, market, walking

DAY_SECONDS = 86400
QUARTER_HOURS_OF_A_DAY = 96
HOUR = timedelta(hours=1)


def drawn(*symbols: str, rate: float = 20.0, days: int = 30, seed: int = 1, repetition: int = 0) -> Orders:
    markets = [walking(symbol, days * QUARTER_HOURS_OF_A_DAY) for symbol in symbols]
    return draw_orders(markets, {symbol: coin_profile(rate) for symbol in symbols}, 4, seed=seed, repetition=repetition)


def test_orders_come_as_often_as_asked_and_on_both_sides() -> None:
    orders = drawn("BTCUSDT", rate=50.0, days=200)

    assert len(orders) == pytest.approx(50 * 200, rel=0.05)  # five standard deviations
    assert (orders.side == 1).mean() == pytest.approx(0.5, abs=0.03)
    assert set(orders.side.tolist()) == {1, -1}


def test_chance_is_even_from_0_to_1_and_the_noise_of_prices_deviates_by_1() -> None:
    orders = drawn("BTCUSDT", rate=90.0, days=200)

    for draw in (orders.failure_draw, orders.disagreement_draw):
        assert np.quantile(draw, (0.25, 0.75)) == pytest.approx((0.25, 0.75), abs=0.02)
    for noise in (orders.noise_at_once, orders.noise_late):
        assert (noise.mean(), noise.std()) == (pytest.approx(0.0, abs=0.03), pytest.approx(1.0, abs=0.08))
    assert abs(np.corrcoef(orders.noise_at_once, orders.noise_late)[0, 1]) < 0.03


def test_the_same_seed_draws_the_same_and_another_run_or_seed_others() -> None:
    orders, again = drawn("BTCUSDT"), drawn("BTCUSDT")

    assert orders.bar.tolist() == again.bar.tolist()
    assert orders.failure_draw.tolist() == again.failure_draw.tolist()
    assert orders.bar.tolist() != drawn("BTCUSDT", repetition=1).bar.tolist()
    assert orders.bar.tolist() != drawn("BTCUSDT", seed=2).bar.tolist()


def test_a_market_gets_the_same_orders_whatever_others_there_are() -> None:
    alone, together = drawn("ETHUSDT"), drawn("BTCUSDT", "ETHUSDT")
    mine = together.chosen(together.market == 1)

    assert mine.arrives_seconds.tolist() == alone.arrives_seconds.tolist()
    assert mine.side.tolist() == alone.side.tolist()
    assert mine.probe_number.tolist() == alone.probe_number.tolist()


def test_orders_are_in_the_order_of_arrival_at_the_close_of_their_bar() -> None:
    orders = drawn("BTCUSDT", "ETHUSDT")

    assert np.all(np.diff(orders.arrives_seconds) >= 0)
    assert orders.arrives_seconds.tolist() == (START_SECONDS + (orders.bar + 1) * 900).tolist()


def test_no_order_waits_into_a_hole_or_beyond_the_end() -> None:
    # minutes 0 to 9, then 12 to 19: with a wait of 4 bars, bars 0 to 5 and 10 to 13 have a whole wait before them
    minutes = [*range(10), *range(12, 20)]
    holed = market([(100.5, 99.5, 100.0)] * len(minutes), minutes=minutes)

    orders = draw_orders([holed], {"BTCUSDT": coin_profile(50_000)}, 4, seed=1, repetition=0)

    assert sorted(set(orders.bar.tolist())) == [*range(6), *range(10, 14)]


def test_orders_are_like_those_of_the_log_side_and_notional_together() -> None:
    like = Profile(orders_per_day=50, sides=np.array([1, -1]), notionals=np.array([10.0, 20.0]))
    markets = [walking("BTCUSDT", 30 * QUARTER_HOURS_OF_A_DAY)]

    orders = draw_orders(markets, {"BTCUSDT": like}, 4, seed=1, repetition=0)

    assert set(zip(orders.side.tolist(), orders.notional.tolist(), strict=True)) == {(1, 10.0), (-1, 20.0)}


@pytest.mark.parametrize("reach", Reach)
def test_outages_begin_after_a_week_and_those_of_a_market_never_touch(reach: Reach) -> None:
    markets = [walking(symbol, 30 * QUARTER_HOURS_OF_A_DAY) for symbol in ("BTCUSDT", "ETHUSDT")]
    plan = OutagePlan(duration=6 * HOUR, count=4, reach=reach)

    for repetition in range(20):
        outages = draw_outages(plan, markets, seed=1, repetition=repetition)
        mine, other = (
            [(outage.start_seconds, outage.end_seconds) for outage in outages if outage.market == m] for m in (0, 1)
        )
        assert len(mine) == len(other) == 4
        assert mine[0][0] >= START_SECONDS + 7 * DAY_SECONDS
        assert mine[-1][1] <= START_SECONDS + 30 * DAY_SECONDS
        assert all(before[1] < after[0] for before, after in pairwise(mine))
        assert all(end - start == 6 * 3600 for start, end in mine)
        assert (mine == other) == (reach is Reach.VENUE)


def test_an_order_is_in_an_outage_of_its_own_market_from_the_start_on_and_before_the_end() -> None:
    orders = drawn("BTCUSDT", "ETHUSDT", rate=90.0)
    markets = [walking(symbol, 30 * QUARTER_HOURS_OF_A_DAY) for symbol in ("BTCUSDT", "ETHUSDT")]
    outages = list(draw_outages(OutagePlan(duration=24 * HOUR, count=2), markets, seed=1, repetition=0))
    first, _, third = orders.chosen(orders.market == 0).arrives_seconds[:3].tolist()
    outages.append(Outage(market=0, start_seconds=first, end_seconds=third))

    within = arriving_within(orders, outages)

    slowly = [
        any(outage.market == index and outage.start_seconds <= at < outage.end_seconds for outage in outages)
        for index, at in zip(orders.market.tolist(), orders.arrives_seconds.tolist(), strict=True)
    ]
    assert within.tolist() == slowly
    assert 0 < within.sum() < len(orders)


def test_candles_that_are_too_short_for_the_outages_are_said_to_be() -> None:
    with pytest.raises(BacktestError, match=r"2 outages of 24 h need candles of 11 days; there are 10\.0"):
        draw_outages(
            OutagePlan(duration=24 * HOUR, count=2),
            [walking("BTCUSDT", 10 * QUARTER_HOURS_OF_A_DAY)],
            seed=1,
            repetition=0,
        )


@pytest.mark.parametrize(("hours", "count"), [(1, 10), (6, 4), (24, 2), (72, 1), (240, 1)])
def test_longer_outages_are_fewer(hours: int, count: int) -> None:
    assert usual_count(hours * HOUR) == count
