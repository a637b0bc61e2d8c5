"""NautilusTrader as a source: hand-made events of a catalog, reports, and bars with prices in bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.plan import CandlesKind, CandlesSource, Location, OrdersKind, OrdersSource
from jobs.sources.errors import SourceError
from policy.symbols import SymbolSpelling, SymbolStyle
from tests.support.bot_data import canonical_rows, notes_of, utc
from tests.support.small_runs import counts_of, run, sample_of

AS_OF = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00")
SYMBOL = "ETHUSDT-PERP.BINANCE"
NAMES = ("order_id", "maker_started", "maker_filled", "fallback_used", "post_only_rejected")


def at(seconds: float) -> int:
    return int((TEN + timedelta(seconds=seconds)).timestamp() * 1_000_000) * 1000


def initialized(name: str, kind: str, tags: Sequence[str] | None, **values: Any) -> dict[str, Any]:
    """An order to buy 2."""
    sent = {"client_order_id": name, "instrument_id": SYMBOL, "order_side": "BUY", "order_type": kind}
    fixed = {"quantity": "2.0", "post_only": kind == "LIMIT", "exec_spawn_id": None, "ts_init": at(0)}
    return {**sent, **fixed, "tags": json.dumps(tags).encode(), **values}


def filled(name: str, seconds: float, quantity: str, price: str, side: str, commission: str) -> dict[str, Any]:
    number = f"{name}-{seconds}"
    money = {"last_qty": quantity, "last_px": price, "commission": commission, "currency": "USDT"}
    return {"client_order_id": name, "trade_id": number, "liquidity_side": side, "ts_event": at(seconds), **money}


def ended(name: str, seconds: float, **values: Any) -> dict[str, Any]:
    return {"client_order_id": name, "ts_event": at(seconds), **values}


TAGS = ["rp_intent=B", "rp_run=4", "rp_probe=1", "rp_mid=100"]
EVENTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "order_initialized": [
        initialized("A-1", "LIMIT", ["intent:A", "mid:100.0"]),
        initialized("B", "MARKET", None),  # the primary: never submitted
        initialized("B-E1", "LIMIT", TAGS, exec_spawn_id="B"),
        initialized("B-E2", "MARKET", TAGS, exec_spawn_id="B", quantity="1.5"),
        initialized("C-1", "LIMIT", ["intent:C"]),  # refused, nothing after it
        initialized("D-1", "LIMIT", None),  # open
    ],
    "order_submitted": [{"client_order_id": name} for name in ("A-1", "B-E1", "B-E2", "C-1", "D-1")],
    "order_filled": [
        filled("A-1", 10, "0.5", "99.0", "MAKER", "0.01 USDT"),
        filled("A-1", 11, "1.5", "101.0", "MAKER", "0.03 USDT"),
        filled("B-E1", 12, "0.5", "99.0", "MAKER", "0.01 USDT"),
        filled("B-E2", 20, "1.5", "101.0", "TAKER", "0.0001 BNB"),
    ],
    "order_canceled": [ended("B-E1", 19)],
    "order_rejected": [ended("C-1", 5, reason="POST_ONLY LIMIT BUY order limit px of 100 would have been a TAKER")],
    "position_closed": [
        {"closing_order_id": "B-E2", "opening_order_id": "A-1", "realized_pnl": "1.5 USDT", "ts_closed": at(20)}
    ],
}


def write_catalog(folder: Path, events: Mapping[str, Sequence[Mapping[str, Any]]] = EVENTS) -> OrdersSource:
    """Write a catalog with a folder for each kind of event and instrument."""
    for name, rows in events.items():
        path = folder / "data" / name / SYMBOL / "2026-04-25_2026-04-26.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return nautilus(folder)


def nautilus(path: Path) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.NAUTILUS, location=Location(path=str(path)))


def used(source: OrdersSource, *names: str) -> Sequence[tuple[Any, ...]]:
    rows = canonical_rows(source, as_of=AS_OF)
    return [tuple(row[name] for name in names) for row in rows if row["reason"] is None]


def test_the_orders_that_one_spawned_or_tagged_are_one_intent(tmp_path: Path) -> None:
    assert used(write_catalog(tmp_path), *NAMES) == [
        ("C", True, False, False, True),
        ("A", True, True, False, False),
        ("B", True, False, True, False),
    ]


def test_slippage_is_weighted_over_the_legs_against_the_mid_of_the_tag(tmp_path: Path) -> None:
    names = ("order_id", "slippage_bps", "notional", "fees", "realized_pnl", "probe", "policy_run_id")

    # 0.5 at 99 and 1.5 at 101 are 201 for 2: 100.5 of 100. A commission in BNB is not added to amounts in USDT.
    assert used(write_catalog(tmp_path), *names) == [
        ("C", None, None, None, None, None, None),
        ("A", pytest.approx(50.0), 201.0, pytest.approx(0.04), None, None, None),
        ("B", pytest.approx(50.0), 201.0, None, 1.5, True, 4),
    ]


def test_a_quote_of_the_minute_before_stands_for_a_mid_that_no_tag_has(tmp_path: Path) -> None:
    def price(value: int) -> bytes:
        return (value * 10**16).to_bytes(16, "little")

    orders = [initialized("A-1", "LIMIT", None, ts_init=at(0)), initialized("L-1", "LIMIT", None, ts_init=at(61))]
    fills = [filled(name, 70, "2.0", "101.0", "MAKER", "0.1 USDT") for name in ("A-1", "L-1")]
    submitted = [{"client_order_id": name} for name in ("A-1", "L-1")]
    quotes = tmp_path / "data" / "quote_tick" / SYMBOL / "quotes.parquet"
    quotes.parent.mkdir(parents=True)
    sides = {"bid_price": pa.array([price(99)], pa.binary(16)), "ask_price": pa.array([price(101)], pa.binary(16))}
    pq.write_table(pa.table({**sides, "ts_init": pa.array([at(0)], pa.uint64())}), quotes)
    events = {"order_initialized": orders, "order_submitted": submitted, "order_filled": fills}

    # Bought at 101 of 100; the other order was decided 61 s after the quote.
    assert used(write_catalog(tmp_path, events), "order_id", "slippage_bps") == [
        ("A-1", pytest.approx(100.0)),
        ("L-1", None),
    ]


def test_how_an_order_rested_is_known_of_its_last_post(tmp_path: Path) -> None:
    def posted(name: str, seconds: float, price: float, tags: Sequence[str]) -> dict[str, Any]:
        options = json.dumps({"price": str(price), "display_qty": None}).encode()
        return initialized(name, "LIMIT", tags, ts_init=at(seconds), options=options)

    market = initialized("A-3", "MARKET", ["intent:A"], ts_init=at(62), options=b"{}", quantity="1.5")
    events: dict[str, Sequence[Mapping[str, Any]]] = {
        "order_initialized": [
            posted("A-1", 0, 101.0, ["intent:A"]),
            posted("A-2", 30, 100.5, ["intent:A"]),
            market,
            posted("B-1", 100, 99.0, ["intent:B"]),
            posted("C-1", 200, 98.0, ["intent:C"]),
            initialized("D-1", "MARKET", None, ts_init=at(300), options=b"{}"),
        ],
        "order_submitted": [{"client_order_id": name} for name in ("A-1", "A-2", "A-3", "B-1", "C-1", "D-1")],
        "order_accepted": [ended("A-1", 1), ended("A-2", 31), ended("A-3", 62), ended("B-1", 101), ended("D-1", 300)],
        "order_updated": [ended("B-1", 110, price="99.5"), ended("B-1", 120, price="99.50", quantity="1.0")],
        "order_canceled": [ended("A-1", 29), ended("A-2", 61)],
        "order_rejected": [ended("C-1", 201, reason="POST_ONLY LIMIT BUY px of 98 would have been a TAKER")],
        "order_filled": [
            filled("A-2", 40, "0.5", "100.5", "MAKER", "0.01 USDT"),
            filled("A-3", 63, "1.5", "101.0", "TAKER", "0.05 USDT"),
            filled("B-1", 130, "2.0", "99.5", "MAKER", "0.01 USDT"),
            filled("D-1", 301, "2.0", "99.5", "TAKER", "0.05 USDT"),
        ],
    }

    def time(seconds: float) -> object:
        return (TEN + timedelta(seconds=seconds)).replace(tzinfo=None)

    # A rested again after a partial fill; B was moved once, for its quantity changed at the same price.
    assert used(write_catalog(tmp_path, events), "order_id", "posts", "maker_price", "maker_from", "maker_until") == [
        ("A", 2, 100.5, time(31), time(61)),
        ("B", 2, 99.5, time(110), time(130)),
        ("C", 0, None, None, None),
        ("D-1", None, None, None, None),
    ]


def test_an_order_that_was_denied_has_no_time_of_an_event_and_ends_nothing_else(tmp_path: Path) -> None:
    denied = [{"client_order_id": "E-1", "reason": "NOTIONAL_EXCEEDS_FREE_BALANCE", "ts_init": at(400)}]
    orders = [*EVENTS["order_initialized"], initialized("E-1", "LIMIT", ["intent:E"], ts_init=at(400))]
    source = write_catalog(tmp_path, {**EVENTS, "order_initialized": orders, "order_denied": denied})

    assert [row[0] for row in used(source, "order_id")] == ["C", "A", "B"]


def test_without_events_of_submission_a_denied_order_was_never_posted(tmp_path: Path) -> None:
    events: dict[str, Sequence[Mapping[str, Any]]] = {
        "order_initialized": [initialized("E-1", "LIMIT", None, price="99.0")],
        "order_denied": [{"client_order_id": "E-1", "reason": "NOTIONAL_EXCEEDS_FREE_BALANCE", "ts_init": at(1)}],
    }

    assert used(write_catalog(tmp_path, events), "order_id", "posts", "maker_price") == [("E-1", 0, None)]


def test_an_open_order_is_counted_and_the_limits_are_said(tmp_path: Path) -> None:
    source = write_catalog(tmp_path)

    assert counts_of(run(source, as_of=AS_OF)) == {"open_order": 1}
    assert notes_of(source, as_of=AS_OF) == []


def test_what_the_events_do_not_have_is_said_with_counts(tmp_path: Path) -> None:
    less = {name: rows for name, rows in EVENTS.items() if name != "position_closed"}
    source = write_catalog(tmp_path, {**less, "order_initialized": [initialized("A-1", "LIMIT", None)]})

    assert [re.split("[:,]", note)[0] for note in notes_of(source, as_of=AS_OF)] == [
        "1 orders have neither exec_spawn_id nor a tag that names their intent",
        "1 fills have no slippage",
        "no profit is known",
    ]


def test_the_side_of_a_fill_that_is_not_known_is_a_counted_reject(tmp_path: Path) -> None:
    fills = [filled("A-1", 10, "2.0", "99.0", "NO_LIQUIDITY_SIDE", "0.01 USDT")]
    source = write_catalog(
        tmp_path,
        {**EVENTS, "order_filled": fills, "order_canceled": []}
        | {"order_canceled": [ended("B-E1", 19), ended("B-E2", 19)]},
    )

    result = run(source, as_of=AS_OF)

    assert counts_of(result)["unknown_word"] == 1
    assert sample_of(result, "unknown_word").endswith("order_filled.liquidity_side 'NO_LIQUIDITY_SIDE'")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ({"order_initialized": {"tags": json.dumps(["rp_mid=high"]).encode()}}, "tags.rp_mid 'high'"),
        ({"order_initialized": {"tags": json.dumps(["rp_probe=perhaps"]).encode()}}, "probe 'perhaps'"),
        ({"order_initialized": {"tags": json.dumps(["rp_run=last"]).encode()}}, "policy_run_id 'last'"),
        ({"order_initialized": {"price": "high"}}, "order_initialized.price 'high'"),
        ({"order_initialized": {"options": b"{price"}}, "order_initialized.options '{price'"),
        ({"order_accepted": {"ts_event": "soon"}}, "order_accepted.ts_event 'soon'"),
        ({"order_updated": {"price": "high"}}, "order_updated.price 'high'"),
        ({"order_updated": {"price": "1", "ts_event": "soon"}}, "order_updated.ts_event 'soon'"),
        ({"order_filled": {"commission": "little USDT"}}, "order_filled.commission 'little USDT'"),
        ({"position_closed": {"realized_pnl": "much USDT"}}, "position_closed.realized_pnl 'much USDT'"),
    ],
)
def test_a_value_that_cannot_be_read_is_counted_and_never_passes_for_unknown(
    tmp_path: Path, damage: Mapping[str, Mapping[str, Any]], named: str
) -> None:
    events: dict[str, Sequence[Mapping[str, Any]]] = {
        "order_initialized": [initialized("1", "LIMIT", None)],
        "order_submitted": [ended("1", 1)],
        "order_accepted": [ended("1", 1)],
        "order_updated": [ended("1", 2, price="99.0")],
        "order_filled": [filled("1", 10, "2.0", "99.0", "MAKER", "0.01 USDT")],
        "position_closed": [{"closing_order_id": "1", "opening_order_id": "0", "realized_pnl": "1 USDT"}],
    }
    for kind, values in damage.items():
        events[kind] = [{**events[kind][0], **values}]

    (row,) = canonical_rows(write_catalog(tmp_path, events), as_of=AS_OF)

    assert row["reason"] == "bad_value"
    assert row["unread"] == re.sub("'", "", named)


def test_reports_give_the_same_intents_without_refusals(tmp_path: Path) -> None:
    def report(name: str, kind: str, status: str, last: float) -> dict[str, Any]:
        order = initialized(name, kind, None)
        named = {"client_order_id": name, "instrument_id": SYMBOL, "type": kind, "side": "BUY", "quantity": "2.0"}
        posted = {"is_post_only": "True" if kind == "LIMIT" else None, "status": status, "tags": '["rp_intent=E"]'}
        posted["price"] = "99.0" if kind == "LIMIT" else None
        return {**named, **posted, "ts_init": order["ts_init"], "ts_last": at(last)}

    orders = [report("E-1", "LIMIT", "CANCELED", 9), report("E-2", "MARKET", "FILLED", 10)]
    pq.write_table(pa.Table.from_pylist(orders), tmp_path / "orders_report.parquet")
    fills = [filled("E-2", 10, "2.0", "101.0", "TAKER", "0.1 USDT")]
    pq.write_table(pa.Table.from_pylist(fills), tmp_path / "fills_report.parquet")

    assert used(nautilus(tmp_path), *NAMES) == [("E", True, False, True, None)]
    rest = [(1, 99.0, TEN.replace(tzinfo=None), (TEN + timedelta(seconds=9)).replace(tzinfo=None))]
    assert used(nautilus(tmp_path), "posts", "maker_price", "maker_from", "maker_until") == rest


def test_a_stream_of_a_live_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "order_filled.feather").write_bytes(b"stream")

    with pytest.raises(SourceError, match="is a stream of a live run; turn it into a catalog with"):
        run(nautilus(tmp_path), as_of=AS_OF)


def test_a_folder_without_orders_is_refused_with_what_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "quotes.parquet")

    with pytest.raises(
        SourceError, match=r"no order_initialized events and no orders_report.parquet among the 1 files"
    ):
        run(nautilus(tmp_path), as_of=AS_OF)


@pytest.mark.parametrize(("width", "scale"), [(16, 10**16), (8, 10**9)])
def test_bars_are_read_from_the_bytes_of_both_precisions(tmp_path: Path, width: int, scale: int) -> None:
    def price(value: int) -> bytes:
        return (value * scale // 100).to_bytes(width, "little", signed=True)

    folder = tmp_path / "data" / "bar" / f"{SYMBOL}-15-MINUTE-LAST-EXTERNAL"
    folder.mkdir(parents=True)
    kind = pa.binary(width)
    columns = {
        name: pa.array([price(value)], kind) for name, value in (("high", 10150), ("low", 9950), ("close", 10001))
    }
    table = pa.table({**columns, "ts_event": pa.array([at(0)], pa.uint64()), "ts_init": pa.array([at(0)], pa.uint64())})
    pq.write_table(table, folder / "bars.parquet")
    bars = CandlesSource(
        location=Location(path=str(tmp_path)),
        interval=timedelta(minutes=15),
        kind=CandlesKind.NAUTILUS,
        symbols=SymbolSpelling(style=SymbolStyle.COMPACT),
    )

    assert _bars(bars) == [("ETHUSDT", (TEN - timedelta(minutes=15)).replace(tzinfo=None), 101.5, 99.5, 100.01)]


def _bars(source: CandlesSource) -> list[tuple[Any, ...]]:
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.sources.candles import read_candles
    from policy.window import Window

    with duckdb_session() as (connection, folder):
        window = Window(as_of=AS_OF, bar_interval=source.interval)
        rows = read_candles(connection, source, window, folder).rows
        return connection.execute(f"select symbol, ts, high, low, close from ({rows})").fetchall()
