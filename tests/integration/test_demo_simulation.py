"""The demo's market and bot as a whole: the same every time, and its log can be computed again from its candles."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from jobs.demo.demo_symbols import DEMO_SYMBOLS, DemoSymbol
from jobs.demo.simulation import LOGGED, Simulation, quarter_before, simulate

NOW = datetime(2026, 4, 26, 9, 7, 31, tzinfo=UTC)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(Random(11), NOW)


@pytest.fixture(scope="module")
def rows(simulation: Simulation) -> list[Row]:
    return simulation.bot.rows_until(NOW)


@pytest.fixture(scope="module")
def orders(rows: list[Row]) -> list[Row]:
    """Every order once, by the time of its line."""
    by_id = {row["attempt_id"]: row for row in rows if "event" not in row}
    return list(by_id.values())


def member(symbol: str) -> DemoSymbol:
    return next(listed for listed in DEMO_SYMBOLS if listed.listing.symbol == symbol)


def decided(row: Row) -> float:
    """When the order was decided on: its line was written an attempt's duration later."""
    return float(row["ts"] - row["timing_ms"]["ack"] / 1000)


def test_the_same_seed_and_time_give_the_same_lines_and_another_seed_gives_others(rows: list[Row]) -> None:
    assert simulate(Random(11), NOW).bot.rows_until(NOW) == rows
    other = simulate(Random(12), NOW).bot.rows_until(NOW - timedelta(days=9))
    assert len(other) > 100
    assert other != rows[: len(other)]


def test_lines_asked_for_in_pieces_are_those_asked_for_at_once(rows: list[Row]) -> None:
    other = simulate(Random(11), NOW)
    cuts = [NOW - timedelta(days=6), NOW - timedelta(days=6) + timedelta(seconds=3), NOW - timedelta(hours=1), NOW]

    assert [row for cut in cuts for row in other.bot.rows_until(cut)] == rows


def test_the_log_covers_ten_days_in_order_and_ends_before_now(rows: list[Row]) -> None:
    times = [row["ts"] for row in rows]

    assert times == sorted(times)
    assert quarter_before(NOW - LOGGED).timestamp() <= times[0] < (NOW - LOGGED + timedelta(hours=1)).timestamp()
    assert (NOW - timedelta(hours=1)).timestamp() < times[-1] < NOW.timestamp()
    assert 5_000 < len(rows) < 40_000


def test_every_symbol_trades_but_the_one_that_went_quiet_a_week_ago(orders: list[Row]) -> None:
    last = {row["symbol"]: row["ts"] for row in orders}

    assert len(last) == 24
    quiet = {symbol for symbol, at in last.items() if at < (NOW - timedelta(days=7)).timestamp()}
    assert quiet == {"ATOMUSDT"}


def test_live_the_bot_logs_several_lines_a_second(simulation: Simulation, rows: list[Row]) -> None:
    live = simulation.bot.rows_until(NOW + timedelta(minutes=2))

    assert 2 * 120 < len(live) < 20 * 120
    assert {row["symbol"] for row in live} == {listed.listing.symbol for listed in DEMO_SYMBOLS} - {"ATOMUSDT"}
    assert all(NOW.timestamp() <= row["ts"] < (NOW + timedelta(minutes=2)).timestamp() for row in live)


def test_the_mid_of_every_order_lies_in_the_candle_of_its_moment(simulation: Simulation, orders: list[Row]) -> None:
    bars = {(bar.symbol, bar.ts): bar for bar in simulation.market.bars(simulation.start, NOW)}
    looked_at = 0
    for row in orders:
        opened = quarter_before(datetime.fromtimestamp(decided(row), UTC))
        bar = bars.get((row["symbol"], opened))
        if bar is None:
            continue
        looked_at += 1
        tick = 10.0 ** -member(row["symbol"]).listing.decimals
        assert bar.low - tick <= row["prices"]["mark"] <= bar.high + tick

    # the candle of the last minutes has not closed yet, and one symbol's candles begin later than its orders
    assert looked_at > 0.98 * len(orders)


def test_slippage_notional_and_fees_follow_from_the_prices(orders: list[Row]) -> None:
    filled = [row for row in orders if row["prices"]["avg_fill"]]
    for row in filled:
        mark, price = row["prices"]["mark"], row["prices"]["avg_fill"]
        cost = price - mark if row["side"] == "BUY" else mark - price
        notional = price * row["qty"]["contracts"]
        assert row["slippage_bps"] == pytest.approx(cost / mark * 1e4, abs=1e-9)
        assert row["qty"]["notional_usd"] == pytest.approx(notional)
        assert row["fees_usd"] == pytest.approx(notional * (2e-4 if row["is_maker_final"] else 5e-4), abs=1e-6)
        assert cost < 0 or not row["is_maker_final"] or row["result"]["retries"]  # tried again at another price

    assert len(filled) > 0.9 * len(orders)


def test_what_crossed_paid_half_the_spread_on_the_average_and_what_rested_earned_it(orders: list[Row]) -> None:
    for symbol in ("GMTUSDT", "ILVUSDT", "MASKUSDT"):
        half_spread = member(symbol).listing.spread_bps / 2
        own = [row for row in orders if row["symbol"] == symbol and row["prices"]["avg_fill"]]
        rested = [row["slippage_bps"] for row in own if row["is_maker_final"]]
        crossed = [row["slippage_bps"] for row in own if not row["is_maker_final"]]
        assert sum(rested) / len(rested) == pytest.approx(-half_spread, rel=0.35)
        assert sum(crossed) / len(crossed) == pytest.approx(half_spread, rel=0.5)


def test_profit_is_what_entry_and_exit_make_of_the_position(rows: list[Row], orders: list[Row]) -> None:
    profits = {row["attempt_id"]: row["pnl_at_close_usd"] for row in rows if row.get("event") == "position_close"}
    filled = [row for row in orders if row["prices"]["avg_fill"]]
    expected = {}
    for symbol in {row["symbol"] for row in filled}:
        own = [row for row in filled if row["symbol"] == symbol]
        for entry, leave in zip(own[::2], own[1::2], strict=False):
            assert entry["side"] != leave["side"]
            rise = leave["prices"]["avg_fill"] - entry["prices"]["avg_fill"]
            expected[leave["attempt_id"]] = rise * entry["qty"]["contracts"] * (1 if entry["side"] == "BUY" else -1)

    # the profit of the very last order of a symbol may be written only after the end
    assert 0 <= len(expected.keys() - profits.keys()) <= 2
    assert profits.keys() <= expected.keys()
    assert all(profits[key] == pytest.approx(expected[key], abs=1e-9) for key in profits)


def test_the_log_has_a_few_defects_as_real_ones_have_them(rows: list[Row], orders: list[Row]) -> None:
    repeats = Counter(row["attempt_id"] for row in rows if "event" not in row)
    unconfirmed = [row for row in orders if row["prices"]["avg_fill"] == 0]
    given_up = [row for row in orders if row["prices"]["avg_fill"] is None]

    assert 5 < sum(count == 2 for count in repeats.values()) < 100
    assert max(repeats.values()) == 2
    assert 20 < len(unconfirmed) < 0.05 * len(orders)
    assert 20 < len(given_up) < 0.05 * len(orders)
    assert {row["slippage_bps"] for row in unconfirmed + given_up} == {None}


def test_one_symbol_trades_one_order_at_a_time(orders: list[Row]) -> None:
    for listed in DEMO_SYMBOLS:
        own = [row for row in orders if row["symbol"] == listed.listing.symbol]
        assert all(before["ts"] <= decided(after) + 0.002 for before, after in pairwise(own))
