"""The simulated router and the lines that its executions are logged as."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from jobs.demo.log_rows import close_row, order_row
from jobs.demo.market import Listing, Market
from jobs.demo.router import Conditions, Execution, Order, Side, SimulatedRouter

START = datetime(2026, 4, 16, 12, 0, tzinfo=UTC)
LISTING = Listing(symbol="CALM", price=100.0, decimals=2, spread_bps=6.0, volatility_bps=5.0)
HALF_SPREAD = 0.03


def executions(conditions: Conditions, count: int = 400) -> list[Execution]:
    random = Random(3)
    router = SimulatedRouter(Market([LISTING], random, START, START + timedelta(days=1)), random)
    orders = (
        Order(symbol="CALM", side=Side.BUY, contracts=2.0, at_seconds=START.timestamp() + 60 * number)
        for number in range(count)
    )
    return [router.execute(order, conditions) for order in orders]


def test_a_healthy_router_rests_at_the_bid_and_is_filled_there() -> None:
    started = [one for one in executions(Conditions(fill_chance=1.0, reject_chance=0.0)) if one.is_maker_start]

    assert len(started) > 300
    assert all(one.is_maker_fill and not one.is_fallback and one.reject_count == 0 for one in started)
    assert all(one.price == pytest.approx(one.mark - HALF_SPREAD, abs=0.006) for one in started)
    assert all(0.2 <= one.waited_seconds <= 4.0 for one in started)
    assert all(one.done_seconds > one.order.at_seconds + one.waited_seconds for one in started)


def test_what_is_not_filled_in_time_crosses_the_spread_or_is_given_up() -> None:
    started = [one for one in executions(Conditions(fill_chance=0.0, reject_chance=0.0)) if one.is_maker_start]

    fallbacks, given_up = ([one for one in started if one.is_fallback is flag] for flag in (True, False))
    assert not any(one.is_maker_fill for one in started)
    assert {one.waited_seconds for one in started} == {4.0}
    assert all(one.price is None for one in given_up)
    assert 0 < len(given_up) < len(fallbacks) / 10
    # the mid moves by some 5 bps a minute, so in 4 seconds by little beside the half spread of 3 bps
    confirmed = [one.price - one.mark for one in fallbacks if one.price]
    assert sum(confirmed) / len(confirmed) == pytest.approx(HALF_SPREAD, abs=0.01)
    assert 0 < sum(one.price == 0 for one in fallbacks) < len(fallbacks) / 10


def test_an_order_that_is_refused_twice_falls_back_at_once() -> None:
    started = [one for one in executions(Conditions(fill_chance=1.0, reject_chance=1.0)) if one.is_maker_start]

    assert {(one.reject_count, one.waited_seconds, one.is_maker_fill) for one in started} == {(2, 0.0, False)}


def test_a_tenth_goes_straight_to_taker_and_says_so() -> None:
    direct = [one for one in executions(Conditions(fill_chance=1.0), 2000) if not one.is_maker_start]

    assert 140 < len(direct) < 260
    assert not any(one.is_maker_fill or one.is_fallback for one in direct)


def execution(side: Side, price: float | None, **more: bool | int) -> Execution:
    return Execution(
        order=Order(symbol="CALM", side=side, contracts=3.0, at_seconds=1_776_333_600.0),
        mark=200.0,
        price=price,
        is_maker_start=True,
        waited_seconds=1.5,
        done_seconds=1_776_333_601.625,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("side", "price", "slippage_bps"),
    [
        (Side.BUY, 200.1, 5.0),  # paid 0.1 more than 200
        (Side.SELL, 200.1, -5.0),
        (Side.BUY, 199.9, -5.0),
        (Side.SELL, 199.9, 5.0),
        (Side.BUY, 0.0, -10_000.0),  # not confirmed: what such a row's formula gives in real logs
        (Side.SELL, 0.0, 10_000.0),
        (Side.BUY, None, None),
    ],
)
def test_slippage_is_the_signed_cost_against_the_mid(
    side: Side, price: float | None, slippage_bps: float | None
) -> None:
    assert order_row(execution(side, price), 1)["slippage_bps"] == pytest.approx(slippage_bps)


def test_a_maker_fill_is_logged_with_its_size_fee_and_times() -> None:
    row = order_row(execution(Side.BUY, 199.9, is_maker_fill=True, reject_count=1), 255)

    assert (row["attempt_id"], row["symbol"], row["side"], row["ts"]) == (
        "sig_00000000ff",
        "CALM",
        "BUY",
        1776333601.625,
    )
    assert row["prices"] == {"mark": 200.0, "submitted": 200.0, "avg_fill": 199.9}
    assert row["qty"] == {"contracts": 3.0, "notional_usd": pytest.approx(599.7)}
    assert row["fees_usd"] == pytest.approx(0.11994)  # 2 bps of 599.7
    assert (row["timing_ms"]["ack"], row["ack_latency_ms"]) == (1625.0, 125.0)
    assert row["result"] == {"status": "FILLED", "retries": 1, "cancelled": False}
    assert (row["maker_start"], row["is_maker_final"], row["used_fallback"]) == (True, True, False)


def test_a_fallback_pays_the_taker_fee() -> None:
    row = order_row(execution(Side.SELL, 200.0, is_fallback=True), 1)

    assert row["fees_usd"] == pytest.approx(0.3)  # 5 bps of 600
    assert (row["is_maker_final"], row["used_fallback"]) == (False, True)


@pytest.mark.parametrize(("price", "status", "cancelled"), [(None, "CANCELED", True), (0.0, "NEW", False)])
def test_what_was_not_filled_has_no_size_and_no_fee(price: float | None, status: str, cancelled: bool) -> None:
    row = order_row(execution(Side.BUY, price), 1)

    assert (row["result"]["status"], row["result"]["cancelled"]) == (status, cancelled)
    assert (row["qty"]["contracts"], row["qty"]["notional_usd"] or 0.0, row["fees_usd"]) == (0.0, 0.0, None)


def test_a_closed_position_names_the_order_that_closed_it() -> None:
    row = close_row(execution(Side.SELL, 201.0), 255, 1_776_333_602.5, 3.25)

    assert row == {
        "ts": 1776333602.5,
        "attempt_id": "sig_00000000ff",
        "intent_id": "ord_00000000ff",
        "symbol": "CALM",
        "side": "SELL",
        "event": "position_close",
        "pnl_at_close_usd": 3.25,
        "order_status": "FILLED",
    }
