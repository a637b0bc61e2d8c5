"""Orders and trades of ccxt and Binance as sources, in hand-made files."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.plan import CandlesSource, Location, OrdersKind, OrdersSource
from jobs.sources.errors import SourceError
from policy.symbols import SymbolSpelling, SymbolStyle
from tests.support.bot_data import canonical_rows, milliseconds, notes_of, utc
from tests.support.small_runs import counts_of, run, sample_of

AS_OF = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00")
PAIR = "BTC/USDT:USDT"
LONG_ID = 1234567890123456789012


def at(seconds: float) -> int:
    return milliseconds(TEN + timedelta(seconds=seconds))


def order(name: str, status: str, filled: float, created: float, updated: float, **values: Any) -> dict[str, Any]:
    """A post-only order to buy 2 at 100.5, as ccxt returns it from a venue that says so by its time in force."""
    answer = {"id": name, "symbol": PAIR, "side": "buy", "type": "limit", "timeInForce": "PO", "postOnly": None}
    times = {"timestamp": at(created), "lastUpdateTimestamp": at(updated), "lastTradeTimestamp": None}
    amounts = {"amount": 2.0, "filled": filled, "cost": filled * 100, "average": 100.0 if filled else None}
    amounts["price"] = 100.5
    return {**answer, "status": status, **times, **amounts, "fee": None, "info": {}, **values}


def trade(number: int, order_id: str, seconds: float, **values: Any) -> dict[str, Any]:
    """Half a unit at 100."""
    money = {"price": 100.0, "amount": 0.5, "cost": 50.0, "fee": {"cost": 0.01, "currency": "USDT"}}
    linked = {"id": str(number), "order": order_id, "symbol": PAIR, "side": "buy", "takerOrMaker": "maker"}
    return {**linked, "timestamp": at(seconds), **money, "info": {}, **values}


ORDERS = [
    order("1", "closed", 2.0, 0, 10),
    order("2", "canceled", 0.5, 100, 160),
    order("3", "closed", 1.5, 161, 162, type="market", timeInForce="IOC", amount=1.5),
    order("4", "expired", 0.0, 200, 201),
    order("5", "open", 0.0, 300, 300),
    order("6", "closed", 2.0, 400, 410, timeInForce=None),
    order("7", "closed", 2.0, 500, 510, timeInForce="GTC", postOnly=False),
]


def ccxt(path: Path, **settings: Any) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.CCXT, location=Location(path=str(path)), **settings)


def written(folder: Path, *files: list[dict[str, Any]], lines: bool = False) -> OrdersSource:
    """Write each list as a file, as one array or one object on each line."""
    for number, rows in enumerate(files):
        text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
        (folder / f"answer-{number}.json").write_text(text)
    return ccxt(folder / "*.json")


def used(source: OrdersSource, *names: str) -> Sequence[tuple[Any, ...]]:
    rows = canonical_rows(source, as_of=AS_OF)
    return [tuple(row[name] for name in names) for row in rows if row["reason"] is None]


FLAGS = ("order_id", "maker_started", "maker_filled", "fallback_used", "post_only_rejected")
OUTCOMES = [
    ("1", True, True, False, False),
    ("2", True, False, True, False),
    ("4", True, False, False, True),
    ("6", None, None, None, None),
    ("7", False, False, False, False),
]


@pytest.mark.parametrize("lines", [False, True])
def test_orders_in_an_array_or_in_lines_are_intents(tmp_path: Path, lines: bool) -> None:
    rows = used(written(tmp_path, ORDERS, lines=lines), *FLAGS)

    assert rows[:3] == OUTCOMES[:3]
    assert rows[4] == OUTCOMES[4]
    assert rows[3][:4] == OUTCOMES[3][:4]


REST = ("order_id", "posts", "maker_price", "maker_from", "maker_until")


def rest(name: str, begun: float, ended: float) -> tuple[object, ...]:
    return (name, 1, 100.5, *((TEN + timedelta(seconds=seconds)).replace(tzinfo=None) for seconds in (begun, ended)))


def test_a_post_only_order_rested_from_its_time_to_its_end(tmp_path: Path) -> None:
    assert used(written(tmp_path, ORDERS), *REST) == [
        rest("1", 0, 10),
        rest("2", 100, 160),
        ("4", 0, None, None, None),
        ("6", None, None, None, None),
        ("7", None, None, None, None),
    ]


def test_an_order_rested_until_its_last_trade_only_if_that_filled_it(tmp_path: Path) -> None:
    traded = {"lastUpdateTimestamp": None, "lastTradeTimestamp": at(150)}
    orders = [
        order("1", "closed", 2.0, 0, 20),  # settled ten seconds after its last trade
        order("2", "canceled", 0.5, 100, 0, **traded),
        order("3", "closed", 2.0, 110, 0, **traded),
        order("4", "canceled", 0.0, 300, 299),  # the times are of two clocks
    ]
    trades = [trade(1, "1", 10, amount=2.0, cost=200.0), trade(2, "2", 150)]

    assert used(written(tmp_path, orders, trades), *REST) == [
        rest("1", 0, 10),
        ("2", 1, 100.5, None, None),
        rest("3", 110, 150),
        ("4", 1, 100.5, None, None),
    ]


def test_trades_give_the_fees_and_the_profit_of_their_order(tmp_path: Path) -> None:
    trades = [
        trade(1, "1", 9, info={"realizedPnl": "3"}),
        trade(2, "1", 10, amount=1.5, cost=150.0, info={"realizedPnl": "1"}),
        trade(3, "2", 150, fee={"cost": 0.0001, "currency": "BNB"}),
    ]
    rows = {row[0]: row[1:] for row in used(written(tmp_path, ORDERS, trades), "order_id", "fees", "realized_pnl")}

    assert rows["1"] == (pytest.approx(0.02), pytest.approx(4 - 0.02))
    assert rows["2"] == (None, None)


def test_what_a_venue_does_not_say_is_read_from_what_it_does(tmp_path: Path) -> None:
    """No time of the last change, no order of a trade, no maker or taker, and the fee in a list."""
    orders = [order("1", "canceled", 0.0, 5, 9, lastUpdateTimestamp=None)]
    trades = [
        trade(1, "", 7, order=None, takerOrMaker=None, fee=None, fees=[{"cost": 0.02, "currency": "USDT"}]),
        trade(2, "", 8, order=None, takerOrMaker=None),
    ]
    rows = used(written(tmp_path, orders, trades), "order_id", "ts", "maker_started", "fees")

    assert rows == [
        ("1", (TEN + timedelta(seconds=5)).replace(tzinfo=None), True, None),
        ("trade 1", (TEN + timedelta(seconds=7)).replace(tzinfo=None), None, pytest.approx(0.02)),
        ("trade 2", (TEN + timedelta(seconds=8)).replace(tzinfo=None), None, pytest.approx(0.01)),
    ]


def test_the_same_order_of_several_fetches_counts_once_as_it_was_last(tmp_path: Path) -> None:
    before = order("1", "open", 0.5, 0, 5)

    assert used(written(tmp_path, [before], [ORDERS[0]], [ORDERS[0], before]), *FLAGS) == OUTCOMES[:1]


def test_an_open_order_and_an_unknown_status_are_counted(tmp_path: Path) -> None:
    result = run(written(tmp_path, [*ORDERS, order("8", "teleported", 0.0, 1, 2)]), as_of=AS_OF)

    assert counts_of(result) == {"open_order": 1, "unknown_word": 1}
    assert sample_of(result, "unknown_word").endswith("status 'teleported'")


def test_an_object_that_is_neither_order_nor_trade_is_counted_with_its_keys(tmp_path: Path) -> None:
    result = run(written(tmp_path, [ORDERS[0], {"balance": 1, "coin": "BTC"}]), as_of=AS_OF)

    assert (result.event_count, counts_of(result)) == (1, {"unknown_word": 1})
    assert sample_of(result, "unknown_word").endswith("keys 'balance, coin'")


def test_trades_alone_give_no_ratio_and_it_is_said_with_the_share(tmp_path: Path) -> None:
    source = written(tmp_path, [trade(1, "1", 0), trade(2, "2", 5, takerOrMaker="taker", amount=1.5, cost=150.0)])

    assert used(source, "order_id", "maker_started", "notional") == [("1", None, 50.0), ("2", None, 150.0)]
    assert notes_of(source, as_of=AS_OF)[0].startswith(
        "2 orders are known by their trades only (25 % of their notional filled as maker): "
    )


def test_answers_of_binance_are_read_with_every_digit_of_an_id(tmp_path: Path) -> None:
    sent = {"orderId": LONG_ID, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTX"}
    amounts = {"origQty": "2.0", "executedQty": "2.0", "cumQuote": "200.0", "avgPrice": "100.0"}
    times = {"time": at(0), "updateTime": at(10), "closePosition": False}
    fill = {"symbol": "BTCUSDT", "id": 9, "orderId": LONG_ID, "side": "BUY", "price": "100", "qty": "2.0"}
    money = {"quoteQty": "200", "commission": "-0.04", "commissionAsset": "USDT", "maker": True, "realizedPnl": "0"}
    orders = [{**sent, **amounts, **times, "status": "FILLED"}]
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    (tmp_path / "trades.json").write_text(json.dumps([{**fill, **money, "time": at(9)}]))

    # Old answers have fees that were paid below zero. Binance USD-M keeps no order that it refused.
    assert used(ccxt(tmp_path), *FLAGS, "fees", "realized_pnl") == [
        (str(LONG_ID), True, True, False, None, pytest.approx(0.04), None)
    ]


def test_a_broken_line_is_counted_and_the_others_are_used(tmp_path: Path) -> None:
    lines = [json.dumps(ORDERS[0]), '{"id": "9", "sta', "", "not json", json.dumps(ORDERS[1])]
    (tmp_path / "answer.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())

    result = run(ccxt(tmp_path), as_of=AS_OF)

    assert (result.event_count, counts_of(result)) == (2, {"not_json": 2})


@pytest.mark.parametrize(
    ("of_order", "of_trade", "named"),
    [
        ({"cost": "much"}, {}, "cost 'much'"),
        ({"average": "much"}, {}, "average 'much'"),
        ({"fee": {"cost": "much", "currency": "USDT"}}, {}, "fee.cost 'much'"),
        ({"timestamp": "noon"}, {}, "timestamp 'noon'"),
        ({"lastUpdateTimestamp": "noon"}, {}, "lastUpdateTimestamp 'noon'"),
        ({"lastUpdateTimestamp": None, "info": {"updateTime": "noon"}}, {}, "lastUpdateTimestamp 'noon'"),
        (
            {"lastUpdateTimestamp": None, "lastTradeTimestamp": at(9), "info": {"updateTime": "noon"}},
            {},
            "info.updateTime 'noon'",
        ),
        ({"price": "much"}, {}, "price 'much'"),
        ({}, {"cost": "much"}, "cost 'much'"),
        ({}, {"fee": {"cost": "much", "currency": "USDT"}}, "fee.cost 'much'"),
        ({}, {"info": {"realizedPnl": "much"}}, "realizedPnl 'much'"),
        ({}, {"timestamp": "noon"}, "timestamp 'noon'"),
    ],
)
def test_a_value_that_cannot_be_read_is_counted_and_never_passes_for_unknown(
    tmp_path: Path, of_order: dict[str, Any], of_trade: dict[str, Any], named: str
) -> None:
    damaged = [ORDERS[0] | of_order, trade(1, "1", 9, **of_trade), trade(2, "1", 10, amount=1.5, cost=150.0)]

    result = run(written(tmp_path, [*damaged, *ORDERS[1:3]]), as_of=AS_OF)

    # The other two orders are one intent: a maker order and its fallback.
    assert (result.event_count, counts_of(result)) == (1, {"bad_value": 1})
    assert sample_of(result, "bad_value").endswith(named)


def test_an_array_after_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(ORDERS[:1], indent=2).encode())

    assert used(ccxt(tmp_path), *FLAGS) == OUTCOMES[:1]


def test_a_file_that_is_no_json_stops_the_run_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text('[{"id": 1,')

    with pytest.raises(SourceError, match=r"answer\.json is not a valid JSON file of one array"):
        run(ccxt(tmp_path), as_of=AS_OF)


def bars(folder: Path, minutes: int) -> CandlesSource:
    opened = (TEN - timedelta(minutes=minutes)).isoformat()
    path = folder / "bars.csv"
    path.write_text(f"ts,symbol,high,low,close\n{opened},BTCUSDT,101,79,80\n")
    return CandlesSource(location=Location(path=str(path)), interval=timedelta(minutes=minutes))


def test_the_close_of_the_last_closed_minute_stands_for_the_mid(tmp_path: Path) -> None:
    written(tmp_path, ORDERS[:2])
    spelling = SymbolSpelling(style=SymbolStyle.COMPACT)
    source = ccxt(tmp_path / "*.json", candles=bars(tmp_path, 1), symbols=spelling)

    # Bought at 100 of 80, created when the bar had just closed; the second order is a hundred seconds later.
    assert used(source, "symbol", "slippage_bps") == [("BTCUSDT", pytest.approx(2500.0)), ("BTCUSDT", None)]
    assert "1 slippages are measured against the close of the last closed one-minute candle" in notes_of(
        source, as_of=AS_OF
    )


def test_coin_margined_answers_of_binance_have_their_price_beside_amounts_in_the_coin(tmp_path: Path) -> None:
    """Twenty contracts of 100 dollars at 100 are 20 BTC."""
    sent = {"orderId": "1", "symbol": "BTCUSD_PERP", "side": "BUY", "type": "LIMIT", "timeInForce": "GTX"}
    amounts = {"origQty": "20", "executedQty": "20", "cumBase": "20.0", "avgPrice": "100.0"}
    order_sent = {**sent, **amounts, "time": at(0), "updateTime": at(10), "status": "FILLED"}
    filled = {"id": "7", "orderId": "1", "symbol": "BTCUSD_PERP", "side": "BUY", "maker": True, "time": at(10)}
    paid = {"price": "100.0", "qty": "20", "baseQty": "20.0", "commission": "0.004", "commissionAsset": "BTC"}
    written(tmp_path, [order_sent], [{**filled, **paid, "realizedPnl": "0.5"}])
    spelling = SymbolSpelling(names={"BTCUSD_PERP": "BTCUSDT"})

    source = ccxt(tmp_path / "*.json", candles=bars(tmp_path, 1), symbols=spelling)

    # Bought at 100 of 80.
    assert used(source, "maker_filled", "notional", "slippage_bps") == [(True, 20.0, pytest.approx(2500.0))]


def test_longer_candles_do_not_stand_for_the_mid(tmp_path: Path) -> None:
    written(tmp_path, ORDERS[:2])
    source = ccxt(tmp_path / "*.json", candles=bars(tmp_path, 5))

    assert used(source, "slippage_bps") == [(None,), (None,)]
    assert any("candles of 5 minutes are too long" in note for note in notes_of(source, as_of=AS_OF))


def binance(folder: Path, text: str, **settings: Any) -> OrdersSource:
    (folder / "history.csv").write_text(text)
    return OrdersSource(kind=OrdersKind.BINANCE, location=Location(path=str(folder / "*.csv")), **settings)


FUTURES = "Uid,Time,Symbol,Side,Price,Quantity,Amount,Fee,Realized Profit,Buyer,Maker,Trade ID,Order ID\n"
EXPORTS = {
    "futures, two digits of the year": FUTURES
    + f"1,26-04-25 10:00:00,BTCUSDT,BUY,100,0.5,50,0.01 USDT,0,true,true,1,{LONG_ID}\n"
    + f"1,26-04-25 10:00:01,BTCUSDT,BUY,100,1.5,150,0.03 USDT,0,true,TRUE,2,{LONG_ID}\n",
    "futures, UTC in the header": FUTURES.replace("Time", "Time(UTC)")
    + f"1,2026-04-25 10:00:01,BTCUSDT,BUY,100,2.0,200,0.04USDT,0,true,false,2,{LONG_ID}\n",
    "spot, units glued on": "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
    '2026-04-25 10:00:01,BTCUSDT,BUY,100,2.0BTC,"200.0USDT",0.04USDT\n',
    "spot, an older one": "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n"
    "2026-04-25 10:00:01,BTCUSDT,BUY,100,2.0,200,0.04,USDT\n",
    "with a byte order mark and thousands": "\ufeff"
    + FUTURES
    + f'1,2026-04-25 10:00:01,BTCUSDT,BUY,100,"2.0","2,00.0",0.04 USDT,0,true,false,2,{LONG_ID}\n',
}


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS.keys())
def test_the_exports_of_several_years_give_the_same_order(tmp_path: Path, export: str) -> None:
    done_at = (TEN + timedelta(seconds=1)).replace(tzinfo=None)

    assert used(binance(tmp_path, export), "ts", "symbol", "side", "notional", "fees", "maker_started") == [
        (done_at, "BTCUSDT", "BUY", 200.0, pytest.approx(0.04), None)
    ]


@pytest.mark.parametrize(
    ("column", "time"),
    [
        ("Date(UTC+2)", "2026-04-25 12:00:00"),
        ("Date(UTC-03:00)", "2026-04-25 07:00:00"),
        ("Date(UTC+0)", "2026-04-25 10:00:00"),
        ("Time", "1777111200000"),
        ("Time", "2026/4/25 10:00:00"),
        ("Time", "2026-04-25T12:00:00+02:00"),
    ],
)
def test_a_time_is_read_by_the_zone_of_its_header_or_its_own(tmp_path: Path, column: str, time: str) -> None:
    export = f"{column},Pair,Side,Price,Executed,Amount,Fee\n{time},BTCUSDT,BUY,100,2BTC,200USDT,0.04USDT\n"

    assert used(binance(tmp_path, export), "ts") == [(TEN.replace(tzinfo=None),)]


@pytest.mark.parametrize(
    ("time", "price", "named"),
    [
        ("25/04/2026 10:00", "100", "Time 25/04/2026 10:00 (write year, month and day)"),
        ("2026-04-25 10:00:00", "100,5", "Price 100,5"),
        ("2026-04-25 10:00:00", "0,105", "Price 0,105"),
        ("2026-04-25 10:00:00", "1.000,5", "Price 1.000,5"),
        ("2026-04-25 10:00:00", "1,000,5", "Price 1,000,5"),
        ("2026-04-25 10:00:00", "1,000,500.5", None),
        ("2026-04-25 10:00:00", "100,500", None),
    ],
)
def test_what_a_spreadsheet_wrote_in_its_own_way_is_refused_and_never_read_as_another_number(
    tmp_path: Path, time: str, price: str, named: str | None
) -> None:
    export = f'Time,Pair,Side,Price,Executed,Amount,Fee\n{time},BTCUSDT,BUY,"{price}",2BTC,200USDT,0.04USDT\n'

    (row,) = canonical_rows(binance(tmp_path, export), as_of=AS_OF)

    assert row["unread"] == named


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Trading total,Status",
            "is the order history of Binance, .* export the trade history",
        ),
        (
            "Time,Order ID,Symbol,Side,Type,Price,Average,Amount,Executed,Status",
            "is the order history of Binance, .* export the trade history",
        ),
        ("Date(UTC);Pair;Side;Price;Executed;Amount;Fee", "separate its columns by commas, and decimals by points"),
        ("Time,Symbol,Side,Price", "no column for quantity, amount; it has Time, Symbol, Side, Price"),
    ],
)
def test_an_export_of_another_kind_is_refused_with_what_would_fit(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        run(binance(tmp_path, f"{header}\n1{',' * header.count(',')}\n"), as_of=AS_OF)


def test_the_profit_of_a_coin_margined_contract_is_not_mixed_with_dollars(tmp_path: Path) -> None:
    rows = (
        "1,26-04-25 10:00:00,BTCUSD_PERP,BUY,100,20 Cont,2000 USD,0.0001 BTC,0.5 BTC,true,true,1,7\n"
        "1,26-04-25 10:00:01,BTCUSD_260626,SELL,100,20,2000,0.0001 BTC,0.5,true,true,1,8\n"
    )
    source = binance(tmp_path, FUTURES + rows)

    assert used(source, "order_id", "notional", "realized_pnl", "fees") == [
        ("7", 2000.0, None, None),
        ("8", 2000.0, None, None),
    ]
    assert any(note.startswith("2 of them are of coin-margined contracts") for note in notes_of(source, as_of=AS_OF))


def test_times_without_a_zone_are_in_that_of_the_settings(tmp_path: Path) -> None:
    row = "1,26-04-25 12:00:00,BTCUSDT,BUY,100,2,200,0.01 BNB,5.5,true,true,1,7\n"
    source = binance(tmp_path, FUTURES + row, zone="Europe/Berlin")

    # Noon in Berlin's summer is ten in UTC. A fee in BNB is not known in USDT.
    assert used(source, "order_id", "ts", "fees", "realized_pnl") == [("7", TEN.replace(tzinfo=None), None, 5.5)]


@pytest.mark.parametrize(
    ("fee", "profit", "named"),
    [
        ("little", "5.5", "Fee little"),
        ("0.01 USDT", "much", "Realized Profit much"),
        ("-", "-", None),
        ("", "", None),
        ("0.01USDT", "5.5 USDT", None),
    ],
)
def test_money_of_an_export_may_have_a_unit_or_be_absent_but_not_be_a_word(
    tmp_path: Path, fee: str, profit: str, named: str | None
) -> None:
    row = f"1,26-04-25 10:00:00,BTCUSDT,BUY,100,2,200,{fee},{profit},true,true,1,7\n"

    (read,) = canonical_rows(binance(tmp_path, FUTURES + row), as_of=AS_OF)

    assert (read["reason"], read["unread"]) == (None if named is None else "bad_value", named)


def test_rows_of_an_export_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    rows = (
        "1,26-04-25 10:00:00,BTCUSDT,BUY,100,2,200,0.01 USDT,0,true,true,1,1\n"
        "1,yesterday,BTCUSDT,BUY,100,2,200,0.01 USDT,0,true,true,2,2\n"
        "1,26-04-25 10:00:00,BTCUSDT,HODL,100,2,200,0.01 USDT,0,true,true,3,3\n"
        "1,26-04-25 10:00:00,BTCUSDT,BUY,cheap,2,200,0.01 USDT,0,true,true,4,4\n"
        "1,26-04-25 10:00:00,BTCUSDT\n"
    )
    result = run(binance(tmp_path, FUTURES + rows), as_of=AS_OF)

    assert (result.event_count, counts_of(result)) == (1, dict.fromkeys(_UNREAD, 1))
    assert sample_of(result, "bad_time").endswith("Time 'yesterday'")


_UNREAD = ("bad_row", "bad_time", "bad_value", "unknown_word")


def test_an_export_of_another_kind_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"for symbol, side, price, quantity; it has Date\(UTC\), Coin, Amount"):
        run(binance(tmp_path, "Date(UTC),Coin,Amount\n2026-04-25,BTC,1\n"), as_of=AS_OF)
