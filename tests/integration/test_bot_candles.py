"""The candles that freqtrade downloads: Parquet and feather, whose symbol is in the name of the file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from jobs.engines.duckdb_session import duckdb_session
from jobs.plan import CandlesKind, CandlesSource, Location
from jobs.sources.bots.candle_files import freqtrade_pair
from jobs.sources.candles import read_candles
from jobs.sources.errors import SourceError
from policy.window import Window
from tests.support.bot_data import utc

TEN = utc("2026-04-25 10:00:00")
QUARTER = timedelta(minutes=15)


def write(path: Path, close: float, **columns: Any) -> None:
    prices = {"open": [1.0], "high": [close + 1], "low": [close - 1], "close": [close], "volume": [5.0]}
    table = pa.table({"date": pa.array([TEN], pa.timestamp("ms", tz="UTC")), **prices, **columns})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".feather":
        feather.write_feather(table, path)
    else:
        pq.write_table(table, path)


def bars(path: Path, interval: timedelta = QUARTER) -> list[tuple[Any, ...]]:
    source = CandlesSource(location=Location(path=str(path)), interval=interval, kind=CandlesKind.FREQTRADE)
    with duckdb_session() as (connection, folder):
        window = Window(as_of=TEN + timedelta(days=1), bar_interval=interval)
        rows = read_candles(connection, source, window, folder).rows
        return connection.execute(f"select symbol, ts, close, reason from ({rows}) order by symbol").fetchall()


@pytest.mark.parametrize("ending", ["feather", "parquet"])
def test_a_folder_of_candles_is_read_by_the_names_of_its_files(tmp_path: Path, ending: str) -> None:
    write(tmp_path / "futures" / f"BTC_USDT_USDT-15m-futures.{ending}", 100.0)
    write(tmp_path / f"ETH_USDT-15m.{ending}", 10.0)
    for other in (
        f"BTC_USDT_USDT-15m-mark.{ending}",
        f"BTC_USDT_USDT-1h-funding_rate.{ending}",
        f"ETH_USDT-1h.{ending}",
    ):
        write(tmp_path / other, 1.0)
    before = sorted(tmp_path.rglob("*"))

    assert bars(tmp_path) == [
        ("BTC/USDT:USDT", TEN.replace(tzinfo=None), 100.0, None),
        ("ETH/USDT", TEN.replace(tzinfo=None), 10.0, None),
    ]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "interval", "pair"),
    [
        ("BTC_USDT_USDT-15m-futures.feather", QUARTER, "BTC/USDT:USDT"),
        ("1000PEPE_USDT_USDT-15m-futures.parquet", QUARTER, "1000PEPE/USDT:USDT"),
        ("BTC_USDT-15m.parquet", QUARTER, "BTC/USDT"),
        ("BTC_USDT-4h.feather", timedelta(hours=4), "BTC/USDT"),
        ("BTC_USDT-1d.feather", timedelta(days=1), "BTC/USDT"),
        ("BTC_USDT-1w.feather", timedelta(weeks=1), "BTC/USDT"),
        ("BTC_USDT-1M.feather", timedelta(days=30), None),
        ("BTC_USDT-15m.feather", timedelta(minutes=5), None),
        ("BTC_USDT_USDT-8h-funding_rate.feather", timedelta(hours=8), None),
        ("BTCUSDT-15m.parquet", QUARTER, None),
        ("notes.parquet", QUARTER, None),
    ],
)
def test_the_pair_is_in_the_name_of_the_file(name: str, interval: timedelta, pair: str | None) -> None:
    assert freqtrade_pair(name, interval) == pair


def test_a_folder_without_candles_of_the_interval_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "BTC_USDT-1h.parquet", 100.0)

    with pytest.raises(SourceError, match=r"are not candles of freqtrade of candles\.interval; their names end in"):
        bars(tmp_path)


def test_a_feather_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT-15m.feather"
    path.write_bytes(b"ARROW1 and then nothing")

    with pytest.raises(SourceError, match=r"BTC_USDT-15m\.feather cannot be read"):
        bars(tmp_path)
