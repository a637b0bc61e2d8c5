"""Canonical outcomes in every format: the same rows give the same evidence, and bad ones are told apart and counted."""

import gzip
import json
import math
import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.plan import OrdersSource
from jobs.sources import rejects
from jobs.sources.errors import SourceError
from policy import Effectiveness, Evidence, Expectancy
from policy.errors import RouterPolicyError
from tests.support.oracles import assert_close, evidence
from tests.support.outcomes import (
    NAMES,
    outcome,
    write_csv,
    write_jsonl,
    write_parquet,
    write_parquet_query,
    write_sqlite,
)
from tests.support.run_helpers import (
    AS_OF,
    candles,
    canonical,
    canonical_query,
    counts_of,
    evidence_of,
    order_log,
    run,
    sample_of,
)

IN_WINDOW = "select * from outcome where ts >= :window_start and ts < :as_of"
WEEK = timedelta(days=7)
MOMENT = timedelta(microseconds=1)

Row = dict[str, object]
Writer = Callable[[Path, list[Row]], OrdersSource]


def as_parquet(folder: Path, rows: list[Row]) -> OrdersSource:
    return canonical(write_parquet(folder / "outcomes.parquet", rows))


def as_csv(folder: Path, rows: list[Row]) -> OrdersSource:
    return canonical(write_csv(folder / "outcomes.csv", rows))


def as_jsonl(folder: Path, rows: list[Row]) -> OrdersSource:
    return canonical(write_jsonl(folder / "outcomes.jsonl", rows))


def as_query(folder: Path, rows: list[Row]) -> OrdersSource:
    return canonical_query(write_sqlite(folder / "outcomes.db", rows), IN_WINDOW)


FORMATS: list[Writer] = [as_parquet, as_csv, as_jsonl, as_query]
each_format = pytest.mark.parametrize("write", FORMATS)
each_file_format = pytest.mark.parametrize("write", FORMATS[:3])

# Three symbols, every kind of null, the ends of the window, and four closes in the hour of the run.
ROWS: list[Row] = [
    outcome(1, slippage_bps=-1.5, at=AS_OF - MOMENT),
    outcome(2, slippage_bps=0.25, maker_filled=False, fallback_used=True, at=AS_OF - WEEK),
    outcome(3, slippage_bps=None, maker_filled=False),
    outcome(4, slippage_bps=7.125, maker_started=False, maker_filled=False),
    outcome(5, slippage_bps=3.0, maker_started=None, maker_filled=None, fallback_used=None),
    outcome(6, slippage_bps=999.0, at=AS_OF),
    outcome(7, slippage_bps=-999.0, at=AS_OF - WEEK - MOMENT),
    outcome(8, at=AS_OF - timedelta(days=1), realized_pnl=2.5, notional=50.0),
    outcome(9, at=AS_OF - timedelta(days=2), realized_pnl=-1.0, notional=150.0),
    outcome(10, at=AS_OF - timedelta(days=3), realized_pnl=4.0, notional=None),
    outcome(11, at=AS_OF - timedelta(days=3, hours=1), realized_pnl=1000.0),
    outcome(12, symbol="ETHUSDT", maker_started=None, maker_filled=None, fallback_used=None, slippage_bps=None),
    outcome(13, symbol="币安人生USDT", slippage_bps=1 / 3),
]


@each_format
def test_every_format_gives_the_figures_worked_out_by_hand(tmp_path: Path, write: Writer) -> None:
    result = run(write(tmp_path, ROWS))
    found = evidence_of(result)

    # BTCUSDT: 9 outcomes in the window; 7 started as maker: 1, 2, 3, 8, 9, 10, 11; all but 2 and 3 filled; 2 fell back.
    # Slippages -1.5, 0.25, 1, 1, 1, 1, 3, 7.125. Expectancy at 00:xx: (2.5 - 1.0) / (50 + 150); 10 has no notional.
    assert found["BTCUSDT"] == Evidence(
        symbol="BTCUSDT",
        effectiveness=Effectiveness(
            maker_fill_ratio=0.714285714,
            fallback_ratio=0.142857143,
            slip_q25=0.8125,
            slip_q50=1.0,
            slip_q75=1.5,
            outcome_count=9,
            maker_started_count=7,
            slippage_count=8,
        ),
        expectancy=Expectancy(expectancy=0.0075, expectancy_count=2),
    )
    assert found["ETHUSDT"].effectiveness == Effectiveness(outcome_count=1)
    assert found["币安人生USDT"].effectiveness.slip_q50 == 0.333333333
    assert result.event_count == 11
    assert result.rejects == ()


