"""Columns and ids of canonical outcomes: other names, other types, missing ones, and repeated ids."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.sources.errors import SourceError
from policy import Expectancy
from tests.support.canonical_formats import (
    FORMATS,
    IN_WINDOW,
    ROWS,
    Writer,
    as_csv,
    as_jsonl,
    as_parquet,
    as_query,
    each_file_format,
)
from tests.support.families import product_of
from tests.support.outcomes import (
    NAMES,
    outcome,
    write_csv,
    write_jsonl,
    write_parquet,
    write_parquet_query,
    write_sqlite,
)
from tests.support.small_runs import (
    AS_OF,
    canonical,
    canonical_query,
    counts_of,
    evidence_of,
    run,
    sample_of,
)

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

    assert {symbol: figures.effectiveness.slip_q50 for symbol, figures in evidence_of(result).items()} == {
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
    figures = evidence_of(run(canonical_query(f"sqlite:///{tmp_path / 'bot.db'}", query)))["BTCUSDT"].effectiveness

    assert (figures.maker_fill_ratio, figures.fallback_ratio, figures.slip_q50) == (0.5, 0.5, 4.25)


TEXTS = ["a\r\nb", "a\rb", "a\nb", '"', "a,b", "\\", "\x00", "\ufeff", "日本", "   "]


@pytest.mark.parametrize("texts", [TEXTS, *(pytest.param([text], marks=pytest.mark.long) for text in TEXTS)])
def test_a_text_of_any_kind_in_a_database_costs_no_row(tmp_path: Path, texts: list[str]) -> None:
    rows = [outcome(1), *(outcome(2, order_id=text, side=text) for text in texts), outcome(3)]

    assert run(as_query(tmp_path, rows)).event_count == 2 + len(texts)


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


@product_of("write, name", FORMATS, REQUIRED_ONLY)
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
    figures = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (figures.slip_q50, figures.outcome_count) == (3.0, 2)


def test_a_parquet_column_without_any_value_and_so_without_a_type_is_null(tmp_path: Path) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", ROWS)
    flags = "null as maker_started, null as maker_filled, null as fallback_used"
    path = tmp_path / "untyped.parquet"
    write_parquet_query(path, f"select * replace ({flags}) from '{plain}'")
    figures = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (figures.maker_fill_ratio, figures.maker_started_count, figures.outcome_count) == (None, 0, 9)
