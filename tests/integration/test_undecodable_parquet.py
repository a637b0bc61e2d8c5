"""Text in Parquet that is not UTF-8 costs its own row: every other symbol gets the policy it would have had."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support import bars as bar_files
from tests.support.bars import bars, named
from tests.support.families import product_of
from tests.support.small_runs import candles, canonical, counts_of, evidence_of, run

TIMES = [datetime(2026, 4, 25, 23, minute, tzinfo=UTC) for minute in range(8)]
SYMBOLS = [*[b"BTCUSDT"] * 4, *[b"ETHUSDT"] * 3, b"BADUSDT"]
NOT_UTF8 = [b"\xff\xfeUSDT", b"BTC\xc3", b"\xed\xa0\x80USDT", b"\x80", b"BTCUSDT\xff"]


def texts(values: Sequence[bytes]) -> pa.Array:
    """A column of strings that hold these bytes, as a careless program writes them."""
    as_bytes = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(values), as_bytes.buffers())


def write(path: Path, last: dict[str, bytes]) -> Path:
    """Write eight orders, of the last one these texts."""
    columns = {
        "symbol": SYMBOLS,
        "order_id": [b"order-%d" % number for number in range(len(SYMBOLS))],
        "side": [b"BUY"] * len(SYMBOLS),
        "ts": [at.isoformat().encode() for at in TIMES],
    }
    table = {name: texts([*values[:-1], last.get(name, values[-1])]) for name, values in columns.items()}
    flags = {"maker_started": True, "maker_filled": True, "fallback_used": False}
    table |= {name: pa.array([flag] * len(SYMBOLS)) for name, flag in flags.items()}
    pq.write_table(pa.table(table | {"slippage_bps": pa.array([1.0] * len(SYMBOLS))}), path)
    return path


@product_of("column, bad", ["symbol", "ts"], NOT_UTF8)
def test_an_order_whose_symbol_or_time_is_not_text_is_counted(tmp_path: Path, column: str, bad: bytes) -> None:
    good = run(canonical(write(tmp_path / "good.parquet", {})))
    result = run(canonical(write(tmp_path / "bad.parquet", {column: bad})))

    assert counts_of(result) == {"bad_symbol" if column == "symbol" else "bad_time": 1}
    assert result.event_count == 7
    assert {name: evidence_of(result)[name] for name in ("BTCUSDT", "ETHUSDT")} == {
        name: evidence_of(good)[name] for name in ("BTCUSDT", "ETHUSDT")
    }
    assert set(evidence_of(result)) == {"BTCUSDT", "ETHUSDT"}


@pytest.mark.parametrize("column", ["order_id", "side"])
def test_an_order_id_or_a_side_that_is_not_text_costs_no_policy(tmp_path: Path, column: str) -> None:
    good = run(canonical(write(tmp_path / "good.parquet", {})))

    for number, bad in enumerate(NOT_UTF8):
        result = run(canonical(write(tmp_path / f"{number}.parquet", {column: bad})))
        assert evidence_of(result) == evidence_of(good)


def test_a_bar_whose_symbol_is_not_text_is_counted(tmp_path: Path) -> None:
    rows = named("BTCUSDT", bars(600))
    good = run(
        canonical(write(tmp_path / "o.parquet", {})), candles(bar_files.write_parquet(tmp_path / "b.parquet", rows))
    )
    table = pq.read_table(tmp_path / "b.parquet")
    bad = table.slice(0, 1).set_column(1, "symbol", texts([b"\xff\xfeUSDT"]))
    pq.write_table(pa.concat_tables([table, bad.cast(table.schema)]), tmp_path / "b.parquet")

    result = run(canonical(tmp_path / "o.parquet"), candles(tmp_path / "b.parquet"))

    assert counts_of(result, "candles") == {"bad_symbol": 1}
    assert evidence_of(result) == evidence_of(good)
    assert evidence_of(result)["BTCUSDT"].volatility.bar_count == 500
