"""The download of the history: every symbol as CSV or Parquet, read and sent in blocks, on both databases."""

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO

import pyarrow
import pyarrow.parquet
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

import storage.read.history_blocks as history_blocks_module
from console.records.history_parquet import parquet_pieces
from console.records.history_rows import HISTORY_COLUMNS, csv_pieces, history_row
from console.web.api import history_files
from storage.read.history_blocks import HistorySelection, history_blocks
from storage.records import PolicyPeriod
from storage.schema.views import policy_history
from storage.store import Store
from tests.support.small_history import HOUR, MIDNIGHT


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def parquet(content: bytes) -> pyarrow.Table:
    return pyarrow.parquet.read_table(BytesIO(content))


def test_the_csv_has_every_symbol_by_slot_begin_and_symbol(small_console: TestClient) -> None:
    answer = small_console.get("/v1/history")
    rows = csv_rows(answer.text)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="policy_history.csv"'
    assert [(row["slot"][11:16], row["valid_from"][11:16], row["symbol"]) for row in rows[6:11]] == [
        ("00:00", "00:00", "BTCUSDT"),
        ("00:00", "00:00", "DOGEUSDT"),
        ("00:00", "00:00", "ETHUSDT"),
        ("00:00", "00:20", "BTCUSDT"),
        ("01:00", "01:00", "BTCUSDT"),
    ]
    assert len(rows) == 18
    assert {row["scope"] for row in rows} == {"default"}


def test_a_symbols_rows_are_those_of_its_own_history(small_console: TestClient) -> None:
    of_symbol = small_console.get("/v1/policies/BTCUSDT/history?format=csv").text

    assert small_console.get("/v1/history?symbol=BTCUSDT&symbol=NEVER").text == of_symbol


def test_bounds_count_from_the_begin_of_a_policy(small_console: TestClient) -> None:
    rows = csv_rows(small_console.get("/v1/history?since=2025-03-04T00:10:00Z&until=2025-03-04T01:30:00Z").text)

    # The override of BTCUSDT begins between two runs; the one that it belongs to is before the first bound.
    assert [(row["valid_from"][11:16], row["symbol"]) for row in rows] == [
        ("00:20", "BTCUSDT"),
        ("01:00", "BTCUSDT"),
        ("01:00", "DOGEUSDT"),
        ("01:00", "ETHUSDT"),
    ]
    assert csv_rows(small_console.get("/v1/history?until=2025-03-03T00:00:00Z").text) == []


def test_parquet_has_the_same_rows_with_types(small_console: TestClient) -> None:
    answer = small_console.get("/v1/history?format=parquet")
    table = parquet(answer.content)
    rows = csv_rows(small_console.get("/v1/history").text)

    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert tuple(table.column_names) == HISTORY_COLUMNS
    assert table.column("symbol").to_pylist() == [row["symbol"] for row in rows]
    assert [value.isoformat() for value in table.column("valid_from").to_pylist()] == [
        row["valid_from"].replace("Z", "+00:00") for row in rows
    ]
    assert table.column("fallback_ratio").to_pylist() == [float(row["fallback_ratio"]) for row in rows]
    assert table.column("maker_first").to_pylist() == [row["maker_first"] == "true" for row in rows]
    assert [" ".join(code["code"] for code in codes) for codes in table.column("codes").to_pylist()] == [
        row["codes"] for row in rows
    ]
    assert [str(table.schema.field(name).type) for name in ("slot", "run_id", "override_id", "override_until_at")] == [
        *("timestamp[us, tz=UTC]", "int64", "int64", "timestamp[us, tz=UTC]")
    ]


def test_a_selection_without_rows_is_an_empty_table(small_console: TestClient) -> None:
    table = parquet(small_console.get("/v1/history?format=parquet&symbol=NEVER").content)

    assert (table.num_rows, tuple(table.column_names)) == (0, HISTORY_COLUMNS)


def test_without_pyarrow_parquet_is_refused_with_the_remedy(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_files, "find_spec", lambda _: None)

    answer = client.get("/v1/history?format=parquet")

    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_installed")
    assert "pip install '.[export]'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("room", [1, 4, 7, 1000])
@pytest.mark.parametrize("symbols", [None, ["BTCUSDT"], ["BTCUSDT", "ETHUSDT", "NEVER"]])
def test_blocks_of_any_size_together_are_the_view(
    small_store: Store, monkeypatch: pytest.MonkeyPatch, room: int, symbols: list[str] | None
) -> None:
    monkeypatch.setattr(history_blocks_module, "_ROWS_OF_A_BLOCK", room)
    selection = HistorySelection(scope="default", symbols=symbols, since=MIDNIGHT - HOUR)
    view = policy_history.c
    query = select(view.valid_from, view.symbol).where(view.scope == "default", view.valid_from >= MIDNIGHT - HOUR)
    with small_store.reading() as connection:
        rows = connection.execute(query.order_by(view.slot, view.valid_from, view.symbol)).all()
    expected = [tuple(row) for row in rows if symbols is None or row.symbol in symbols]

    blocks = list(history_blocks(small_store.reading, selection))

    assert [(period.valid_from, period.policy.symbol) for block in blocks for period in block] == expected
    assert len(blocks) == 1 or room < 1000


@pytest.fixture(scope="module")
def period(small_store: Store) -> PolicyPeriod:
    return next(history_blocks(small_store.reading, HistorySelection(scope="default")))[0]


def test_what_is_sent_first_does_not_wait_for_the_rest(period: PolicyPeriod) -> None:
    read = 0

    def endless() -> Iterator[list[PolicyPeriod]]:
        nonlocal read
        while True:
            read += 1
            yield [period] * 4000

    text = csv_pieces(endless())
    assert (next(text).count("\n"), read) == (1, 0)
    assert (next(text).count("\n"), read) == (4000, 1)
    read = 0
    assert next(parquet_pieces(endless())).startswith(b"PAR1")
    assert read == 5


def test_parquet_of_several_groups_is_one_table(period: PolicyPeriod) -> None:
    content = b"".join(parquet_pieces([[period] * 20_000, [period]]))

    assert pyarrow.parquet.ParquetFile(BytesIO(content)).num_row_groups == 2
    assert parquet(content).slice(20_000).to_pylist()[0]["valid_from"] == history_row(period)["valid_from"]
