"""The mid price of orders whose data has none: the close of the last closed candle, if candles are of one minute."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import CandlesSource, OrdersSource
from jobs.sources.candles import read_candles
from jobs.sources.spelling import spelling
from jobs.sources.table_rows import table_columns
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Against the mid, one order's close differs by 3 to 7 bps at one minute, and by 9 to 25 at five: as much as thresholds.
LONGEST_BAR = timedelta(minutes=1)
_WITHOUT_MID = "slippage_bps is null and fill_price is not null and source_reason is null"


def fill_in_mids(connection: "DuckDBPyConnection", source: OrdersSource, window: Window, folder: Path) -> Sequence[str]:
    """Give rows of `orders_row` a slippage against candles where they have none; return what was done, in sentences."""
    if source.candles is None or "decided_at" not in table_columns(connection, "orders_row"):
        return ()
    if source.candles.interval > LONGEST_BAR:
        return _left_out(connection, source.candles)
    _load_bars(connection, source.candles, window, folder)
    before = _count(connection)
    connection.execute(
        f"""create or replace temp table orders_row as
        select o.* replace (coalesce(o.slippage_bps, case
            when o.decided_at - b.closed_at < interval 1 minute then slippage_against(b.close, o.fill_price, o.side)
        end) as slippage_bps)
        from (select *, {spelling(source.symbols)} as spelt_symbol from orders_row) as o
        asof left join orders_bar as b on b.symbol = o.spelt_symbol and b.closed_at <= o.decided_at"""
    )
    if measured := before - _count(connection):
        return (f"{measured} slippages are measured against the close of the last closed one-minute candle",)
    return ()


def _load_bars(connection: "DuckDBPyConnection", candles: CandlesSource, window: Window, folder: Path) -> None:
    bars = read_candles(connection, candles, window, folder)
    seconds = int(candles.interval.total_seconds())
    connection.execute(
        f"""create or replace temp table orders_bar as
        select symbol, ts + interval {seconds} second as closed_at, max(close) as close from ({bars.rows})
        where reason is null group by symbol, ts"""
    )


def _left_out(connection: "DuckDBPyConnection", candles: CandlesSource) -> Sequence[str]:
    count = _count(connection)
    if not count:
        return ()
    minutes = candles.interval.total_seconds() / 60
    return (
        f"{count} fills have no mid price, and candles of {minutes:g} minutes are too long to stand for it; "
        "with candles of one minute their slippage is known",
    )


def _count(connection: "DuckDBPyConnection") -> int:
    row = connection.execute(f"select count(*) from orders_row where {_WITHOUT_MID}").fetchone()
    assert row is not None
    return int(row[0])