def test_what_each_source_is_stands_in_the_record(tmp_path: Path) -> None:
    described = {write.__name__: json.loads(run(write(tmp_path, ROWS)).sources)["orders"] for write in FORMATS}

    assert described == {
        "as_parquet": {"kind": "canonical", "format": "parquet", "files": 1},
        "as_csv": {"kind": "canonical", "format": "csv", "files": 1},
        "as_jsonl": {"kind": "canonical", "format": "jsonl", "files": 1},
        "as_query": {"kind": "canonical", "format": "query", "files": 1},
    }


SYMBOLS = ("BTCUSDT", "ETHUSDT", "LINK/USDT:USDT")
figures = st.floats(min_value=-500.0, max_value=500.0)
moments = st.integers(-8 * 86_400_000_000, 3_600_000_000).map(lambda moment: AS_OF + timedelta(microseconds=moment))
# (maker_started, maker_filled, fallback_used): what a row may say without contradicting itself.
FLAGS = [
    (True, True, False),
    (True, False, True),
    (True, False, False),
    (False, False, False),
    (None, None, None),
    (None, True, False),
    (None, False, True),
    (None, None, False),
    (True, True, None),
    (True, None, True),
    (False, None, None),
]


@st.composite
def outcomes(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(1, 30))):
        started, filled, fell_back = draw(st.sampled_from(FLAGS))
        rows.append(
            outcome(
                number,
                symbol=draw(st.sampled_from(SYMBOLS)),
                at=draw(st.sampled_from([AS_OF, AS_OF - MOMENT, AS_OF - WEEK, AS_OF - WEEK - MOMENT]) | moments),
                maker_started=started,
                maker_filled=filled,
                fallback_used=fell_back,
                slippage_bps=draw(st.none() | figures),
                notional=draw(st.none() | st.floats(min_value=1.0, max_value=1e6)),
                realized_pnl=draw(st.none() | figures),
            )
        )
    return [*rows, outcome(99, symbol="ALWAYS")]


@settings(max_examples=25, deadline=None)
@given(outcomes())
def test_every_format_gives_what_plain_python_works_out(rows: list[Row]) -> None:
    traded = sorted({str(row["symbol"]) for row in rows if AS_OF - WEEK <= as_moment(row["ts"]) < AS_OF})
    for write in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            found = evidence_of(run(write(Path(folder), rows)))

        assert sorted(found) == traded
        for symbol in traded:
            assert_close(found[symbol], evidence(rows, symbol, AS_OF))


