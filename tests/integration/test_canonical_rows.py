"""Canonical rows that cannot be used: each is counted with where it is, and costs no other row."""

import gzip
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from jobs.plan import OrdersSource
from jobs.sources import reject_counts
from tests.support.canonical_formats import Row, Writer, each_file_format, each_format
from tests.support.outcomes import (
    NAMES,
    outcome,
    write_csv,
    write_jsonl,
)
from tests.support.small_runs import (
    candles,
    canonical,
    counts_of,
    evidence_of,
    run,
    sample_of,
)

CANNOT_BE: list[tuple[str, Row]] = [
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


def row_number(source: OrdersSource, number: int) -> str:
    """Return how a sample names a row of a file, counted from 1."""
    path = Path(source.location.path or "")
    return f"{path}" + {".parquet": f": row {number}", ".csv": f":{number + 1}", ".jsonl": f":{number}"}[path.suffix]


@each_file_format
def test_all_rows_that_cannot_be_are_counted_by_their_reasons_and_cost_no_other_row(
    tmp_path: Path, write: Writer
) -> None:
    bad = [outcome(number, slippage_bps=50.0) | changes for number, (_, changes) in enumerate(CANNOT_BE, 2)]
    source = write(tmp_path, [outcome(1), *bad, outcome(100), outcome(101, symbol="ETHUSDT")])
    result = run(source)

    assert counts_of(result) == {
        "bad_time": 1, "bad_symbol": 5, "not_finite": 4, "sentinel_slippage": 2, "contradictory": 3, "unknown_fill": 3,
    }  # fmt: skip
    reasons = [reason for reason, _ in CANNOT_BE]
    for reason in dict.fromkeys(reasons):
        assert f"{sample_of(result, reason)}: ".startswith(f"{row_number(source, reasons.index(reason) + 2)}: ")
    assert result.event_count == 3
    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q75 == 1.0
    assert evidence_of(result)["ETHUSDT"].effectiveness.outcome_count == 1


@pytest.mark.long
@each_file_format
@pytest.mark.parametrize(("reason", "changes"), CANNOT_BE)
def test_a_row_that_cannot_be_is_counted_with_its_place_and_costs_no_other_row(
    tmp_path: Path, write: Writer, reason: str, changes: Row
) -> None:
    rows = [outcome(1), outcome(2, slippage_bps=50.0) | changes, outcome(3), outcome(4, symbol="ETHUSDT")]
    source = write(tmp_path, rows)
    result = run(source)

    assert counts_of(result) == {reason: 1}
    assert f"{sample_of(result, reason)}: ".startswith(f"{row_number(source, 2)}: ")
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
    figures = evidence_of(result)["BTCUSDT"].effectiveness

    # What was sent on as taker was not filled by the maker leg, and what that filled whole was not sent on.
    assert (figures.maker_fill_ratio, figures.fallback_ratio) == (0.333333333, 0.666666667)
    assert (figures.outcome_count, figures.maker_started_count) == (4, 3)
    assert counts_of(result) == {}


CANNOT_BE_READ: list[tuple[str, Row]] = [
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


def unreadable_texts(folder: Path, suffix: str, texts: Iterable[Row]) -> OrdersSource:
    """Write two outcomes, and between them one with each of the texts."""
    bad = [outcome(number, slippage_bps=50.0) | changes for number, changes in enumerate(texts, 2)]
    rows, path = [outcome(1), *bad, outcome(100)], folder / f"outcomes{suffix}"
    if suffix == ".csv":
        return canonical(write_csv(path, rows, (*NAMES, "post_only_rejected", "probe", "fees")))
    return canonical(write_jsonl(path, rows))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_all_texts_that_cannot_be_read_as_their_columns_are_counted(tmp_path: Path, suffix: str) -> None:
    result = run(unreadable_texts(tmp_path, suffix, [changes for _, changes in CANNOT_BE_READ]))

    assert counts_of(result) == {"bad_time": 1, "bad_value": 9}
    assert (result.event_count, evidence_of(result)["BTCUSDT"].effectiveness.slip_q75) == (2, 1.0)


@pytest.mark.long
@pytest.mark.parametrize(("reason", "changes"), CANNOT_BE_READ)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_text_that_cannot_be_read_as_its_column_is_counted(
    tmp_path: Path, suffix: str, reason: str, changes: Row
) -> None:
    result = run(unreadable_texts(tmp_path, suffix, [changes]))

    assert counts_of(result) == {reason: 1}
    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q75 == 1.0


def test_every_symbol_in_json_that_is_no_text_is_counted(tmp_path: Path) -> None:
    symbols = [5, True, ["BTCUSDT"], {"name": "BTCUSDT"}]
    bad = [outcome(number) | {"symbol": symbol} for number, symbol in enumerate(symbols, 2)]
    result = run(canonical(write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), *bad])))

    assert (counts_of(result), result.event_count) == ({"bad_symbol": 4}, 1)


NO_OBJECTS = ["{broken", "5", "[]", "null", "Traceback:"]


def test_all_lines_that_are_no_json_objects_are_counted(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2)])
    path.write_text(path.read_text() + "\n".join(NO_OBJECTS) + "\n")
    result = run(canonical(path))

    assert (counts_of(result), result.event_count) == ({"not_json": 5}, 2)
    assert sample_of(result, "not_json") == f"{path}:3"


@pytest.mark.long
@pytest.mark.parametrize("line", NO_OBJECTS)
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
        b"2026-04-25T23:00:00Z,BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,,,surplus",
        b'2026-04-25T23:00:00Z,"BTCUSDT"x,true,true,false,1.0,order-9,BUY,100.0,,',
        b"2026-04-25T23:00:00Z,BTC\xff\xfeUSDT,true,true,false,1.0,order-9,BUY,100.0,,",
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
    path.write_text(path.read_text() + "2026-04-25T23:00:00Z,BTCUSDT,perhaps,true,false,1.0,order-9,BUY,100.0,,\n")
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


def test_torn_rows_of_several_files_and_sources_are_kept_apart(tmp_path: Path) -> None:
    for name, more in (("a.csv", "torn\n"), ("b.csv", "torn\n2026-04-25T23:00:00Z,BTCUSDT,?,,,,,,,,\n")):
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
    count = reject_counts.count_rejects

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
    figures = evidence_of(run(canonical(tmp_path / "log.csv*")))["BTCUSDT"].effectiveness

    assert (figures.slip_q50, figures.maker_fill_ratio, figures.outcome_count) == (5.0, 1.0, 3)


def test_a_csv_with_a_byte_order_mark_quotes_and_a_nameless_first_column_is_read(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(
        ',"ts",symbol,maker_started,maker_filled,fallback_used,slippage_bps,"a, note"\n'
        '0,"2026-04-25T23:00:00Z","BTCUSDT",True,1,FALSE,"2.5","so, ""well"""\n',
        encoding="utf-8-sig",
    )
    figures = evidence_of(run(canonical(path)))["BTCUSDT"].effectiveness

    assert (figures.slip_q50, figures.maker_fill_ratio, figures.fallback_ratio) == (2.5, 1.0, 0.0)


def test_packed_files_are_read_and_their_lines_counted(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "plain.csv", [outcome(1), outcome(2) | {"ts": "soon"}]).read_bytes()
    path = tmp_path / "outcomes.csv.gz"
    path.write_bytes(gzip.compress(rows))
    result = run(canonical(path))

    assert result.event_count == 1
    assert sample_of(result, "bad_time").startswith(f"{path}:3: BTCUSDT")
