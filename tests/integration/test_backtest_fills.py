"""What becomes of an order: fills and costs worked out by hand."""

import numpy as np
import pytest

from jobs.backtest.actions import FULL_WAIT, HALF_WAIT, QUARTER_WAIT, TAKER, Action
from jobs.backtest.execution import Execution, crossing_bps, maker_prices
from jobs.backtest.market import Market
from jobs.backtest.outages import OutagePlan
from jobs.backtest.outcomes import OutcomesByAction
from tests.support.backtest_markets import FEES, MINUTE, START_SECONDS, market, orders

BUY, SELL = 1, -1
# high, low, close; the tick is 0.5, so half the spread is 0.25 and no maker price lies nearer
BARS = (
    (100.5, 99.5, 100.0),
    (100.5, 99.5, 100.0),
    (100.0, 99.0, 99.5),
    (101.0, 99.5, 101.0),
    (101.5, 100.5, 101.0),
    (102.0, 101.0, 102.0),
)


def worked_out(
    side: int, *, bar: int = 0, struck: bool = False, plan: OutagePlan | None = None, of: Market | None = None
) -> OutcomesByAction:
    return OutcomesByAction(orders((bar, side)), [of or market(BARS)], [FEES], Execution(), np.array([struck]), plan)


@pytest.mark.parametrize(
    ("side", "action", "filled", "slippage_bps", "cost_bps", "bars_taken"),
    [
        # buys at 99.5: bar 1 only touches it, bar 2 trades below: 0.5 of 100 better than at arrival, and 2 of fee
        (BUY, FULL_WAIT, True, -50.0, -48.0, 2),
        (BUY, HALF_WAIT, True, -50.0, -48.0, 2),
        # one bar is not enough: crosses at 100.0, half the spread 25 and 0.5 of impact above, and 5 of fee
        (BUY, QUARTER_WAIT, False, 25.5, 30.5, 1),
        (BUY, TAKER, False, 25.5, 30.5, 0),
        # sells at 100.5: touched in bar 1, traded through in bar 3
        (SELL, FULL_WAIT, True, -50.0, -48.0, 3),
        # two bars: crosses at 99.5, 50 worse than at arrival, half the spread 0.25 / 99.5
        (SELL, HALF_WAIT, False, 50.0 + 25.125628 + 0.5, 80.625628, 2),
        (SELL, QUARTER_WAIT, False, 25.5, 30.5, 1),
        (SELL, TAKER, False, 25.5, 30.5, 0),
    ],
)
def test_an_order_fills_and_costs_what_was_worked_out_by_hand(
    side: int, action: Action, filled: bool, slippage_bps: float, cost_bps: float, bars_taken: int
) -> None:
    outcomes = worked_out(side).of(action)

    assert outcomes.is_filled[0] == filled
    assert outcomes.slippage_bps[0] == pytest.approx(slippage_bps, abs=1e-6)
    assert outcomes.cost_bps[0] == pytest.approx(cost_bps, abs=1e-6)
    assert outcomes.ends_seconds[0] == START_SECONDS + (1 + bars_taken) * MINUTE.total_seconds()


def test_the_bar_of_arrival_fills_nothing() -> None:
    # bar 2 itself trades below the 99.0 at which an order at its close would buy; none of the later ones does
    bars = (*BARS[:2], (100.0, 98.0, 99.5), *BARS[3:], *BARS[4:])

    outcomes = worked_out(BUY, bar=2, of=market(bars))

    assert not outcomes.of(FULL_WAIT).is_filled[0]


def test_in_an_outage_a_maker_order_does_not_fill_and_crosses_late_and_dearer() -> None:
    plan = OutagePlan(duration=MINUTE, count=1, penalty_bps=7.0)

    outcomes = worked_out(BUY, struck=True, plan=plan)

    # crosses at 101.0 after four bars: 100 worse, half the spread 0.25 / 101, impact, penalty
    assert outcomes.of(FULL_WAIT).slippage_bps[0] == pytest.approx(100 + 24.752475 + 0.5 + 7, abs=1e-6)
    assert outcomes.of(TAKER).slippage_bps[0] == pytest.approx(25.5)
    assert not outcomes.of(FULL_WAIT).is_filled[0]
    assert outcomes.of(FULL_WAIT).went_through[0]
    assert not outcomes.is_rejected[0]


def test_only_the_plan_that_says_so_has_the_venue_refuse_the_order() -> None:
    plan = OutagePlan(duration=MINUTE, count=1, is_rejected=True)

    assert worked_out(BUY, struck=True, plan=plan).is_rejected[0]
    assert not worked_out(BUY, struck=False, plan=plan).is_rejected[0]


@pytest.mark.parametrize(
    ("offset_bps", "tick", "side", "price"),
    [
        (1.0, 0.01, BUY, 99.99),  # 1 bp of 100 is a tick
        (1.0, 0.01, SELL, 100.01),
        (1.5, 0.01, BUY, 99.98),  # 99.985 goes to the tick behind it
        (1.5, 0.01, SELL, 100.02),
        (1.0, 0.5, BUY, 99.5),  # not nearer than half the spread
        (0.0, 0.01, BUY, 99.99),
        (30.0, 0.1, SELL, 100.3),
    ],
)
def test_the_maker_price_is_the_tick_at_or_behind_the_offset(
    offset_bps: float, tick: float, side: int, price: float
) -> None:
    maker_price = maker_prices(market(BARS, tick=tick), Execution(offset_bps=offset_bps), side)

    assert maker_price[0] == pytest.approx(price, abs=1e-9)


@pytest.mark.parametrize(
    ("wait_bars", "full", "half", "quarter"), [(4, 4, 2, 1), (8, 8, 4, 2), (1, 1, 1, 1), (6, 6, 3, 1), (60, 60, 30, 15)]
)
def test_parts_of_the_wait_are_whole_bars_one_at_least(wait_bars: int, full: int, half: int, quarter: int) -> None:
    execution = Execution(wait_bars=wait_bars)

    waits = [execution.waits(action) for action in (FULL_WAIT, HALF_WAIT, QUARTER_WAIT)]

    assert waits == [full, half, quarter]
    assert execution.waits(TAKER) == 0


def restless(reach: float) -> Market:
    """450 bars of a range of 1, then 50 of another."""
    calm, other = (100.5, 99.5, 100.0), (100 + reach / 2, 100 - reach / 2, 100.0)
    return market([calm] * 450 + [other] * 50)


def test_crossing_widens_with_volatility_and_does_not_narrow_below_the_spread() -> None:
    hot, quiet = crossing_bps(restless(2.0), Execution()), crossing_bps(restless(0.5), Execution())

    # ranges of 2 over 50 bars and (450 + 100) / 500 = 1.1 over 500: a ratio of 1.818..., on spread and impact
    assert hot[-1] == pytest.approx((25 + 0.5) * 2 / 1.1)
    # 0.5 and (450 + 25) / 500 = 0.95: a ratio of 0.526..., on the impact alone
    assert quiet[-1] == pytest.approx(25 + 0.5 * 0.5 / 0.95)
    # the bar before is only the 499th: nothing is known, and the ratio counts as 1
    assert hot[-2] == pytest.approx(25.5)


def test_a_spread_that_is_given_goes_before_the_one_of_the_candles() -> None:
    assert crossing_bps(market(BARS), Execution(half_spread_bps=3.0))[0] == pytest.approx(3.5)