def as_moment(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


CANNOT_BE = [
    ("bad_time", {"ts": None}),
    ("bad_symbol", {"symbol": None}),
    ("bad_symbol", {"symbol": "  "}),
    ("bad_symbol", {"symbol": "B" * 65}),
    ("bad_symbol", {"symbol": "BTC\x00USDT"}),
    ("bad_symbol", {"symbol": "BTC\x1bUSDT"}),
    ("not_finite", {"slippage_bps": math.nan}),
    ("not_finite", {"slippage_bps": math.inf}),
    ("not_finite", {"notional": -math.inf}),
    ("not_finite", {"realized_pnl": math.nan}),
    ("sentinel_slippage", {"slippage_bps": 10_000.0}),
    ("sentinel_slippage", {"slippage_bps": -10_000.0}),
    ("contradictory", {"maker_filled": True, "fallback_used": True}),
    ("contradictory", {"maker_started": False, "maker_filled": True}),
    ("contradictory", {"maker_started": False, "maker_filled": False, "fallback_used": True}),
    ("unknown_fill", {"maker_filled": None}),
    ("unknown_fill", {"maker_filled": False, "fallback_used": None}),
    ("unknown_fill", {"maker_filled": None, "fallback_used": None}),
]


@each_file_format
@pytest.mark.parametrize(("reason", "changes"), CANNOT_BE)
def test_a_row_that_cannot_be_is_counted_with_its_place_and_costs_no_other_row(
    tmp_path: Path, write: Writer, reason: str, changes: Row
) -> None:
    rows = [outcome(1), outcome(2, slippage_bps=50.0) | changes, outcome(3), outcome(4, symbol="ETHUSDT")]
    source = write(tmp_path, rows)
    result = run(source)
    place = {".parquet": ": row 2", ".csv": ":3", ".jsonl": ":2"}[Path(source.location.path or "").suffix]

    assert counts_of(result) == {reason: 1}
    assert f"{sample_of(result, reason)}: ".startswith(f"{source.location.path}{place}: ")
    assert result.event_count == 3
    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q75 == 1.0
    assert evidence_of(result)["ETHUSDT"].effectiveness.outcome_count == 1


@each_format
def test_one_flag_of_a_maker_start_is_enough_where_it_says_the_other(tmp_path: Path, write: Writer) -> None:
    rows = [
        outcome(1, maker_filled=True, fallback_used=None),
        outcome(2, maker_filled=None, fallback_used=True),
        outcome(3, maker_filled=None, fallback_used=True),
        outcome(4, maker_started=None, maker_filled=None, fallback_used=None),
    ]
    result = run(write(tmp_path, rows))
    found = evidence_of(result)["BTCUSDT"].effectiveness

    # What was sent on as taker was not filled by the maker leg, and what that filled whole was not sent on.
    assert (found.maker_fill_ratio, found.fallback_ratio) == (0.333333333, 0.666666667)
    assert (found.outcome_count, found.maker_started_count) == (4, 3)
    assert counts_of(result) == {}


CANNOT_BE_READ = [
    ("bad_time", {"ts": "soon"}),
    ("bad_value", {"maker_started": "perhaps"}),
    ("bad_value", {"maker_filled": "2"}),
    ("bad_value", {"fallback_used": "n/a"}),
    ("bad_value", {"post_only_rejected": "?"}),
    ("bad_value", {"probe": "?"}),
    ("bad_value", {"slippage_bps": "1,5"}),
    ("bad_value", {"notional": "100 USDT"}),
    ("bad_value", {"realized_pnl": "x"}),
    ("bad_value", {"fees": "0.1 BNB"}),
]


@pytest.mark.parametrize(("reason", "changes"), CANNOT_BE_READ)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_text_that_cannot_be_read_as_its_column_is_counted(
    tmp_path: Path, suffix: str, reason: str, changes: Row
) -> None:
    rows = [outcome(1), outcome(2, slippage_bps=50.0) | changes, outcome(3)]
    path = tmp_path / f"outcomes{suffix}"
    if suffix == ".csv":
        write_csv(path, rows, (*NAMES, "post_only_rejected", "probe", "fees"))
    else:
        write_jsonl(path, rows)
    result = run(canonical(path))

    assert counts_of(result) == {reason: 1}
    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q75 == 1.0


@pytest.mark.parametrize("symbol", [5, True, ["BTCUSDT"], {"name": "BTCUSDT"}])
def test_a_symbol_in_json_that_is_no_text_is_counted(tmp_path: Path, symbol: object) -> None:
    path = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2) | {"symbol": symbol}])

    assert counts_of(run(canonical(path))) == {"bad_symbol": 1}


@pytest.mark.parametrize("line", ["{broken", "5", "[]", "null", "Traceback:"])
def test_a_line_that_is_no_json_object_is_counted(tmp_path: Path, line: str) -> None:
    path = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2)])
    path.write_text(path.read_text() + "\n" + line + "\n")
    result = run(canonical(path))

    assert counts_of(result) == {"not_json": 1}
    assert sample_of(result, "not_json") == f"{path}:4"
    assert result.event_count == 2


def torn_csv(tmp_path: Path, torn: bytes, *, end: bytes = b"\n") -> Path:
    """Three good rows, a blank line and, on line 4, one that does not fit."""
    lines = write_csv(tmp_path / "good.csv", [outcome(1), outcome(2), outcome(3)]).read_bytes().split(b"\n")
    path = tmp_path / "torn.csv"
    path.write_bytes(end.join([*lines[:2], b"", torn, *lines[2:]]))
    return path


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "torn",
    [
        b"2026-04-25T23:00:00Z,BTCUSDT,true",
        b"2026-04-25T23:00:00Z,BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,,surplus",
        b'2026-04-25T23:00:00Z,"BTCUSDT"x,true,true,false,1.0,order-9,BUY,100.0,',
        b"2026-04-25T23:00:00Z,BTC\xff\xfeUSDT,true,true,false,1.0,order-9,BUY,100.0,",
        b"# a note",
    ],
)
def test_a_csv_row_that_does_not_fit_the_header_is_counted(tmp_path: Path, torn: bytes, end: bytes) -> None:
    path = torn_csv(tmp_path, torn, end=end)
    result = run(canonical(path))

    assert counts_of(result) == {"bad_row": 1}
    assert sample_of(result, "bad_row").startswith(f"{path}:4: ")
    assert result.event_count == 3


