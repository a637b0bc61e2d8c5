"""freqtrade's database as a source: hand-made trades, on SQLite and on Postgres."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.sources.errors import SourceError
from tests.support.bot_data import Row, canonical_rows, files_beside, notes_of, write_rows
from tests.support.command import command
from tests.support.freqtrade_rows import AS_OF, ORDERS, TEN, TRADES, order, tables, trade
from tests.support.small_runs import counts_of, evidence_of, run, sample_of


def freqtrade(url: str, **settings: Any) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.FREQTRADE, location=Location(url=url), **settings)


@pytest.fixture
def database(store_url: str) -> str:
    write_rows(store_url, tables(), {"trades": TRADES, "orders": ORDERS})
    return store_url


def used(url: str, *names: str, **settings: Any) -> Sequence[tuple[Any, ...]]:
    """These values of every row that is not rejected."""
    rows = canonical_rows(freqtrade(url, **settings), as_of=AS_OF)
    return [tuple(row[name] for name in names) for row in rows if row["reason"] is None]


def test_the_orders_of_a_trade_and_side_are_one_intent_up_to_the_one_that_closed(database: str) -> None:
    flags = ("order_id", "side", "maker_started", "maker_filled", "fallback_used")

    assert used(database, *flags) == [
        ("1-buy-0", "BUY", None, True, False),
        ("1-sell-0", "SELL", True, True, False),
        ("4-buy-0", "BUY", None, True, False),
        ("4-sell-0", "SELL", True, False, True),
        ("5-sell-0", "SELL", None, True, False),
        ("5-buy-0", "BUY", False, False, False),
        ("6-buy-0", "BUY", None, True, False),
    ]


def test_slippage_is_against_the_first_price_asked_and_profit_is_that_of_the_trade(database: str) -> None:
    values = ("order_id", "slippage_bps", "notional", "realized_pnl")

    assert used(database, *values) == [
        ("1-buy-0", pytest.approx(100.0), 202.0, None),
        ("1-sell-0", pytest.approx(-100.0), 202.0, 3.5),
        ("4-buy-0", 0.0, 200.0, None),
        ("4-sell-0", pytest.approx(100.0), 198.0, -1.0),
        ("5-sell-0", 0.0, 200.0, None),
        ("5-buy-0", pytest.approx(50.0), 201.0, 2.0),
        ("6-buy-0", 0.0, 200.0, None),
    ]


def test_fees_are_a_rate_of_the_notional_where_their_currency_is_known(database: str) -> None:
    fees = dict(used(database, "order_id", "fees"))

    assert (fees["1-buy-0"], fees["1-sell-0"], fees["5-buy-0"]) == (
        pytest.approx(202 * 0.0002),
        pytest.approx(202 * 0.0005),
        None,
    )


def test_an_open_order_is_counted_and_not_used(database: str) -> None:
    result = run(freqtrade(database), as_of=AS_OF)

    assert counts_of(result) == {"open_order": 1}
    assert sample_of(result, "open_order") == "orders (freqtrade): row 8: BTC/USDT:USDT 2026-04-25 10:10:00"
    assert evidence_of(result)["BTC/USDT:USDT"].effectiveness.maker_started_count == 2


def test_it_says_with_counts_what_the_database_cannot_tell(database: str) -> None:
    assert notes_of(freqtrade(database), as_of=AS_OF) == [
        # Numbers 1 to 6, of which 2 and 3 are gone.
        "at least 2 of 6 trade numbers are gone: freqtrade deletes an entry that was never filled, with its trade",
        "4 entries of the window do not count as maker starts, since missed entries cannot be seen; only exits do",
        "2 limit orders count as maker starts although freqtrade does not store whether they were post-only; "
        'set orders.post_only = true if order_time_in_force is "PO"',
        "7 slippages are measured against the price that freqtrade asked for, since no mid price is stored",
    ]


def test_entries_that_are_counted_come_with_the_warning(database: str) -> None:
    source = freqtrade(database, entries_known=True, is_post_only=True)
    starts = dict(used(database, "order_id", "maker_started", entries_known=True))

    assert [starts[name] for name in ("1-buy-0", "4-buy-0", "5-sell-0", "6-buy-0")] == [True] * 4
    (warning,) = [note for note in notes_of(source, as_of=AS_OF) if "entries" in note]
    assert warning.startswith("4 entries of the window count as maker starts, and 4 of them filled as maker; ")
    assert "the fill ratio is too high" in warning


def test_entries_that_are_counted_are_never_published_as_good(tmp_path: Path) -> None:
    """Of six maker starts five filled and one fell back, at a median slippage of 0: good by the figures alone."""
    write_rows(f"sqlite:///{tmp_path / 'bot.sqlite'}", tables(), {"trades": TRADES, "orders": ORDERS})
    settings = """
        [orders]
        kind = "freqtrade"
        url = "sqlite:///bot.sqlite"
        entries = "known"
        [rules]
        shadow = ["breaker"]
        [rules.breaker]
        min_attempts = 1
    """
    (tmp_path / "router-policy.toml").write_text(settings, encoding="utf-8")
    assert command(tmp_path, "init").returncode == 0
    assert command(tmp_path, "once", "--as-of", AS_OF.isoformat()).returncode == 0

    (policy,) = json.loads(command(tmp_path, "latest", "--json").stdout)["items"]
    explained = command(tmp_path, "explain", "BTC/USDT:USDT", "--at", AS_OF.isoformat()).stdout
    verified = command(tmp_path, "verify")

    assert (policy["maker_fill_ratio"], policy["fallback_ratio"], policy["slip_q50"]) == (0.833333333, 0.166666667, 0.0)
    assert (policy["maker_started_count"], policy["survivor_count"]) == (6, 4)
    assert (policy["quality"], policy["codes"][0]["code"]) == ("ok", "survivor_count_not_good")
    assert "  survivor_count               4 of 6 orders that started as maker: the source does not keep" in explained
    assert "survivor_count               4 <= 0      no" in explained
    assert "in the shadow, breaker would have decided: maker first, prefer_maker, ok" in explained
    assert verified.returncode == 0, verified.stderr


def test_how_an_exit_rested_is_known_of_its_last_post(store_url: str) -> None:
    def minute(number: int) -> dict[str, Any]:
        return {"order_date": TEN + timedelta(minutes=number)}

    seen_later = {"order_update_date": TEN + timedelta(minutes=11)}
    partly = {"filled": 0.5, "average": 100.5, "order_filled_date": TEN + timedelta(minutes=1)}
    orders = [
        # Re-priced once; the second order rested on after a partial fill, until it was cancelled for the market order.
        order(1, 1, "sell", "limit", "canceled", **minute(0), price=101.0),
        order(2, 1, "sell", "limit", "canceled", **minute(1), price=100.5, **partly),
        order(3, 1, "sell", "market", "closed", **minute(2), price=99.0),
        # Filled at the tenth minute, which the bot saw a minute later.
        order(10, 2, "sell", "limit", "closed", **minute(4), price=102.0, **seen_later),
        # Refused, then at market.
        order(12, 3, "sell", "limit", "expired", **minute(12)),
        order(13, 3, "sell", "market", "closed", **minute(12)),
        # Straight to market.
        order(14, 4, "sell", "market", "closed", **minute(13)),
        # The exchange's clock is ahead of the bot's, and the exchange gives no price.
        order(15, 5, "sell", "limit", "canceled", **minute(16), price=None, ft_price=103.0),
        order(17, 5, "sell", "market", "closed", **minute(16)),
    ]
    write_rows(store_url, tables(), {"trades": map(trade, range(1, 6)), "orders": orders})

    assert used(store_url, "order_id", "posts", "maker_price", "maker_from", "maker_until") == [
        ("1-sell-0", 2, 100.5, TEN + timedelta(minutes=1), TEN + timedelta(minutes=2)),
        ("2-sell-0", 1, 102.0, TEN + timedelta(minutes=4), TEN + timedelta(minutes=10)),
        ("3-sell-0", 0, None, None, None),
        ("4-sell-0", None, None, None, None),
        ("5-sell-0", 1, 103.0, None, None),
    ]


def test_what_the_strategy_keeps_with_a_trade_wins_over_the_tables(store_url: str) -> None:
    def kept(trade_number: int, number: int, value: str) -> Row:
        key = {"cd_key": f"router_policy:exchange-{number}", "cd_type": "dict"}
        return {"id": number, "ft_trade_id": trade_number, **key, "cd_value": value}

    custom = [
        # An entry at market after an earlier one that was missed and deleted.
        kept(7, 11, '{"mid": 80.0, "policy_run_id": 3, "probe": true, "maker_started": true}'),
        # An exit straight to taker: a limit order with a price that crosses.
        kept(7, 12, '{"mid": 200.0, "policy_run_id": null, "probe": false, "maker_started": false}'),
    ]
    orders = [order(11, 7, "buy", "market", "closed"), order(12, 7, "sell", "limit", "closed")]
    write_rows(store_url, tables(), {"trades": [trade(7)], "orders": orders, "trade_custom_data": custom})
    names = ("order_id", "maker_started", "maker_filled", "fallback_used", "slippage_bps", "probe", "policy_run_id")
    rest = ("posts", "maker_price", "maker_from", "maker_until")

    assert used(store_url, *rest, entries_known=True) == [(None, None, None, None)] * 2
    assert used(store_url, *names, entries_known=True) == [
        ("7-buy-0", True, False, True, pytest.approx(2_500.0), True, 3),  # 100 paid, 80 was the mid
        ("7-sell-0", False, False, False, pytest.approx(5_000.0), False, None),  # 100 taken, 200 was the mid
    ]


def test_a_limit_order_that_the_strategy_sent_through_the_book_has_crossed(store_url: str) -> None:
    value = '{"mid": 100.0, "policy_run_id": 3, "probe": false, "maker_started": true, "crossed": true}'
    custom = {"id": 1, "ft_trade_id": 1, "cd_key": "router_policy:exchange-3", "cd_type": "dict", "cd_value": value}
    orders = [
        order(1, 1, "buy", "limit", "closed"),
        order(2, 1, "sell", "limit", "canceled"),
        order(3, 1, "sell", "limit", "closed", average=99.0),
    ]
    write_rows(store_url, tables(), {"trades": [trade(1)], "orders": orders, "trade_custom_data": [custom]})

    assert used(store_url, "order_id", "maker_started", "maker_filled", "fallback_used")[1:] == [
        ("1-sell-0", True, False, True)
    ]


def test_an_exit_that_the_exchange_held_as_a_stop_takes(store_url: str) -> None:
    orders = [
        order(1, 1, "buy", "limit", "closed"),
        order(2, 1, "stoploss", "stop_loss_limit", "canceled"),
        order(3, 1, "stoploss", "stop_loss_limit", "closed", average=95.0),
    ]
    write_rows(store_url, tables(), {"trades": [trade(1)], "orders": orders})

    assert used(store_url, "order_id", "maker_started", "fallback_used", "slippage_bps")[1:] == [
        ("1-sell-0", False, False, pytest.approx(500.0))
    ]


def test_a_refused_exit_counts_only_if_the_bot_posts(store_url: str) -> None:
    orders = [order(1, 1, "sell", "limit", "expired"), order(2, 1, "sell", "limit", "closed")]
    write_rows(store_url, tables(), {"trades": [trade(1)], "orders": orders})

    assert used(store_url, "post_only_rejected", "maker_filled", is_post_only=True) == [(True, True)]
    assert used(store_url, "post_only_rejected", "maker_filled") == [(None, True)]


@pytest.mark.parametrize(
    ("values", "reason", "word"),
    [
        ({"kind": "iceberg"}, "unknown_word", "orders.order_type 'iceberg'"),
        ({"status": "vanished"}, "unknown_word", "orders.status 'vanished'"),
        ({"side": "hold"}, "unknown_word", "orders.ft_order_side 'hold'"),
    ],
)
def test_a_word_that_is_not_known_is_counted_and_shown(
    store_url: str, values: dict[str, str], reason: str, word: str
) -> None:
    known = {"side": "sell", "kind": "limit", "status": "canceled", **values}
    orders = [order(1, 1, "sell", "limit", "closed"), order(2, 2, known["side"], known["kind"], known["status"])]
    write_rows(store_url, tables(), {"trades": [trade(1), trade(2)], "orders": orders})

    result = run(freqtrade(store_url), as_of=AS_OF)

    assert (result.event_count, counts_of(result)) == (1, {reason: 1})
    assert sample_of(result, reason).endswith(word)


def test_values_that_cannot_be_read_cost_their_own_intent_and_orders_without_a_trade_are_said(tmp_path: Path) -> None:
    path = tmp_path / "tradesv3.sqlite"
    orders = [order(number, number, "sell", "limit", "closed") for number in range(1, 6)]
    write_rows(f"sqlite:///{path}", tables(), {"trades": map(trade, range(1, 5)), "orders": orders})
    bot = sqlite3.connect(path)
    with bot:
        bot.execute("update orders set filled = 'lots' where id = 2")
        bot.execute("update orders set order_filled_date = 'yesterday' where id = 3")
        bot.execute("update orders set average = x'ff00' where id = 4")
    bot.close()
    source = freqtrade(f"sqlite:///{path}")

    assert used(f"sqlite:///{path}", "order_id") == [("1-sell-0",)]
    assert counts_of(run(source, as_of=AS_OF)) == {"bad_time": 1, "bad_value": 2}
    assert "1 orders have no trade in the database, and are not used" in notes_of(source, as_of=AS_OF)


@pytest.mark.parametrize(
    ("kept", "named"),
    [
        ("{", "trade_custom_data.cd_value {"),
        ("[1]", "trade_custom_data.cd_value [1]"),
        ('{"mid": "high"}', "trade_custom_data.mid high"),
        ('{"maker_started": "perhaps"}', "trade_custom_data.maker_started perhaps"),
        ('{"crossed": "perhaps"}', "trade_custom_data.crossed perhaps"),
        ('{"probe": "perhaps"}', "probe perhaps"),
        ('{"policy_run_id": "last"}', "policy_run_id last"),
    ],
)
def test_what_the_strategy_keeps_and_nobody_can_read_is_counted(tmp_path: Path, kept: str, named: str) -> None:
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    custom = {"id": 1, "ft_trade_id": 1, "cd_key": "router_policy:exchange-1", "cd_type": "dict", "cd_value": kept}
    orders = [order(1, 1, "sell", "limit", "closed")]
    write_rows(url, tables(), {"trades": [trade(1)], "orders": orders, "trade_custom_data": [custom]})

    (row,) = canonical_rows(freqtrade(url), as_of=AS_OF)

    assert (row["reason"], row["unread"]) == ("bad_value", named)


@pytest.mark.parametrize(("column", "text"), [("close_profit_abs", "much"), ("fee_open", "low"), ("fee_close", "low")])
def test_a_value_of_a_trade_that_cannot_be_read_is_counted(tmp_path: Path, column: str, text: str) -> None:
    path = tmp_path / "bot.sqlite"
    orders = [order(1, 1, "sell", "limit", "closed")]
    write_rows(f"sqlite:///{path}", tables(), {"trades": [trade(1)], "orders": orders})
    bot = sqlite3.connect(path)
    with bot:
        bot.execute(f"update trades set {column} = ?", (text,))
    bot.close()

    (row,) = canonical_rows(freqtrade(f"sqlite:///{path}"), as_of=AS_OF)

    assert (row["reason"], row["unread"]) == ("bad_value", f"trades.{column} {text}")


@pytest.mark.parametrize("column", ["price", "order_date", "order_update_date"])
def test_a_value_of_how_an_order_rested_that_cannot_be_read_is_counted(tmp_path: Path, column: str) -> None:
    path = tmp_path / "bot.sqlite"
    orders = [order(1, 1, "sell", "limit", "closed")]
    write_rows(f"sqlite:///{path}", tables(), {"trades": [trade(1)], "orders": orders})
    bot = sqlite3.connect(path)
    with bot:
        bot.execute(f"update orders set {column} = 'soon'")
    bot.close()

    (row,) = canonical_rows(freqtrade(f"sqlite:///{path}"), as_of=AS_OF)

    assert (row["reason"], row["unread"]) == ("bad_value", f"orders.{column} soon")


def test_a_database_of_an_older_version_is_read_without_what_it_lacks(store_url: str) -> None:
    older = tables(
        "trade_custom_data", "is_short", "fee_open_currency", "fee_close_currency", "ft_price", "close_profit_abs"
    )
    columns = {table.name: set(table.columns.keys()) for table in older.sorted_tables}
    rows = {
        "trades": [{name: value for name, value in row.items() if name in columns["trades"]} for row in TRADES],
        "orders": [{name: value for name, value in row.items() if name in columns["orders"]} for row in ORDERS],
    }
    write_rows(store_url, older, rows)

    assert used(store_url, "order_id", "maker_started", "fees", "realized_pnl")[:2] == [
        ("1-buy-0", None, None, None),
        ("1-sell-0", True, None, None),
    ]


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (("orders",), "the database has no table 'orders'; its tables are trade_custom_data, trades"),
        (("fee_open",), "table 'trades' has no column 'fee_open'; it has id, pair, is_open, is_short"),
    ],
)
def test_tables_and_columns_are_looked_up_before_they_are_read(
    store_url: str, without: tuple[str, ...], message: str
) -> None:
    write_rows(store_url, tables(*without), {})

    with pytest.raises(SourceError, match=message):
        run(freqtrade(store_url), as_of=AS_OF)


def test_a_bot_that_has_not_traded_yet_stops_the_run(store_url: str) -> None:
    write_rows(store_url, tables(), {})

    with pytest.raises(SourceError, match="the freqtrade data has no order yet; check that the bot has traded"):
        run(freqtrade(store_url), as_of=AS_OF)


def test_a_week_without_orders_is_no_error(database: str) -> None:
    assert run(freqtrade(database), as_of=AS_OF + timedelta(days=30)).event_count == 0


def test_reading_leaves_nothing_beside_the_database(tmp_path: Path) -> None:
    path = tmp_path / "bot" / "tradesv3.sqlite"
    path.parent.mkdir()
    write_rows(f"sqlite:///{path}", tables(), {"trades": TRADES, "orders": ORDERS})
    before = files_beside(path)

    assert run(freqtrade(f"sqlite:///{path}"), as_of=AS_OF).event_count == 7
    assert files_beside(path) == before


@pytest.mark.parametrize("is_running", [True, False])
def test_a_bot_in_wal_mode_is_read_whole_and_its_files_stay_as_they_are(tmp_path: Path, is_running: bool) -> None:
    path = tmp_path / "bot" / "tradesv3.sqlite"
    path.parent.mkdir()
    write_rows(f"sqlite:///{path}", tables(), {"trades": TRADES, "orders": ORDERS[:-1]})
    bot = sqlite3.connect(path)
    bot.execute("pragma journal_mode = wal")
    with bot:
        bot.execute("update trades set close_profit_abs = 7.5 where id = 1")
    if not is_running:
        bot.close()
    before = {name: content for name, content in files_beside(path).items() if not name.endswith("-shm")}

    profits = dict(used(f"sqlite:///{path}", "order_id", "realized_pnl"))

    assert profits["1-sell-0"] == 7.5
    assert {name: content for name, content in files_beside(path).items() if not name.endswith("-shm")} == before
    bot.close()
