"""The same figures in bare DuckDB, as an expert of it writes the two queries, without any check of the rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from benchmarks.data import AS_OF, BAR_INTERVAL, Data
from policy import metrics
from policy.window import Window

Rows = Sequence[tuple[Any, ...]]

WINDOW = Window(as_of=AS_OF, bar_interval=BAR_INTERVAL)

# Quartiles as one list sort the values once, and a mean of 0 and 1 is a ratio.
_EFFECTIVENESS = """
    select
        symbol,
        count(*),
        count(*) filter (where maker_started),
        avg(cast(maker_filled as int)) filter (where maker_started),
        avg(cast(fallback_used as int)) filter (where maker_started),
        count(slippage_bps),
        quantile_cont(slippage_bps, [0.25, 0.5, 0.75])
    from order_outcome
    where ts >= :window_start and ts < :as_of
    group by symbol
"""


def run(outcomes: str, data: Data) -> tuple[Rows, Rows]:
    """Run both queries, the outcomes selected by SQL, and return the rows of effectiveness and of volatility."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"create temp view order_outcome as {outcomes}")
        connection.execute(f"create temp view candle as select * from read_parquet('{data.candles}')")
        return (
            _query(connection, _EFFECTIVENESS, window_start=WINDOW.start, as_of=WINDOW.as_of),
            _query(
                connection,
                metrics.VOLATILITY,
                first_bar_open=WINDOW.first_bar_open,
                last_bar_open=WINDOW.last_bar_open,
            ),
        )


def _query(connection: duckdb.DuckDBPyConnection, text: str, **bounds: datetime) -> Rows:
    naive = {name: at.replace(tzinfo=None) for name, at in bounds.items()}
    return connection.execute(metrics.PARAMETER.sub(r"$\1", text), naive).fetchall()
