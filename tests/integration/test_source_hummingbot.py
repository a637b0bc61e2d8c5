"""Hummingbot's database as a source: hand-made orders and executors, on SQLite and on Postgres."""

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.plan import Location, OrdersKind, OrdersSource
from tests.support.bot_data import Row, canonical_rows, milliseconds, notes_of, utc, write_rows
from tests.support.small_runs import counts_of, run, sample_of

AS_OF = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00")


def at(seconds: float) -> int:
    """So many seconds after ten, in milliseconds."""
    return milliseconds(TEN + timedelta(seconds=seconds))


def tables(*without: str) -> sa.MetaData:
    """The tables and columns that the source reads, without some of them."""
    text, big, number = sa.Text(), sa.BigInteger(), sa.Float()
    fixed: dict[str, dict[str, Any]] = {
        "Order": {"id": text, "market": text, "symbol": text, "creation_timestamp": big, "order_type": text}
        | {"amount": big, "price": big, "last_status": text, "last_update_timestamp": big, "position": text},
        "OrderStatus": {"order_id": text, "timestamp": big, "status": text},
        "TradeFill": {"order_id": text, "market": text, "timestamp": big, "trade_type": text, "price": big}
        | {"amount": big, "trade_fee_in_quote": big},
        "MarketData": {"timestamp": big, "exchange": text, "trading_pair": text, "mid_price": big},
        "Executors": {"id": text, "type": text, "timestamp": number, "close_timestamp": big, "config": sa.JSON()}
        | {"custom_info": sa.JSON(), "cum_fees_quote": number},
    }
    metadata = sa.MetaData()
    for name, columns in fixed.items():
        if name not in without:
            present: list[sa.Column[Any]] = [sa.Column(column, kind) for column, kind in columns.items()]
            sa.Table(name, metadata, *present)
    return metadata


def order(name: str, kind: str, status: str, created: float, updated: float, **values: Any) -> Row:
    """An order of 2 ETH, at 999.5 if it has a price."""
    times = {"creation_timestamp": at(created), "last_update_timestamp": at(updated)}
    named = {"id": name, "market": "binance", "symbol": "ETH-USDT", "position": "OPEN", "amount": 2_000_000}
    named["price"] = 0 if kind == "MARKET" else 999_500_000
    return {**named, "order_type": kind, "last_status": status, **times, **values}


def fill(name: str, seconds: float, price: float, amount: float, fee: float | None = 0.4) -> Row:
    units = {"price": round(price * 1e6), "amount": round(amount * 1e6)}
    fee_units = None if fee is None else round(fee * 1e6)
    side = "BUY" if name.startswith("buy") else "SELL"
    named = {"order_id": name, "market": "binance", "trade_type": side, "timestamp": at(seconds)}
    return {**named, **units, "trade_fee_in_quote": fee_units}


def mid(seconds: float, price: float) -> Row:
    pair = {"exchange": "binance", "trading_pair": "ETH-USDT"}
    return {"timestamp": at(seconds) * 1_000_000, **pair, "mid_price": round(price * 1e6)}


def executor(name: str, level: str, strategy: object, ended: float | None, **values: Any) -> Row:
    config = {"level_id": level, "connector_name": "binance", "trading_pair": "ETH-USDT", "side": 1, "amount": "2"}
    info = {"current_retries": 0, "executed_amount_base": "2", "average_executed_price": "1001", **values}
    end = None if ended is None else at(ended) // 1000
    times = {"timestamp": at(0) / 1000, "close_timestamp": end}
    kind = {"id": name, "type": "order_executor", "cum_fees_quote": values.get("fees", 0.2)}
    return {**kind, **times, "config": {**config, "execution_strategy": strategy}, "custom_info": info}


