"""Orders that are posted anew, shares of orders, rules of filling: by hand, and against a loop in plain form."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from jobs.backtest.actions import FULL_WAIT, HALF_WAIT, TAKER, Action
from jobs.backtest.execution import Execution
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders
from jobs.backtest.outages import OutagePlan
from jobs.backtest.outcomes import Outcomes, OutcomesByAction
from tests.support.backtest_markets import FEES, MINUTE, START_SECONDS, market, orders
from tests.support.families import family

BUY, SELL = 1, -1
EVERY_BAR = replace(FULL_WAIT, maker_posts=4)
# high, low, close; the tick is 0.5, and the maker price a tick from the close
RISING = (
    (100.5, 99.5, 100.0),
    (101.0, 100.0, 101.0),
    (102.0, 100.5, 102.0),
    (102.5, 101.0, 101.0),
    (101.5, 100.0, 100.0),
    (100.5, 99.0, 99.0),
)


def outcomes(
    action: Action,
    *,
    side: int = BUY,
    bars: Sequence[tuple[float, float, float]] = RISING,
    execution: Execution | None = None,
    struck: bool = False,
    disagreement_draw: float = 0.5,
    noise_at_once: float = 0.0,
    noise_late: float = 0.0,
) -> Outcomes:
    draws = {"disagreement_draw": disagreement_draw, "noise_at_once": noise_at_once, "noise_late": noise_late}
    drawn = replace(orders((0, side)), **{name: np.array([value]) for name, value in draws.items()})
    plan = OutagePlan(duration=MINUTE, count=1, penalty_bps=5.0)
    happened = OutcomesByAction(drawn, [market(bars)], [FEES], execution or Execution(), np.array([struck]), plan)
    return happened.of(action)


@pytest.mark.parametrize(
    ("action", "filled", "slippage_bps", "bars_taken"),
    [
        # posted once at 99.5, which no bar of the four trades through: crosses at 100.0, half the spread 25, impact 0.5
        (FULL_WAIT, False, 25.5, 4),
        # at 99.5, then 100.5 from the close of bar 1, then 101.5 from that of bar 2: bar 3 trades down to 101.0
        (EVERY_BAR, True, 150.0, 3),
        # two posts: at 99.5 for two bars, then at 101.5
        (replace(FULL_WAIT, maker_posts=2), True, 150.0, 3),
        # three posts cannot share four bars evenly: two of two bars are not more
        (replace(FULL_WAIT, maker_posts=3), True, 150.0, 3),
        # more posts than bars: a post rests for one bar at least
        (replace(FULL_WAIT, maker_posts=9), True, 150.0, 3),
        # half the wait has time for two of the four: crosses at 102.0
        (replace(HALF_WAIT, maker_posts=4), False, 200 + 24.509804 + 0.5, 2),
    ],
)
def test_an_order_that_is_posted_anew_follows_the_price(
    action: Action, filled: bool, slippage_bps: float, bars_taken: int
) -> None:
    happened = outcomes(action)

    assert happened.is_filled[0] == filled
    assert happened.slippage_bps[0] == pytest.approx(slippage_bps, abs=1e-6)
    assert happened.cost_bps[0] == pytest.approx(slippage_bps + (2.0 if filled else 5.0), abs=1e-6)
    assert happened.ends_seconds[0] == START_SECONDS + (1 + bars_taken) * 60
    assert happened.went_through[0] == filled


@pytest.mark.parametrize(
    ("low", "filled_by", "went_through"),
    [
        # the limit is 99.5; 1 bps of it is 0.00995
        (99.505, (), False),
        (99.5, (FillRule.AT_LIMIT,), False),
        (99.495, (FillRule.AT_LIMIT, FillRule.THROUGH), True),
        (99.491, (FillRule.AT_LIMIT, FillRule.THROUGH), True),
        (99.489, (FillRule.AT_LIMIT, FillRule.THROUGH, FillRule.ONE_BPS_BEYOND), True),
        (99.47, tuple(FillRule), True),
    ],
)
def test_each_rule_fills_an_order_if_the_price_trades_as_far_as_it_states(
    low: float, filled_by: tuple[FillRule, ...], went_through: bool
) -> None:
    bars = (*[(100.5, 99.6, 100.0)] * 3, (100.5, low, 100.0), (100.5, 99.6, 100.0))

    happened = {rule: outcomes(FULL_WAIT, bars=bars, execution=Execution(fill_rule=rule)) for rule in FillRule}

    assert tuple(rule for rule in FillRule if happened[rule].is_filled[0]) == filled_by
    # a fill shows as well that the market came to the limit
    assert all(each.went_through[0] == (went_through or each.is_filled[0]) for each in happened.values())


def test_a_sell_fills_by_the_highs() -> None:
    bars = ((100.5, 99.5, 100.0), *[(100.505, 99.5, 100.0)] * 4)  # the limit is 100.5

    assert outcomes(FULL_WAIT, side=SELL, bars=bars).is_filled[0]
    assert not outcomes(
        FULL_WAIT, side=SELL, bars=bars, execution=Execution(fill_rule=FillRule.ONE_BPS_BEYOND)
    ).is_filled[0]


@pytest.mark.parametrize(
    ("disagreement_draw", "traded_through", "others"), [(0.009, False, True), (0.011, True, True), (0.031, True, False)]
)
def test_candles_and_fills_disagree_as_often_as_stated(
    disagreement_draw: float, traded_through: bool, others: bool
) -> None:
    through = outcomes(EVERY_BAR, disagreement_draw=disagreement_draw)
    never = outcomes(FULL_WAIT, disagreement_draw=disagreement_draw)

    assert (through.is_filled[0], never.is_filled[0]) == (traded_through, others)
    assert through.went_through[0]
    # one that the price did not reach fills at its limit, and at the end of its wait
    assert never.slippage_bps[0] == pytest.approx(-50.0 if others else 25.5)
    assert never.ends_seconds[0] == START_SECONDS + 5 * 60


def test_in_an_outage_nothing_fills_however_often_it_is_posted() -> None:
    happened = outcomes(EVERY_BAR, struck=True, disagreement_draw=0.02)

    assert not happened.is_filled[0]
    assert happened.went_through[0]
    # crosses at 100.0 after four bars, half the spread 25, impact, penalty
    assert happened.slippage_bps[0] == pytest.approx(25.5 + 5)


def test_a_sliver_rests_and_the_rest_of_the_order_crosses_at_once() -> None:
    sliver = Action(patience=1.0, maker_share=0.05)
    falling = (*RISING[:1], (100.5, 99.0, 99.5), *RISING[2:])

    filled, missed = outcomes(sliver, bars=falling), outcomes(sliver)

    # 5 % at 99.5 for 2 bps of fee, 95 % at once: 25.5 and 5 of fee
    assert filled.is_filled[0]
    assert filled.slippage_bps[0] == pytest.approx(0.05 * -50 + 0.95 * 25.5)
    assert filled.cost_bps[0] == pytest.approx(0.05 * -48 + 0.95 * 30.5)
    assert filled.ends_seconds[0] == START_SECONDS + 2 * 60
    assert missed.cost_bps[0] == pytest.approx(30.5)
    assert missed.ends_seconds[0] == START_SECONDS + 5 * 60


def test_chance_moves_the_price_of_crossing_at_once_and_of_crossing_late_each_by_its_own_draw() -> None:
    taken, missed, filled = (
        outcomes(action, noise_at_once=2.0, noise_late=-1.0) for action in (TAKER, FULL_WAIT, EVERY_BAR)
    )

    # 0.7 bps is one standard deviation
    assert taken.slippage_bps[0] == pytest.approx(25.5 + 1.4)
    assert missed.slippage_bps[0] == pytest.approx(25.5 - 0.7)
    assert filled.slippage_bps[0] == pytest.approx(150.0)


def in_plain_form(
    of: Market, drawn: Orders, number: int, action: Action, execution: Execution
) -> tuple[bool, int, float]:
    """Walk one order bar by bar: whether it filled, in which bar it ended, and at what price it rested last."""
    wait = max(1, int(execution.wait_bars * action.patience))
    each = next(bars for bars in range(1, 10) if bars * action.maker_posts >= execution.wait_bars)
    side, bar, draw = int(drawn.side[number]), int(drawn.bar[number]), drawn.disagreement_draw[number]
    beyond = {FillRule.AT_LIMIT: 0, FillRule.THROUGH: 0, FillRule.ONE_BPS_BEYOND: 1, FillRule.TWO_BPS_BEYOND: 2}
    could_fill, ticks = False, 0
    for later in range(1, wait + 1):
        if (later - 1) % each == 0:
            # in ticks of 0.01: whole numbers, so nothing is rounded twice
            close = round(float(of.bars.close[bar + later - 1]) * 100)
            away = max(close * execution.offset_bps / 1e4, 0.5)
            ticks = int(np.floor(close - away + 1e-6)) if side > 0 else int(np.ceil(close + away - 1e-6))
        extreme = round(float(of.bars.low[bar + later] if side > 0 else of.bars.high[bar + later]) * 100)
        depth = side * (ticks - extreme)
        enough = (
            depth >= 0
            if execution.fill_rule is FillRule.AT_LIMIT
            else depth > ticks * beyond[execution.fill_rule] / 1e4 + 1e-6
        )
        could_fill = could_fill or enough
        if enough and draw >= execution.missed_share:
            return True, bar + later, ticks / 100
    return not could_fill and draw < execution.unseen_fill_share, bar + wait, ticks / 100


@family(
    short=60,
    long=3000,
    seed=st.integers(0, 10**6),
    wait_bars=st.integers(1, 9),
    posts=st.integers(1, 10),
    patience=st.sampled_from([0.25, 0.5, 1.0]),
    offset_bps=st.sampled_from([0.0, 1.0, 5.0]),
    fill_rule=st.sampled_from(FillRule),
)
def test_every_order_fills_when_a_walk_bar_by_bar_says_so(
    seed: int, wait_bars: int, posts: int, patience: float, offset_bps: float, fill_rule: FillRule
) -> None:
    chance = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(chance.integers(-5, 6, 40))
    bars = np.stack([close + chance.integers(0, 6, 40), close - chance.integers(0, 6, 40), close], axis=1) / 100
    of = market([(float(high), float(low), float(last)) for high, low, last in bars], tick=0.01)
    drawn = orders(
        *zip(chance.integers(0, 40 - wait_bars, 20).tolist(), chance.choice((-1, 1), 20).tolist(), strict=True)
    )
    drawn = replace(drawn, disagreement_draw=chance.choice((0.005, 0.02, 0.5), 20))
    action = Action(patience=patience, maker_posts=posts)
    execution = Execution(offset_bps=offset_bps, wait_bars=wait_bars, fill_rule=fill_rule)

    happened = OutcomesByAction(drawn, [of], [FEES], execution, np.zeros(20, dtype=np.bool_), None).of(action)

    for number in range(20):
        is_filled, end_bar, price = in_plain_form(of, drawn, number, action, execution)
        assert (happened.is_filled[number], happened.ends_seconds[number]) == (
            is_filled,
            of.bars.close_seconds[end_bar],
        )
        if is_filled:
            arrival = of.bars.close[drawn.bar[number]]
            paid_bps = drawn.side[number] * (price - arrival) / arrival * 1e4
            assert happened.slippage_bps[number] == pytest.approx(paid_bps, abs=1e-6)
