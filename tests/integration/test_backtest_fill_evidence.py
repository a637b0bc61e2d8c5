"""The fill rule that a log supports: by hand, and named right for logs that each rule makes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.terminal.backtest_report import fill_evidence_words
from jobs.backtest.actions import FULL_WAIT
from jobs.backtest.execution import Execution, maker_prices
from jobs.backtest.fill_evidence import FillEvidence, RestedOrders, fill_evidence
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market
from jobs.backtest.orders import coin_profile, draw_orders
from jobs.backtest.outcomes import OutcomesByAction
from jobs.backtest.reading import read_log
from tests.support.backtest_markets import FEES, START, START_SECONDS, market
from tests.support.outcomes import NAMES, outcome, write_csv
from tests.support.small_runs import canonical

BUY, SELL = 1, -1
# four bars of a minute; the tick is 0.5
BARS = ((100.5, 99.5, 100.0), (100.5, 99.0, 100.0), (101.0, 99.5, 100.5), (101.5, 100.0, 101.0))


def rested(*each: tuple[int, float, float, float, bool]) -> RestedOrders:
    """Orders from side, price, the minutes from and until, and whether it filled."""
    side, price, start, end, filled = zip(*each, strict=True)
    return RestedOrders(
        side=np.array(side),
        price=np.array(price),
        from_seconds=START_SECONDS + 60 * np.array(start, dtype=np.float64),
        until_seconds=START_SECONDS + 60 * np.array(end, dtype=np.float64),
        is_filled=np.array(filled),
    )


def seen(*each: tuple[int, float, float, float, bool]) -> FillEvidence:
    return fill_evidence({"BTCUSDT": rested(*each)}, {"BTCUSDT": market(BARS)})


@pytest.mark.parametrize(
    ("order", "contradicted"),
    [
        # misses: only bars 1 and 2 are wholly inside; they trade down to 99.0
        ((BUY, 98.5, 0.5, 3.5, False), ()),
        ((BUY, 99.0, 0.5, 3.5, False), (FillRule.AT_LIMIT,)),
        ((BUY, 99.0 + 0.004, 0.5, 3.5, False), (FillRule.AT_LIMIT, FillRule.THROUGH)),
        ((BUY, 99.0 + 0.015, 0.5, 3.5, False), (FillRule.AT_LIMIT, FillRule.THROUGH, FillRule.ONE_BPS_BEYOND)),
        ((BUY, 99.5, 0.5, 3.5, False), tuple(FillRule)),
        ((SELL, 101.0, 0.5, 3.5, False), (FillRule.AT_LIMIT,)),
        ((SELL, 101.5, 0.5, 3.5, False), ()),  # bar 3 reaches it, and is not wholly inside
        # fills: bars 1 to 3 overlap the rest
        ((BUY, 99.0, 1.5, 3.5, True), (FillRule.THROUGH, FillRule.ONE_BPS_BEYOND, FillRule.TWO_BPS_BEYOND)),
        ((BUY, 98.5, 1.5, 3.5, True), tuple(FillRule)),
        ((SELL, 101.0, 1.5, 3.5, True), ()),
        ((SELL, 101.0, 1.5, 2.9, True), (FillRule.THROUGH, FillRule.ONE_BPS_BEYOND, FillRule.TWO_BPS_BEYOND)),
    ],
)
def test_an_order_contradicts_a_rule_by_the_bars_that_can_tell(
    order: tuple[int, float, float, float, bool], contradicted: tuple[FillRule, ...]
) -> None:
    evidence = seen(order)

    assert evidence.order_count == 1
    assert tuple(rule for rule, count in evidence.contradiction_count.items() if count) == contradicted


@pytest.mark.parametrize(
    "order",
    [
        (BUY, 99.0, 0.5, 1.5, False),  # no bar is wholly inside
        (BUY, 99.0, 4.0, 9.0, False),  # the candles end before it
        (BUY, 99.0, 4.0, 9.0, True),
        (BUY, 99.0, -9.0, 0.0, True),
    ],
)
def test_an_order_that_no_bar_covers_tells_nothing(order: tuple[int, float, float, float, bool]) -> None:
    assert seen(order).order_count == 0
    assert seen(order).supported is None


def test_a_rule_is_supported_only_beyond_three_standard_errors() -> None:
    touched_and_missed = (BUY, 99.0, 0.5, 3.5, False)  # contradicts the first rule only
    through_and_filled = (BUY, 99.0 + 0.004, 0.5, 3.5, True)  # contradicts the last two

    # 9 of 9 are three standard errors of 9 tosses, 10 of 10 are more
    few, enough = (seen(*[touched_and_missed] * count, *[through_and_filled] * 10) for count in (9, 10))

    assert (few.supported, enough.supported) == (None, FillRule.THROUGH)
    assert enough.contradiction_count == {
        FillRule.AT_LIMIT: 10,
        FillRule.THROUGH: 0,
        FillRule.ONE_BPS_BEYOND: 10,
        FillRule.TWO_BPS_BEYOND: 10,
    }


def test_symbols_without_candles_and_logs_without_orders_tell_nothing() -> None:
    order = (BUY, 99.0, 0.5, 3.5, False)

    for log in ({}, {"ETHUSDT": rested(order)}):
        evidence = fill_evidence(log, {"BTCUSDT": market(BARS)})
        assert (evidence.order_count, evidence.supported) == (0, None)


def finely_walking(bar_count: int) -> Market:
    """A price of about 100 that walks at random, in ticks of a tenth of a basis point."""
    chance = np.random.default_rng(3)
    close = 100_000 + np.cumsum(chance.integers(-60, 61, bar_count))
    high, low = (close + sign * chance.integers(0, 120, bar_count) for sign in (1, -1))
    bars = np.stack([high, low, close], axis=1) / 1000
    return market([(float(each[0]), float(each[1]), float(each[2])) for each in bars], tick=0.001)


def log_of(of: Market, fill_rule: FillRule) -> RestedOrders:
    """What a bot would log if its orders filled by this rule, at any moment of the bar of the fill."""
    execution = Execution(fill_rule=fill_rule)
    orders = draw_orders([of], {of.symbol: coin_profile(3000.0)}, 4, seed=1, repetition=0)
    outcomes = OutcomesByAction(orders, [of], [FEES], execution, np.zeros(len(orders), dtype=np.bool_), None)
    sent = outcomes.of(FULL_WAIT)
    within_bar = np.random.default_rng(5).random(len(orders)) * of.bars.interval_seconds
    buys, sells = (maker_prices(of, execution, side)[orders.bar] for side in (BUY, SELL))
    return RestedOrders(
        side=orders.side,
        price=np.where(orders.side > 0, buys, sells),
        from_seconds=orders.arrives_seconds.astype(np.float64),
        until_seconds=sent.ends_seconds.astype(np.float64) - np.where(sent.is_filled, within_bar, 0.0),
        is_filled=sent.is_filled,
    )


@pytest.mark.parametrize("fill_rule", FillRule)
def test_a_log_supports_the_rule_by_which_its_orders_filled(fill_rule: FillRule) -> None:
    # candles and fills disagree about 1 and 3 % of the orders, as they do in every backtest
    of = finely_walking(60 * 96)

    assert fill_evidence({"BTCUSDT": log_of(of, fill_rule)}, {"BTCUSDT": of}).supported is fill_rule


def test_the_log_is_read_for_maker_orders_with_a_side_a_price_and_times(tmp_path: Path) -> None:
    rest: dict[str, Any] = {
        "maker_price": 99.5,
        "maker_from": START,
        "maker_until": START + timedelta(minutes=4, milliseconds=500),
    }
    rows = [
        outcome(1, at=START + timedelta(hours=1), side="sell", **rest),
        outcome(2, at=START + timedelta(hours=2), maker_filled=False, fallback_used=True, **rest),
        outcome(3, at=START + timedelta(hours=3), **rest | {"maker_price": None}),
        outcome(4, at=START + timedelta(hours=4), **rest | {"maker_from": None}),
        outcome(5, at=START + timedelta(hours=5), side=None, **rest),
        outcome(6, at=START + timedelta(hours=6), maker_started=False, maker_filled=False, **rest),
        outcome(7, at=START + timedelta(hours=7), slippage_bps=10_000.0, **rest),  # is not a sample
        outcome(8, at=START + timedelta(days=3), **rest),  # too late
    ]
    log = write_csv(tmp_path / "log.csv", rows, (*NAMES, *rest))

    (read,) = read_log(canonical(log), START, START + timedelta(days=2)).rested.values()

    assert (read.side.tolist(), read.is_filled.tolist(), read.price.tolist()) == ([-1, 1], [True, False], [99.5, 99.5])
    assert read.from_seconds.tolist() == [START_SECONDS] * 2
    assert read.until_seconds.tolist() == [START_SECONDS + 240.5] * 2


def test_the_words_name_the_rule_or_say_why_it_cannot_be_told() -> None:
    counts = dict(zip(FillRule, (40, 3, 90, 200), strict=True))

    named, doubtful = (
        FillEvidence(order_count=1500, contradiction_count=counts, supported=supported)
        for supported in (FillRule.THROUGH, None)
    )

    assert fill_evidence_words(named) == (
        "fill rule: the log supports fills through its limit (--fill-rule through); of 1,500 maker orders so many "
        "contradict a fill at its limit 40, through its limit 3, 1 bps beyond its limit 90, 2 bps beyond its limit 200"
    )
    assert fill_evidence_words(doubtful).startswith("fill rule: the log cannot tell, chance may decide between")
    assert "no maker order in it has a side, a price and times" in fill_evidence_words(fill_evidence({}, {}))
    assert "--orders-per-day" in fill_evidence_words(None)