ORDERS = [
    order("buy-1", "LIMIT_MAKER", "BuyOrderCompleted", 0, 11),  # filled at 10 in two parts
    order("sell-2", "LIMIT_MAKER", "OrderCancelled", 100, 160),  # a market order 1 s later
    order("sell-3", "MARKET", "SellOrderCompleted", 161, 163, position="OPEN"),
    order("buy-4", "LIMIT_MAKER", "OrderCancelled", 200, 260),  # given up: the next market order is 3 s later
    order("buy-5", "MARKET", "BuyOrderCompleted", 263, 264),
    order("buy-6", "LIMIT_MAKER", "BuyOrderCreated", 300, 300),  # still open
    order("buy-7", "LIMIT", "BuyOrderCompleted", 400, 410),  # may have taken
]
FILLS = [
    fill("buy-1", 9, 999.0, 1.5),
    fill("buy-1", 10, 1003.0, 0.5),
    fill("sell-3", 162, 990.0, 2.0),
    fill("buy-5", 264, 1000.0, 2.0, fee=None),
    fill("buy-7", 410, 1000.0, 2.0, fee=0.0),
]
STATUSES: list[Row] = [{"order_id": "buy-4", "timestamp": at(200), "status": "BuyOrderCreated"}]
MIDS = [mid(-1, 1000.0), mid(99, 1000.0), mid(162, 500.0), mid(262, 1000.0)]


def hummingbot(url: str, **settings: Any) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.HUMMINGBOT, location=Location(url=url), **settings)


@pytest.fixture
def database(store_url: str) -> str:
    rows: dict[str, list[Row]] = {"Order": ORDERS, "TradeFill": FILLS, "OrderStatus": STATUSES, "MarketData": MIDS}
    write_rows(store_url, tables(), rows)
    return store_url


def used(url: str, *names: str) -> Sequence[tuple[Any, ...]]:
    rows = canonical_rows(hummingbot(url), as_of=AS_OF)
    return [tuple(row[name] for name in names) for row in rows if row["reason"] is None]


def test_a_market_order_within_two_seconds_of_a_maker_order_is_its_fallback(database: str) -> None:
    assert used(database, "order_id", "side", "maker_started", "maker_filled", "fallback_used") == [
        ("buy-1", "BUY", True, True, False),
        ("sell-2", "SELL", True, False, True),
        ("buy-4", "BUY", True, False, False),
        ("buy-5", "BUY", False, False, False),
        ("buy-7", "BUY", None, None, None),
    ]


def test_amounts_are_in_millionths_and_slippage_is_against_the_mid_at_the_creation(database: str) -> None:
    times = [(TEN + timedelta(seconds=seconds)).replace(tzinfo=None) for seconds in (10, 162, 260, 264, 410)]

    assert used(database, "ts", "notional", "slippage_bps", "fees") == [
        # 1.5 at 999 and 0.5 at 1003 are 2000 for 2: the mid.
        (times[0], 2000.0, pytest.approx(0.0, abs=1e-9), pytest.approx(0.8)),
        (times[1], 1980.0, pytest.approx(100.0), pytest.approx(0.4)),  # sold at 990 of 1000
        (times[2], None, None, None),
        (times[3], 2000.0, pytest.approx(0.0), None),
        (times[4], 2000.0, None, None),  # the last mid is 138 s old
    ]


REST = ("order_id", "posts", "maker_price", "maker_from", "maker_until")


def rest(name: str, price: float, begun: float, ended: float, posts: int = 1) -> tuple[object, ...]:
    times = [(TEN + timedelta(seconds=seconds)).replace(tzinfo=None) for seconds in (begun, ended)]
    return (name, posts, price, *times)


def test_a_maker_order_rested_from_its_creation_to_its_last_fill_or_its_end(database: str) -> None:
    assert used(database, *REST) == [
        rest("buy-1", 999.5, 0, 10),
        rest("sell-2", 999.5, 100, 160),
        rest("buy-4", 999.5, 200, 260),
        ("buy-5", None, None, None, None),
        ("buy-7", None, None, None, None),  # it may have taken
    ]


def test_an_order_that_failed_never_rested(store_url: str) -> None:
    write_rows(store_url, tables(), {"Order": [order("buy-1", "LIMIT_MAKER", "OrderFailure", 0, 1)]})

    assert used(store_url, *REST) == [("buy-1", 0, None, None, None)]


def test_an_older_database_without_the_price_of_an_order_is_read(store_url: str) -> None:
    orders = [{name: value for name, value in row.items() if name != "price"} for row in ORDERS]
    write_rows(store_url, tables("price"), {"Order": orders})

    assert used(store_url, "order_id", "maker_price", "posts")[0] == ("buy-1", None, 1)