def test_a_bad_value_after_a_torn_row_is_found_on_its_own_line(tmp_path: Path) -> None:
    path = torn_csv(tmp_path, b"torn")
    path.write_text(path.read_text() + "2026-04-25T23:00:00Z,BTCUSDT,perhaps,true,false,1.0,order-9,BUY,100.0,\n")
    result = run(canonical(path))

    assert counts_of(result) == {"bad_row": 1, "bad_value": 1}
    assert sample_of(result, "bad_value").startswith(f"{path}:7: BTCUSDT 2026-04-25 23:00:00")


def test_a_csv_row_cut_off_at_the_end_is_counted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1), outcome(2)])
    path.write_text(path.read_text() + "2026-04-25T23:00:00Z,BTCU")
    result = run(canonical(path))

    assert counts_of(result) == {"bad_row": 1}
    assert sample_of(result, "bad_row") == f"{path}:4: 2026-04-25T23:00:00Z,BTCU"
    assert result.event_count == 2


def test_lines_that_an_open_quote_takes_along_are_all_counted(tmp_path: Path) -> None:
    path = torn_csv(tmp_path, b'2026-04-25T23:00:00Z,"BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,')
    result = run(canonical(path))

    assert counts_of(result) == {"bad_row": 3}
    assert sample_of(result, "bad_row").startswith(f"{path}:4: ")
    assert result.event_count == 1


def test_torn_rows_of_several_files_and_sources_are_kept_apart(tmp_path: Path) -> None:
    for name, more in (("a.csv", "torn\n"), ("b.csv", "torn\n2026-04-25T23:00:00Z,BTCUSDT,?,,,,,,,\n")):
        path = write_csv(tmp_path / name, [outcome(1, symbol=name)])
        path.write_text(path.read_text() + more)
    (tmp_path / "candles").mkdir()
    bars = tmp_path / "candles" / "bars.csv"
    bars.write_text("ts,symbol,high,low,close\n2026-04-25T23:00:00Z,a.csv,2,1,1.5\n")
    result = run(canonical(tmp_path / "*.csv"), candles(bars))

    assert counts_of(result) == {"bad_row": 2, "bad_value": 1}
    assert sample_of(result, "bad_row") == f"{tmp_path / 'a.csv'}:3: torn"
    assert sample_of(result, "bad_value").startswith(f"{tmp_path / 'b.csv'}:4: ")
    assert counts_of(result, "candles") == {}


def test_a_file_that_is_rotated_away_during_the_run_costs_its_sample_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [outcome(1), outcome(2) | {"ts": "soon"}])
    count = rejects.count_rejects

    def count_after_rotation(*arguments: Any) -> object:
        path.rename(tmp_path / "log.jsonl.1")
        return count(*arguments)

    monkeypatch.setattr("jobs.engines.duckdb_engine.count_rejects", count_after_rotation)
    result = run(canonical(path))

    assert result.event_count == 1
    assert counts_of(result) == {"bad_time": 1}
    assert sample_of(result, "bad_time") == "not found again: a file changed while it was read"


