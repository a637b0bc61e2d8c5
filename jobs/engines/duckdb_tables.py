"""The canonical tables in DuckDB: orders and candles loaded into them, and queries run over them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from jobs.engines.engine import MetricRow, QueryParameters, bar_parameters, outcome_parameters
from jobs.plan import OrdersKind, OrdersSource
from jobs.sources import candles, canonical
from jobs.sources.files import FileFormat
from jobs.sources.relation import Relation, unreadable
from policy.window import Window

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
# A rejected row stands in `order_outcome` with this prefix and its reason in place of its symbol, so that one pass over
# the log both measures and counts the rejects. No symbol begins with a blank.
REJECT_PREFIX = " "
ORDERS_IN_WINDOW = "ts is null or (ts >= $window_start and ts < $as_of)"
CANDLES_IN_WINDOW = "ts is null or (ts >= $first_bar_open and ts <= $last_bar_open)"


def load_orders(
    connection: duckdb.DuckDBPyConnection, relation: Relation, source: OrdersSource, window: Window
) -> None:
    """Make `order_event` of all rows and `order_outcome` of it; a file that carries its types is not copied."""
    is_log = relation.file_format in (FileFormat.JSONL, FileFormat.CSV)
    deduplicate = source.deduplicate if source.deduplicate is not None else is_log
    if relation.is_typed and not deduplicate:
        connection.execute(f"create temp view order_event as {relation.rows}")
    else:
        _copy_window(connection, "orders", "order_event", ORDERS_IN_WINDOW, relation, outcome_bounds(window))
        if deduplicate:
            _mark_duplicate_orders(connection)
    connection.execute(f"create temp view order_outcome as {_with_profit(source)}")


def load_candles(connection: duckdb.DuckDBPyConnection, relation: Relation, window: Window) -> None:
    """Make `candle_event` of all bars of the window and `candle` of the usable ones, each bar once."""
    _copy_window(connection, "candles", "candle_event", CANDLES_IN_WINDOW, relation, bar_bounds(window), with_file=True)
    mark_duplicate_bars(connection)
    connection.execute("create temp view candle as select * from candle_event where reason is null")


def load_table(connection: duckdb.DuckDBPyConnection, table: str, **columns: tuple[str, list[Any]]) -> None:
    """Make a table of columns, each given as its type and its values, which DuckDB takes at once."""
    items = ", ".join(f"unnest(cast(${name} as {kind}[])) as {name}" for name, (kind, _) in columns.items())
    values = {name: values for name, (_, values) in columns.items()}
    connection.execute(f"create or replace temp table {table} as select {items}", values)


def metric_rows(connection: duckdb.DuckDBPyConnection, query: str, bounds: Mapping[str, object]) -> list[MetricRow]:
    """Run a metric query; DuckDB writes a parameter $name where the standard writes :name."""
    result = connection.execute(_PARAMETER.sub(r"$\1", query), dict(bounds))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def outcome_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the outcomes of a window, as `naive_times` does."""
    return naive_times(outcome_parameters(window))


def bar_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the bars of a window, as `naive_times` does."""
    return naive_times(bar_parameters(window))


def naive_times(parameters: QueryParameters) -> dict[str, object]:
    """Return the parameters with their times, which are in UTC, without a zone, as the canonical tables have them."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in parameters.items()
    }


def _copy_window(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    in_window: str,
    relation: Relation,
    bounds: dict[str, object],
    *,
    with_file: bool = False,
) -> None:
    """Copy the rows of the window; without `with_file`, only a rejected row keeps its file, which its sample names."""
    file = "file as file" if with_file else "case when reason is not null then file end as file"
    query = f"select * exclude (line, unread) replace ({file}) from ({relation.rows}) where {in_window}"
    try:
        connection.execute(f"create temp table {table} as {query}", bounds)
    except duckdb.Error as error:
        raise unreadable(connection, source, relation, error) from error


def _mark_duplicate_orders(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep one row of each order. Distinct hashes show faster than a window function that no order has two."""
    usable = "order_event where reason is null and order_id is not null"
    duplicates = connection.execute(
        f"select count(*) - count(distinct hash({canonical.IDENTITY})) from {usable}"
    ).fetchone()
    if duplicates is None or duplicates[0] == 0:
        return
    connection.execute(
        f"""update order_event set reason = 'duplicate_id' where rowid in (
            select row from (
                select rowid as row, row_number() over (
                    partition by {canonical.IDENTITY} order by {canonical.WRITTEN_LAST_FIRST}
                ) as rank from {usable}
            ) where rank > 1
        )"""
    )


def mark_duplicate_bars(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep one bar of each symbol and time in `candle_event`: the later of one file, the widest of several files.

    A recorder may write a bar while it runs, and again when it has closed; a bar only becomes wider while it runs.
    """
    usable = "candle_event where reason is null"
    duplicate = connection.execute(f"select 1 from {usable} group by symbol, ts having count(*) > 1 limit 1").fetchone()
    if duplicate is None:
        return
    connection.execute(
        f"""update candle_event set reason = 'duplicate_bar' where rowid in (
            select row from (
                select row, row_number() over (
                    partition by symbol, ts order by rank_in_file, {candles.WIDEST_FIRST}, row desc
                ) as rank
                from (
                    select *, rowid as row,
                        row_number() over (partition by symbol, ts, file order by rowid desc) as rank_in_file
                    from {usable}
                )
            ) where rank > 1
        )"""
    )


def _with_profit(source: OrdersSource) -> str:
    """Write the SELECT of `order_outcome`.

    In an order log the profit stands in rows of its own, which name the order that closed the position.
    """
    outcomes = (
        f"select * replace (case when reason is null then symbol else '{REJECT_PREFIX}' || reason end as symbol) "
        "from order_event"
    )
    if source.kind is not OrdersKind.ORDER_LOG:
        return outcomes
    return f"""
        select o.* replace (coalesce(o.realized_pnl, p.realized_pnl) as realized_pnl)
        from ({outcomes}) as o
        left join (
            select symbol, order_id, sum(realized_pnl) as realized_pnl
            from (
                select distinct symbol, order_id, ts, realized_pnl from order_event
                where reason = 'not_an_order' and realized_pnl is not null
            )
            group by symbol, order_id
        ) as p on p.symbol = o.symbol and p.order_id = o.order_id
    """
