"""The canonical tables in DuckDB: orders loaded into them, and queries run over them; not the load of candles."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb

from jobs.engines.engine import (
    MetricRow,
    QueryParameters,
    bar_parameters,
    outcome_parameters,
    traded_through_parameters,
)
from jobs.engines.rejected_orders import SYMBOL_OR_REASON
from jobs.plan import OrdersKind, OrdersSource
from jobs.sources import canonical
from jobs.sources.files import FileFormat
from jobs.sources.relation import Relation, unreadable
from policy import metrics
from policy.window import Window

ORDERS_IN_WINDOW = "ts is null or (ts >= $window_start and ts < $as_of)"
_ROW_GROUP = 122_880  # the rows that one thread of DuckDB reads at a time
# The window that is measured: views cannot have parameters, but may name variables.
_MEASURED = {"window_start": "getvariable('measured_from')", "as_of": "getvariable('measured_until')"}


def load_orders(
    connection: duckdb.DuckDBPyConnection, relation: Relation, source: OrdersSource, window: Window
) -> None:
    """Make the tables of orders of the rows of a window, as `copy_orders` and `view_orders` do."""
    copy_orders(connection, relation, source, outcome_bounds(window), is_for_one_window=True)
    view_orders(connection, source)
    set_window(connection, window)


def copy_orders(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    source: OrdersSource,
    bounds: Mapping[str, object],
    *,
    is_for_one_window: bool,
) -> None:
    """Make `order_row` of the rows between the bounds; for one window, a file that carries its types is not copied.

    A row that is written again later has in `superseded_at` the time of the row that replaces it. In an order log the
    profit stands in rows of its own, which name the order that closed the position: `order_close` has each once.
    """
    is_log = relation.file_format in (FileFormat.JSONL, FileFormat.CSV)
    deduplicate = source.deduplicate if source.deduplicate is not None else is_log
    rows = f"select *, cast(null as timestamp) as superseded_at from ({relation.rows})"
    if relation.is_typed and not deduplicate and is_for_one_window:
        connection.execute(f"create or replace temp view order_row as {rows}")
        return
    copy_rows(connection, "orders", "order_row", rows, ORDERS_IN_WINDOW, relation, bounds)
    if relation.has_moved() and relation.every_row is not None:  # the log was rotated after old lines were left out
        copy_orders(connection, relation.every_row(), source, bounds, is_for_one_window=is_for_one_window)
        return
    if deduplicate:
        _note_later_rows(connection)
    if source.kind is OrdersKind.ORDER_LOG:
        connection.execute(
            "create or replace temp table order_close as select distinct symbol, order_id, ts, realized_pnl "
            "from order_row where reason = 'not_an_order' and realized_pnl is not null"
        )


def view_orders(connection: duckdb.DuckDBPyConnection, source: OrdersSource) -> None:
    """Make `order_event`, `order_outcome` and `closed_outcome` of `order_row`, for the window that `set_window` sets.

    Of the rows with the same identity, the one that was written last before the window's end is kept. `closed_outcome`
    has the profits of the closes in the window, too, which other metrics would join for nothing. The views have rows of
    other times too, which are not to be used.
    """
    # In this form DuckDB sees that no row is a duplicate if none is superseded, and leaves the case out.
    is_duplicate = f"coalesce(superseded_at < {_MEASURED['as_of']}, false) and reason is null"
    connection.execute(
        "create or replace temp view order_event as select * exclude (superseded_at) "
        f"replace (case when {is_duplicate} then 'duplicate_id' else reason end as reason) from order_row"
    )
    connection.execute(
        f"create or replace temp view order_outcome as select * replace ({SYMBOL_OR_REASON} as symbol) from order_event"
    )
    closed = "select * from order_outcome"
    if source.kind is OrdersKind.ORDER_LOG:
        in_window = re.sub(r"\$(\w+)", lambda name: _MEASURED[name[1]], ORDERS_IN_WINDOW)
        closed = f"""
            select o.* replace (coalesce(o.realized_pnl, p.realized_pnl) as realized_pnl)
            from order_outcome as o
            left join (
                select symbol, order_id, sum(realized_pnl) as realized_pnl
                from order_close
                where {in_window}
                group by symbol, order_id
            ) as p on p.symbol = o.symbol and p.order_id = o.order_id"""
    connection.execute(f"create or replace temp view closed_outcome as {closed}")


def set_window(connection: duckdb.DuckDBPyConnection, window: Window) -> None:
    """Let the views of the orders be those of a window, which must lie within the bounds of `order_row`."""
    measured_from, measured_until = (f"timestamp '{at}'" for at in outcome_bounds(window).values())
    connection.execute(f"set variable measured_from = {measured_from}; set variable measured_until = {measured_until}")


def limit_threads(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Let the queries that follow use no more threads than a table has parts to give them: others only wait."""
    (row_count, threads) = connection.execute(
        f"select (select count(*) from {table}), cast(current_setting('threads') as bigint)"
    ).fetchone() or (0, 1)
    connection.execute(f"set threads = {max(1, min(threads, -(-row_count // _ROW_GROUP)))}")