def test_files_whose_headers_differ_are_each_read_by_their_own(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", [outcome(1, slippage_bps=3.0)])
    write_csv(tmp_path / "log.csv.1", [outcome(2, slippage_bps=5.0)], tuple(reversed(NAMES)))
    write_csv(tmp_path / "log.csv.2", [outcome(3, slippage_bps=7.0)], (*NAMES[:6], "note"))
    found = evidence_of(run(canonical(tmp_path / "log.csv*")))["BTCUSDT"].effectiveness

    assert (found.slip_q50, found.maker_fill_ratio, found.outcome_count) == (5.0, 1.0, 3)


def test_a_csv_with_a_byte_order_mark_quotes_and_a_nameless_first_column_is_read(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(
        ',"ts",symbol,maker_started,maker_filled,fallback_used,slippage_bps,"a, note"\n'
        '0,"2026-04-25T23:00:00Z","BTCUSDT",True,1,FALSE,"2.5","so, ""well"""\n',
        encoding="utf-8-sig",
    )
    found = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (found.slip_q50, found.maker_fill_ratio, found.fallback_ratio) == (2.5, 1.0, 0.0)


def test_packed_files_are_read_and_their_lines_counted(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "plain.csv", [outcome(1), outcome(2) | {"ts": "soon"}]).read_bytes()
    path = tmp_path / "outcomes.csv.gz"
    path.write_bytes(gzip.compress(rows))
    result = run(canonical(path))

    assert result.event_count == 1
    assert sample_of(result, "bad_time").startswith(f"{path}:3: BTCUSDT")


REPEATED = [
    outcome(1, at=AS_OF - timedelta(hours=3), slippage_bps=90.0, order_id="x"),
    outcome(2, at=AS_OF - timedelta(hours=1), slippage_bps=2.0, order_id="x"),
    outcome(3, at=AS_OF - timedelta(hours=2), slippage_bps=50.0, order_id="x"),
    outcome(4, slippage_bps=4.0),
    outcome(5, slippage_bps=6.0, order_id=None),
    outcome(6, slippage_bps=8.0, order_id=None),
]


@pytest.mark.parametrize(("write", "place"), [(as_csv, ":2"), (as_jsonl, ":1")])
def test_repeated_ids_are_looked_for_in_text_files(tmp_path: Path, write: Writer, place: str) -> None:
    source = write(tmp_path, REPEATED)
    result = run(source)

    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q50 == 5.0
    assert counts_of(result) == {"duplicate_id": 2}
    assert sample_of(result, "duplicate_id").startswith(f"{source.location.path}{place}: BTCUSDT 2026-04-25 21:05:00")
    assert sample_of(result, "duplicate_id").endswith("order_id x")


def test_repeated_ids_in_parquet_are_looked_for_on_request(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "outcomes.parquet", REPEATED)
    asked = run(canonical(path, deduplicate=True))

    assert run(canonical(path)).event_count == 6
    assert counts_of(run(canonical(path))) == {}
    assert asked.event_count == 4
    assert counts_of(asked) == {"duplicate_id": 2}
    assert sample_of(asked, "duplicate_id").startswith(f"{path}: row 1: BTCUSDT 2026-04-25 21:05:00")


def test_repeated_ids_of_a_query_are_looked_for_on_request(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "outcomes.db", REPEATED)
    asked = run(canonical_query(url, IN_WINDOW, deduplicate=True))

    assert asked.event_count == 4
    assert counts_of(asked) == {"duplicate_id": 2}
    assert sample_of(asked, "duplicate_id").startswith("orders.query: row 1: BTCUSDT 2026-04-25 21:05:00")


def test_repeated_ids_of_a_query_stay_where_nobody_asked(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "outcomes.db", REPEATED)

    assert run(canonical_query(url, IN_WINDOW)).event_count == 6


@each_file_format
def test_the_same_id_of_two_symbols_is_two_orders(tmp_path: Path, write: Writer) -> None:
    rows = [
        outcome(1, slippage_bps=3.0, order_id="1"),
        outcome(2, slippage_bps=5.0, order_id="1", symbol="ETHUSDT"),
        outcome(3, slippage_bps=7.0, order_id="1"),
        outcome(3, slippage_bps=5.0, order_id="1", symbol="ETHUSDT"),
    ]
    result = run(replace(write(tmp_path, rows), deduplicate=True))

    assert {symbol: found.effectiveness.slip_q50 for symbol, found in evidence_of(result).items()} == {
        "BTCUSDT": 3.0,
        "ETHUSDT": 5.0,
    }
    assert counts_of(result) == {"duplicate_id": 2}
    assert sample_of(result, "duplicate_id").endswith(": BTCUSDT 2026-04-26 00:02:00, order_id 1")


def test_repeated_ids_in_text_files_stay_on_request(tmp_path: Path) -> None:
    assert run(canonical(write_csv(tmp_path / "outcomes.csv", REPEATED), deduplicate=False)).event_count == 6


def test_a_row_of_a_query_that_is_not_used_is_counted(tmp_path: Path) -> None:
    rows = [outcome(1), outcome(2, slippage_bps="much"), outcome(3, symbol="")]
    result = run(as_query(tmp_path, rows))

    assert counts_of(result) == {"bad_symbol": 1, "bad_value": 1}
    assert sample_of(result, "bad_value") == "orders.query: row 2: BTCUSDT 2026-04-26 00:03:00, slippage_bps 'much'"


def test_a_query_may_leave_the_window_to_the_run(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "outcomes.db", ROWS)

    assert run(canonical_query(url, "select * from outcome")).decisions == run(as_csv(tmp_path, ROWS)).decisions


def test_a_query_may_rename_and_compute_its_columns(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "bot.db")
    with connection:
        connection.execute("create table trades (at, pair, post_only, maker, cost)")
        connection.execute(
            "insert into trades values (1777158000, 'BTC/USDT', 1, 1, 0.5), (1777158060, 'BTC/USDT', 1, 0, 8)"
        )
    connection.close()
    query = """select at as ts, replace(pair, '/', '') as symbol, post_only as maker_started, maker as maker_filled,
        not maker as fallback_used, cost as slippage_bps from trades"""
    found = evidence_of(run(canonical_query(f"sqlite:///{tmp_path / 'bot.db'}", query)))["BTCUSDT"].effectiveness

    assert (found.maker_fill_ratio, found.fallback_ratio, found.slip_q50) == (0.5, 0.5, 4.25)


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb", '"', "a,b", "\\", "\x00", "\ufeff", "日本", "   "])
def test_a_text_of_any_kind_in_a_database_costs_no_row(tmp_path: Path, text: str) -> None:
    rows = [outcome(1), outcome(2, order_id=text, side=text), outcome(3)]

    assert run(as_query(tmp_path, rows)).event_count == 3


RENAMED = {"ts": "Closed At", "symbol": "pair", "slippage_bps": "cost"}


@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_columns_of_other_names_are_read_as_they_are_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    theirs = [{RENAMED.get(name, name): value for name, value in row.items()} for row in ROWS]
    names = [RENAMED.get(name, name) for name in NAMES]
    path = tmp_path / f"outcomes.{'csv' if write is write_csv else 'jsonl'}"
    write(path, theirs, names) if write is write_csv else write(path, theirs)

    assert run(canonical(path, RENAMED)).decisions == run(as_parquet(tmp_path, ROWS)).decisions


def test_columns_of_other_names_are_read_in_parquet(tmp_path: Path) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", ROWS)
    chosen = ", ".join(f'{name} as "{RENAMED.get(name, name)}"' for name in NAMES)
    path = write_parquet_query(tmp_path / "renamed.parquet", f"select {chosen} from '{plain}'")

    assert run(canonical(path, RENAMED)).decisions == run(canonical(plain)).decisions


REQUIRED_ONLY = ("ts", "symbol", "maker_started", "maker_filled", "fallback_used", "slippage_bps")


@each_file_format
def test_optional_columns_may_be_missing(tmp_path: Path, write: Writer) -> None:
    rows = [{name: row[name] for name in REQUIRED_ONLY} for row in ROWS[:5]]
    if write is as_parquet:
        whole = write_parquet(tmp_path / "whole.parquet", ROWS[:5])
        path = write_parquet_query(tmp_path / "outcomes.parquet", f"select {', '.join(REQUIRED_ONLY)} from '{whole}'")
    elif write is as_csv:
        path = write_csv(tmp_path / "outcomes.csv", rows, REQUIRED_ONLY)
    else:
        path = write_jsonl(tmp_path / "outcomes.jsonl", rows)
    result = run(canonical(path))

    assert result.event_count == 5
    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy()
    assert result.rejects == ()


@pytest.mark.parametrize("name", REQUIRED_ONLY)
@each_format
def test_a_column_that_must_be_there_and_is_not_stops_the_run(tmp_path: Path, write: Writer, name: str) -> None:
    source = write(tmp_path, ROWS)
    left = ", ".join(column for column in NAMES if column != name)
    if write is as_parquet:
        path = write_parquet_query(tmp_path / "less.parquet", f"select {left} from '{source.location.path}'")
        source = canonical(path)
    elif write is as_query:
        source = canonical_query(source.location.url or "", f"select {left} from outcome")
    else:
        rows = [{column: value for column, value in row.items() if column != name} for row in ROWS]
        kept = tuple(column for column in NAMES if column != name)
        path = tmp_path / f"less{Path(source.location.path or '').suffix}"
        source = canonical(write_csv(path, rows, kept) if write is as_csv else write_jsonl(path, rows))

    with pytest.raises(SourceError, match=rf"orders: .*has no column '{name}'; it has .*\[orders\.columns\]"):
        run(source)


@each_file_format
def test_a_renamed_column_that_is_not_there_stops_the_run(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ROWS).location.path or ""

    with pytest.raises(SourceError, match="has no column 'cost'"):
        run(canonical(path, {"slippage_bps": "cost"}))


@each_file_format
def test_a_name_that_is_no_canonical_column_stops_the_run(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ROWS).location.path or ""

    with pytest.raises(
        SourceError, match=r"orders\.columns: 'slipage' is not a canonical column; the columns are order_id, ts"
    ):
        run(canonical(path, {"slipage": "slippage_bps"}))


@pytest.mark.parametrize(
    ("column", "as_type", "said"),
    [
        ("slippage_bps", "varchar", "is VARCHAR, but slippage_bps must be DOUBLE"),
        ("slippage_bps", "double[]", "is DOUBLE\\[\\], but slippage_bps must be DOUBLE"),
        ("maker_filled", "integer", "is INTEGER, but maker_filled must be BOOLEAN"),
        ("symbol", "bigint", "is BIGINT, but symbol must be VARCHAR"),
        ("ts", "boolean", "is BOOLEAN, which is not a time"),
    ],
)
def test_a_column_of_a_type_that_cannot_be_it_stops_the_run(
    tmp_path: Path, column: str, as_type: str, said: str
) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", ROWS)
    path = write_parquet_query(
        tmp_path / "typed.parquet", f"select * replace (try_cast(null as {as_type}) as {column}) from '{plain}'"
    )

    with pytest.raises(SourceError, match=f"orders: column '{column}' of {path} {said}"):
        run(canonical(path))


@pytest.mark.parametrize(
    ("column", "as_type"),
    [
        ("slippage_bps", "float"),
        ("slippage_bps", "decimal(12, 3)"),
        ("slippage_bps", "integer"),
        ("order_id", "bigint"),
        ("order_id", "uuid"),
        ("notional", "decimal(38, 2)"),
    ],
)
def test_a_column_of_a_type_that_can_be_it_is_read(tmp_path: Path, column: str, as_type: str) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", [outcome(1, slippage_bps=2.0), outcome(2, slippage_bps=4.0)])
    path = write_parquet_query(
        tmp_path / "typed.parquet", f"select * replace (try_cast({column} as {as_type}) as {column}) from '{plain}'"
    )
    found = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (found.slip_q50, found.outcome_count) == (3.0, 2)


def test_a_parquet_column_without_any_value_and_so_without_a_type_is_null(tmp_path: Path) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", ROWS)
    flags = "null as maker_started, null as maker_filled, null as fallback_used"
    path = tmp_path / "untyped.parquet"
    write_parquet_query(path, f"select * replace ({flags}) from '{plain}'")
    found = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (found.maker_fill_ratio, found.maker_started_count, found.outcome_count) == (None, 0, 9)


def test_nothing_that_matches_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"orders\.path: no file matches .*/nowhere/\*\.jsonl; correct orders\.path"):
        run(order_log(tmp_path / "nowhere" / "*.jsonl"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()

    with pytest.raises(SourceError, match="no file matches"):
        run(order_log(tmp_path / "log.jsonl"))


@pytest.mark.parametrize("kind", [order_log, canonical])
def test_files_that_are_all_empty_stop_the_run(tmp_path: Path, kind: Callable[[Path], OrdersSource]) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).touch()

    with pytest.raises(SourceError, match=r"orders\.path: .*/a\.jsonl is empty, like every other file of"):
        run(kind(tmp_path / "*.jsonl"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.jsonl", b"\n  \n\n"),
        ("log.jsonl.gz", gzip.compress(b"", mtime=0)),
        ("log.jsonl", json.dumps({"status": "ok", "rows": [{"a": 1}]}, indent=2).encode()),
        ("log.jsonl", json.dumps([outcome(1) | {"ts": 1}]).encode()),
        ("log.jsonl", b"ts,symbol\n1,BTCUSDT\n"),
        ("log.jsonl", bytes(range(256)) * 20),
    ],
    ids=["blank lines", "nothing packed", "one object over lines", "one list", "CSV", "noise"],
)
@pytest.mark.parametrize("kind", [order_log, canonical])
def test_a_file_without_one_json_object_on_a_line_stops_the_run(
    tmp_path: Path, kind: Callable[[Path], OrdersSource], name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(SourceError, match=f"orders: no line of {path} or of the files beside it is a JSON object"):
        run(kind(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", b"ts,symbol,maker_started,maker_filled,fallback_used,slippage_bps\n"),
        ("log.csv", b"ts,symbol,maker_started,maker_filled,fallback_used,slippage_bps\ntorn\nworn\n"),
    ],
)
def test_a_file_without_one_row_stops_the_run(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(SourceError, match=f"orders: {path} has no row"):
        run(canonical(path))


def test_a_parquet_file_without_one_row_stops_the_run(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "log.parquet", [])

    with pytest.raises(SourceError, match=f"orders: {path} has no row"):
        run(canonical(path))


@pytest.mark.parametrize("name", ["log.parquet", "log.jsonl.gz", "log.csv.gz"])
def test_a_file_that_is_not_what_its_name_says_stops_the_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not what it is called\n" * 100)

    with pytest.raises(SourceError, match=f"orders: .*{path} .*cannot be read: "):
        run(canonical(path))


def test_a_csv_of_two_kinds_of_line_ends_stops_the_run(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", ROWS)
    head, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(head + b"\r\n" + rest)

    with pytest.raises(SourceError, match=f"orders: {path} .*cannot be read: [^\n]*$"):
        run(canonical(path))


def test_a_parquet_file_that_was_cut_off_stops_the_run(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "log.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(SourceError, match=f"orders: {path} .*cannot be read: "):
        run(canonical(path))


def test_a_packed_file_that_was_cut_off_stops_the_run(tmp_path: Path) -> None:
    rows = [outcome(number, slippage_bps=math.sin(number)) for number in range(5000)]
    packed = gzip.compress(write_jsonl(tmp_path / "plain.jsonl", rows).read_bytes())
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])

    with pytest.raises(RouterPolicyError, match=r"log\.jsonl\.gz"):
        run(canonical(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="this user may read every file")
def test_a_file_that_may_not_be_read_stops_the_run(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", ROWS)
    path.chmod(0)

    with pytest.raises(SourceError, match=rf"orders\.path: {path} cannot be read \(Permission denied\)"):
        run(canonical(path))


def test_a_file_that_cannot_be_opened_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", ROWS)

    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=rf"orders\.path: {path} cannot be read \(Permission denied\)"):
        run(canonical(path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("log.txt", "the format of .*/log.txt is unknown; name it .parquet, .csv or .jsonl"),
        ("log.jsonl.zst", "log.jsonl.zst is compressed as .zst; unpack it, or compress it as .gz"),
    ],
)
def test_a_file_of_a_format_that_is_not_read_stops_the_run(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"anything")

    with pytest.raises(SourceError, match=said):
        run(canonical(tmp_path / name))


def test_files_of_several_formats_stop_the_run(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "log.jsonl", ROWS)
    write_csv(tmp_path / "log.csv", ROWS)

    with pytest.raises(SourceError, match=r"orders\.path: the files are of several formats"):
        run(canonical(tmp_path / "log.*"))


def test_an_order_log_that_is_no_jsonl_stops_the_run(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", ROWS)

    with pytest.raises(
        SourceError, match=r'is csv, but an order log is JSONL; did you mean orders\.kind = "canonical"'
    ):
        run(order_log(path))


def test_another_log_than_that_of_orders_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "executed.jsonl"
    path.write_text('{"ts": "2026-04-25T00:00:00Z", "symbol": "BTCUSDT", "event_type": "order_ack"}\n')

    with pytest.raises(
        SourceError, match=f"orders: {path} is not an order log: no line has event or prices or result; "
    ):
        run(order_log(path))


def test_lines_of_something_else_stop_the_run(tmp_path: Path) -> None:
    path = tmp_path / "prices.jsonl"
    path.write_text('{"order_id": 1, "price": 2.0}\n')

    with pytest.raises(
        SourceError, match="is not an order log: no line has ts, symbol; the lines have order_id, price"
    ):
        run(order_log(path))


def test_renaming_columns_of_an_order_log_stops_the_run_as_it_would_do_nothing(tmp_path: Path) -> None:
    source = order_log(write_jsonl(tmp_path / "log.jsonl", ROWS))
    renamed = replace(source, location=replace(source.location, columns={"ts": "time"}))

    with pytest.raises(SourceError, match=r"orders\.columns renames canonical columns"):
        run(renamed)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from nowhere", "orders.query: the database refused it: no such table: nowhere"),
        ("selectt", "orders.query: the database refused it: .*syntax error"),
        ("delete from outcome where 1 = 0", "orders.query: the database refused it: "),
        ("select * from outcome where 1 = 0", "orders.query: the query returned no row"),
        ("select 1 as a", "the result of orders.query has no column 'ts', 'symbol'"),
    ],
)
def test_a_query_that_gives_no_outcomes_stops_the_run(tmp_path: Path, query: str, said: str) -> None:
    url = write_sqlite(tmp_path / "outcomes.db", ROWS)

    with pytest.raises(SourceError, match=said):
        run(canonical_query(url, query))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{folder}/missing.db", r"orders\.url: the database file .*/missing\.db does not exist"),
        ("postgresql+psycopg://bot:secret@127.0.0.1:1/x", r"orders\.url: the database cannot be used: .*refused"),
        ("nonsense", r"orders\.url: the database cannot be used: .*; correct orders\.url"),
        ("sqlite:///{folder}", r"orders\.url: the database cannot be used: unable to open database file"),
        ("mysql://bot:secret@127.0.0.1/x", "orders.url: the driver of this database is not installed"),
    ],
)
def test_a_database_that_is_not_there_stops_the_run_and_no_password_is_said(
    tmp_path: Path, url: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        run(canonical_query(url.format(folder=tmp_path), "select 1"))
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
