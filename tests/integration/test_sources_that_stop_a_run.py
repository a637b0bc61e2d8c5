"""Sources that cannot be read stop a run, and the error names the file or the setting."""

import gzip
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.plan import OrdersSource
from jobs.sources.errors import SourceError
from policy.errors import RouterPolicyError
from tests.support.canonical_formats import ROWS
from tests.support.outcomes import (
    outcome,
    write_csv,
    write_jsonl,
    write_parquet,
    write_sqlite,
)
from tests.support.small_runs import (
    canonical,
    canonical_query,
    order_log,
    run,
)


def test_nothing_that_matches_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"orders\.path: no file matches .*/nowhere/\*\.jsonl; correct orders\.path"):
        run(order_log(tmp_path / "nowhere" / "*.jsonl"))


def test_files_beside_a_pattern_that_matches_none_are_named(tmp_path: Path) -> None:
    for name in ("trades.csv", "fills.csv"):
        (tmp_path / name).touch()

    with pytest.raises(SourceError, match=r"\*\.jsonl; the folder has fills\.csv, trades\.csv; correct orders\.path"):
        run(order_log(tmp_path / "*.jsonl"))


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
    ("name", "message"),
    [
        ("log.txt", "the format of .*/log.txt is unknown; name it .parquet, .csv or .jsonl"),
        ("log.jsonl.bz2", "log.jsonl.bz2 is compressed as .bz2; unpack it, or compress it as .gz or .zst"),
        ("log.jsonl.zst", "log.jsonl.zst cannot be read: its content is not .zst; restore the file, or rename it"),
    ],
)
def test_a_file_of_a_format_that_is_not_read_stops_the_run(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"anything")

    with pytest.raises(SourceError, match=message):
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
    ("query", "message"),
    [
        ("select * from nowhere", "orders.query: the database refused it: no such table: nowhere"),
        ("selectt", "orders.query: the database refused it: .*syntax error"),
        ("delete from outcome where 1 = 0", "orders.query: the database refused it: "),
        ("select * from outcome where 1 = 0", "orders.query: the query returned no row"),
        ("select 1 as a", "the result of orders.query has no column 'ts', 'symbol'"),
    ],
)
def test_a_query_that_gives_no_outcomes_stops_the_run(tmp_path: Path, query: str, message: str) -> None:
    url = write_sqlite(tmp_path / "outcomes.db", ROWS)

    with pytest.raises(SourceError, match=message):
        run(canonical_query(url, query))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///{folder}/missing.db", r"orders\.url: the database file .*/missing\.db does not exist"),
        ("postgresql+psycopg://bot:secret@127.0.0.1:1/x", r"orders\.url: the database cannot be used: .*refused"),
        ("nonsense", r"orders\.url: the URL cannot be read; correct orders\.url"),
        ("sqlite:///{folder}", r"orders\.url: the database cannot be used: unable to open database file"),
        ("mysql://bot:secret@127.0.0.1/x", "orders.url: the driver of this database is not installed"),
    ],
)
def test_a_database_that_is_not_there_stops_the_run_and_no_password_is_said(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        run(canonical_query(url.format(folder=tmp_path), "select 1"))
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