def test_the_orders_of_executors_show_how_their_intent_rested(store_url: str) -> None:
    def began(row: Row, seconds: float) -> Row:
        return {**row, "timestamp": at(seconds) / 1000}

    executors = [
        # Posted twice, at two prices: of a cancelled order the executor forgets the id.
        executor("a-1", "rp1|a|||", "LIMIT_MAKER", 30, executed_amount_base="0", order_id=None),
        began(executor("a-2", "rp1|a|||", "LIMIT_MAKER", 60, executed_amount_base="0", order_id="buy-2"), 30),
        began(executor("a-3", "rp1|a|||", "MARKET", 62, order_id="buy-3"), 60),
        # Refused each time, and one whose order the database does not have.
        began(executor("b-1", "rp1|b|||", "LIMIT_MAKER", 110, executed_amount_base="0", current_retries=3), 100),
        began(executor("c-1", "rp1|c|||", "LIMIT_MAKER", 210, executed_amount_base="0"), 200),
        # Two at once, of which nobody can tell which order is whose.
        began(executor("d-1", "rp1|d|||", "LIMIT_MAKER", 360, executed_amount_base="0"), 300),
        began(executor("e-1", "rp1|e|||", "LIMIT_MAKER", 361, executed_amount_base="0"), 300),
    ]
    orders = [
        order("buy-1", "LIMIT_MAKER", "OrderCancelled", 1, 30, price=1_000_500_000),
        order("buy-2", "LIMIT_MAKER", "OrderCancelled", 31, 60, price=1_001_500_000),
        order("buy-3", "MARKET", "BuyOrderCompleted", 61, 62),
        order("buy-4", "LIMIT_MAKER", "OrderCancelled", 301, 360),
        order("buy-5", "LIMIT_MAKER", "OrderCancelled", 302, 361),
    ]
    write_rows(store_url, tables(), {"Order": orders, "Executors": executors})

    assert used(store_url, *REST) == [
        rest("a", 1001.5, 31, 60, posts=2),
        ("b", 0, None, None, None),
        ("c", 1, None, None, None),
        ("d", 1, None, None, None),
        ("e", 1, None, None, None),
    ]


@pytest.mark.parametrize("has_executor", [False, True])
def test_a_price_that_cannot_be_read_is_counted(tmp_path: Path, has_executor: bool) -> None:
    path = tmp_path / "bot.sqlite"
    executors = [executor("m", "rp1|a|||", "LIMIT_MAKER", 60, order_id="buy-1")] if has_executor else []
    write_rows(f"sqlite:///{path}", tables(), {"Order": ORDERS[:1], "TradeFill": FILLS[:2], "Executors": executors})
    bot = sqlite3.connect(path)
    with bot:
        bot.execute("update \"Order\" set price = 'high'")
    bot.close()

    (row,) = canonical_rows(hummingbot(f"sqlite:///{path}"), as_of=AS_OF)

    assert (row["reason"], row["unread"]) == ("bad_value", "Order.price high")


def test_an_open_order_is_counted_and_the_limits_are_said(database: str) -> None:
    assert counts_of(run(hummingbot(database), as_of=AS_OF)) == {"open_order": 1}
    assert [note.partition(" ")[0] for note in notes_of(hummingbot(database), as_of=AS_OF)] == ["3", "1", "1", "2"]


def test_executors_that_name_their_intent_link_their_legs_and_carry_the_policy(store_url: str) -> None:
    level = "rp1|intent-a|7|1|1000"
    rows = [
        executor("m", level, "LIMIT_MAKER", 60, executed_amount_base="0", current_retries=2, order_id="buy-1"),
        executor("t", level, 1, 61, executed_amount_base="2", average_executed_price="1001"),
        executor("f", "rp1|intent-b||0|", "ExecutionStrategy.LIMIT_MAKER", 70),
        executor("o", "rp1|intent-c||0|", 3, None),
        executor("x", "level-of-another", 3, 70),
    ]
    orders = [order("buy-1", "LIMIT_MAKER", "OrderCancelled", 1, 60)]
    write_rows(store_url, tables(), {"Order": orders, "Executors": rows})
    names = (
        "order_id",
        "maker_started",
        "maker_filled",
        "fallback_used",
        "post_only_rejected",
        "policy_run_id",
        "probe",
    )

    assert used(store_url, *names, "slippage_bps", "notional", "fees") == [
        ("intent-a", True, False, True, True, 7, True, pytest.approx(10.0), 2002.0, pytest.approx(0.4)),
        ("intent-b", True, True, False, False, None, False, None, 2002.0, pytest.approx(0.2)),
    ]
    assert counts_of(run(hummingbot(store_url), as_of=AS_OF)) == {"open_order": 1}


