"""The same two queries in bare DuckDB: their texts over views of the files, without any check of the rows."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from benchmarks.data import AS_OF, BAR_INTERVAL, Data
from policy import metrics
from policy.window import Window

Rows = Sequence[tuple[Any, ...]]

WINDOW = Window(as_of=AS_OF, bar_interval=BAR_INTERVAL)


def run(outcomes: str, data: Data) -> tuple[Rows, Rows]:
    """Run both queries, the outcomes selected by SQL, and return the rows of effectiveness and of volatility."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"create temp view order_outcome as {outcomes}")
        connection.execute(f"create temp view candle as select * from read_parquet('{data.candles}')")
        return (
            _query(connection, metrics.EFFECTIVENESS, window_start=WINDOW.start, as_of=WINDOW.as_of),
            _query(
                connection,
                metrics.VOLATILITY,
                first_bar_open=WINDOW.first_bar_open,
                last_bar_open=WINDOW.last_bar_open,
            ),
        )


def _query(connection: duckdb.DuckDBPyConnection, text: str, **bounds: datetime) -> Rows:
    naive = {name: at.replace(tzinfo=None) for name, at in bounds.items()}
    return connection.execute(re.sub(r"(?<![:\w]):([a-z_]+)", r"$\1", text), naive).fetchall()