def load_table(connection: duckdb.DuckDBPyConnection, table: str, **columns: tuple[str, list[Any]]) -> None:
    """Make a table of columns, each given as its type and its values, which DuckDB takes at once."""
    items = ", ".join(f"unnest(cast(${name} as {kind}[])) as {name}" for name, (kind, _) in columns.items())
    values = {name: values for name, (_, values) in columns.items()}
    connection.execute(f"create or replace temp table {table} as select {items}", values)


def metric_rows(connection: duckdb.DuckDBPyConnection, query: str, bounds: Mapping[str, object]) -> list[MetricRow]:
    """Run a metric query; DuckDB writes a parameter $name where the standard writes :name."""
    result = connection.execute(metrics.PARAMETER.sub(r"$\1", query), dict(bounds))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def outcome_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the outcomes of a window, as `naive_times` does."""
    return naive_times(outcome_parameters(window))


def bar_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the bars of a window, as `naive_times` does."""
    return naive_times(bar_parameters(window))


def bar_bounds_of_orders(window: Window) -> dict[str, object]:
    """Return the bounds of the bars in which the orders of a window may have rested, as `naive_times` does."""
    return naive_times({"first_bar_open": window.start, "last_bar_open": window.last_bar_open})


def has_orders_to_check(
    connection: duckdb.DuckDBPyConnection, interval: timedelta, bounds: Mapping[str, object]
) -> bool:
    """Return whether `order_row` has a maker order between the bounds that missed, and only such bars can show why."""
    row = connection.execute(
        """select 1 from order_row
        where ts >= $window_start and ts < $as_of and maker_started and not maker_filled and went_through is null
            and maker_price > 0 and maker_until - maker_from >= 4 * $interval limit 1""",
        {"interval": interval, **bounds},
    ).fetchone()
    return row is not None


def check_orders(connection: duckdb.DuckDBPyConnection, window: Window, interval: timedelta | None) -> None:
    """Make `checked_order`: the orders with what the bars of this interval show of maker orders; None: nothing.

    Of the outcomes it needs neither the profits nor the rejects, whose names would be computed for each row.
    """
    connection.execute("create or replace temp view usable_order as select * from order_event where reason is null")
    if interval is not None:
        bounds = naive_times(traded_through_parameters(window, interval))
        query = metrics.PARAMETER.sub(r"$\1", metrics.TRADED_THROUGH)
        connection.execute(f"create or replace temp table traded_through as {query}", bounds)
    is_logged = bool(metric_rows(connection, metrics.HAS_LOGGED_PASSAGE, outcome_bounds(window)))
    checked = metrics.checked_order(is_logged=is_logged, has_bars=interval is not None)
    connection.execute(f"create or replace temp view checked_order as {checked}")


def widest(bounds: Iterable[Mapping[str, Any]], first: str, last: str) -> dict[str, object]:
    """Return the bounds that hold all of these, of which `first` and `last` are the names."""
    every = list(bounds)
    return {first: min(each[first] for each in every), last: max(each[last] for each in every)}


def naive_times(parameters: QueryParameters) -> dict[str, object]:
    """Return the parameters with their times, which are in UTC, without a zone, as the canonical tables have them."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in parameters.items()
    }


def copy_rows(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    rows: str,
    in_window: str,
    relation: Relation,
    bounds: Mapping[str, object],
    *,
    file: str = "case when reason is not null then file end",
) -> None:
    """Copy the rows in the window; by default only a rejected row keeps its file, which its sample names."""
    query = f"select * exclude (line, unread) replace ({file} as file) from ({rows}) where {in_window}"
    try:
        connection.execute(f"create or replace temp table {table} as {query}", bounds)
    except duckdb.Error as error:
        raise unreadable(connection, source, relation, error) from error


def _note_later_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Note when each row of an order is replaced by a later one.

    Distinct hashes show faster than a window function that no order has two.
    """
    usable = "order_row where reason is null and order_id is not null"
    duplicates = connection.execute(
        f"select count(*) - count(distinct hash({canonical.IDENTITY})) from {usable}"
    ).fetchone()
    if duplicates is None or duplicates[0] == 0:
        return
    connection.execute(
        f"""update order_row set superseded_at = later.at from (
            select rowid as row, lag(ts) over (
                partition by {canonical.IDENTITY} order by {canonical.WRITTEN_LAST_FIRST}
            ) as at from {usable}
        ) as later where order_row.rowid = later.row and later.at is not null"""
    )