@pytest.mark.parametrize(
    ("column", "text", "named"),
    [
        ("config", "{", "Executors.config {"),
        ("config", '"{"', 'Executors.config "{"'),
        ("config", "[1]", "Executors.config [1]"),
        ("custom_info", "{", "Executors.custom_info {"),
        ("custom_info", '{"executed_amount_base": "all"}', "Executors.custom_info.executed_amount_base all"),
        ("custom_info", '{"average_executed_price": "high"}', "Executors.custom_info.average_executed_price high"),
        ("custom_info", '{"current_retries": "few"}', "Executors.custom_info.current_retries few"),
    ],
)
def test_json_that_cannot_be_read_is_counted_and_costs_its_own_intent(
    tmp_path: Path, column: str, text: str, named: str
) -> None:
    path = tmp_path / "bot.sqlite"
    rows = [executor("broken", "rp1|a||0|", "LIMIT_MAKER", 60), executor("whole", "rp1|b||0|", "LIMIT_MAKER", 70)]
    write_rows(f"sqlite:///{path}", tables(), {"Executors": rows})
    bot = sqlite3.connect(path)
    with bot:
        bot.execute(f'update "Executors" set {column} = ? where id = ?', (text, "broken"))
    bot.close()

    counted = [
        (row["order_id"], row["reason"], row["unread"])
        for row in canonical_rows(hummingbot(f"sqlite:///{path}"), as_of=AS_OF)
    ]

    assert counted == [("broken" if column == "config" else "a", "bad_value", named), ("b", None, None)]


@pytest.mark.parametrize(
    ("level", "named"),
    [
        ("rp1|a|7|0|high", "Executors.config.level_id high"),
        ("rp1|a|7|perhaps|", "probe perhaps"),
        ("rp1|a|last|0|", "policy_run_id last"),
    ],
)
def test_a_part_of_a_level_id_that_cannot_be_read_is_counted(tmp_path: Path, level: str, named: str) -> None:
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    write_rows(url, tables(), {"Executors": [executor("m", level, "LIMIT_MAKER", 60)]})

    (row,) = canonical_rows(hummingbot(url), as_of=AS_OF)

    assert (row["reason"], row["unread"]) == ("bad_value", named)


def test_a_pair_of_several_connectors_has_one_policy_and_it_is_said(store_url: str) -> None:
    orders = [ORDERS[0], order("buy-8", "LIMIT_MAKER", "OrderCancelled", 500, 560, market="kucoin")]
    write_rows(store_url, tables(), {"Order": orders, "TradeFill": FILLS[:2], "MarketData": MIDS})

    (note,) = [note for note in notes_of(hummingbot(store_url), as_of=AS_OF) if "connectors" in note]

    assert note.startswith("1 pairs are traded on several connectors, and have one policy for all of them")


def test_a_database_without_market_data_and_executors_is_read(store_url: str) -> None:
    older = tables("MarketData", "Executors")
    write_rows(store_url, older, {"Order": ORDERS, "TradeFill": FILLS, "OrderStatus": STATUSES})

    assert [row[0] for row in used(store_url, "slippage_bps")] == [None] * 5


def test_a_word_that_is_not_known_is_counted_and_shown(store_url: str) -> None:
    orders = [ORDERS[0], order("buy-9", "ICEBERG", "BuyOrderCompleted", 0, 1)]
    write_rows(store_url, tables(), {"Order": orders, "TradeFill": FILLS})

    result = run(hummingbot(store_url), as_of=AS_OF)

    assert (result.event_count, counts_of(result)) == (1, {"unknown_word": 1})
    assert sample_of(result, "unknown_word").endswith("Order.order_type 'ICEBERG'")
