"""Canonical outcomes written in each format that is read, for tests that run over all of them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.plan import OrdersSource
from tests.support.outcomes import (
    outcome,
    write_csv,
    write_jsonl,
    write_parquet,
    write_sqlite,
)
from tests.support.small_runs import (
    AS_OF,
    canonical,
    canonical_query,
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
