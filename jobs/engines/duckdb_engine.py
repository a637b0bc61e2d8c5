"""DuckDB in this process: reads the sources where they lie and runs the metric queries over them."""

import re
from pathlib import Path
from typing import Any

import duckdb

from jobs.engines.errors import EngineError
from jobs.measurement import Measurement, gather
from jobs.plan import OrdersSource, Plan
from jobs.sources.candles import read_candles
from jobs.sources.errors import SourceError
from jobs.sources.orders import read_orders
from jobs.sources.rejects import count_rejects
from jobs.sources.relation import MACROS, Relation
from policy import metrics
from policy.window import Window
from storage.records import Reject

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_CONTENT_COLUMNS = "slippage_bps, maker_filled, fallback_used, maker_started, notional, side, symbol, fees"


def measure_with_duckdb(plan: Plan, window: Window, folder: Path) -> Measurement:
    """Measure every symbol; `folder` holds what is spilled and spooled and can be thrown away afterwards."""
    connection = duckdb.connect(config={"temp_directory": str(folder)})
    try:
        return _measure(connection, plan, window, folder)
    except duckdb.Error as error:
        raise EngineError(f"DuckDB failed: {str(error).strip().splitlines()[0]}") from error
    finally:
        connection.close()


def _measure(connection: duckdb.DuckDBPyConnection, plan: Plan, window: Window, folder: Path) -> Measurement:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(MACROS)
    orders = read_orders(connection, plan.orders, window, folder)
    rejects = _load_orders(connection, orders, plan.orders, window)
    sources: dict[str, object] = {"orders": orders.description}
    if plan.candles is not None:
        candles = read_candles(connection, plan.candles, window, folder)
        rejects += _load_candles(connection, candles, window)
        sources["candles"] = candles.description
    effectiveness = _metric(connection, metrics.EFFECTIVENESS, _outcome_bounds(window))
    hour = {**_outcome_bounds(window), "hour_of_day": window.as_of.hour}
    volatility = _metric(connection, metrics.VOLATILITY, _bar_bounds(window)) if plan.candles is not None else []
    return Measurement(
        evidence=gather(effectiveness, volatility, _metric(connection, metrics.EXPECTANCY, hour), window),
        traded_symbols=frozenset(row["symbol"] for row in effectiveness),
        rejects=tuple(rejects),
        engine=f"duckdb {duckdb.__version__}",
        sources=sources,
    )


def _outcome_bounds(window: Window) -> dict[str, object]:
    return {"window_start": window.start.replace(tzinfo=None), "as_of": window.as_of.replace(tzinfo=None)}


def _bar_bounds(window: Window) -> dict[str, object]:
    return {
        "first_bar_open": window.first_bar_open.replace(tzinfo=None),
        "last_bar_open": window.last_bar_open.replace(tzinfo=None),
    }


def _metric(connection: duckdb.DuckDBPyConnection, query: str, bounds: dict[str, object]) -> list[dict[str, Any]]:
    """Run a metric query; DuckDB writes a parameter $name where the standard writes :name."""
    result = connection.execute(_PARAMETER.sub(r"$\1", query), bounds)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _load_orders(
    connection: duckdb.DuckDBPyConnection, relation: Relation, source: OrdersSource, window: Window
) -> list[Reject]:
    """Make `order_outcome` of the good rows and count the others; what carries its types is not copied."""
    in_window = "ts is null or (ts >= $window_start and ts < $as_of)"
    deduplicate = source.deduplicate if source.deduplicate is not None else not relation.is_typed
    if relation.is_typed and not deduplicate:
        connection.execute(f"create temp view order_event as {relation.rows}")
        good = "order_event where reason is null"
    else:
        query = f"create temp table order_event as select * from ({relation.rows}) where {in_window}"
        _read(connection, "orders", query, relation, _outcome_bounds(window))
        if deduplicate:
            _mark_duplicates(connection)
        good = "order_event where reason is null"
    connection.execute(f"create temp view order_outcome as {_with_profit(source, good)}")
    return count_rejects(connection, "orders", "order_event", in_window, _outcome_bounds(window), relation)


def _read(
    connection: duckdb.DuckDBPyConnection, source: str, query: str, relation: Relation, bounds: dict[str, object]
) -> None:
    try:
        connection.execute(query, bounds)
    except duckdb.Error as error:
        files = f"{relation.files[0]} or one of the {len(relation.files)} files with it"
        raise SourceError(f"{source}: {files} cannot be read: {str(error).strip().splitlines()[0]}") from error


def _mark_duplicates(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep of each id the row that was written last, and of equally late ones the same one in every run."""
    good = "order_event where reason is null and order_id is not null"
    repeated = connection.execute(f"select count(*) - count(distinct order_id) from {good}").fetchone()
    if repeated is None or repeated[0] == 0:
        return
    connection.execute(
        f"""update order_event set reason = 'duplicate_id' where rowid in (
            select row from (
                select rowid as row, row_number() over (
                    partition by order_id order by ts desc, {_CONTENT_COLUMNS}, realized_pnl
                ) as rank from {good}
            ) where rank > 1
        )"""
    )


def _with_profit(source: OrdersSource, good: str) -> str:
    """In an order log the profit stands in rows of their own, which name the order that closed the position."""
    if source.kind != "order-log":
        return f"select * from {good}"
    return f"""
        select o.* replace (coalesce(o.realized_pnl, p.realized_pnl) as realized_pnl)
        from (select * from {good}) as o
        left join (
            select order_id, sum(realized_pnl) as realized_pnl
            from (
                select distinct order_id, ts, realized_pnl from order_event
                where reason = 'not_an_order' and realized_pnl is not null
            )
            group by order_id
        ) as p on p.order_id = o.order_id
    """


def _load_candles(connection: duckdb.DuckDBPyConnection, relation: Relation, window: Window) -> list[Reject]:
    """Make `candle` of the good bars that had closed by `as_of`, each bar once."""
    in_window = "ts is null or (ts >= $first_bar_open and ts <= $last_bar_open)"
    query = f"create temp table candle_event as select * from ({relation.rows}) where {in_window}"
    _read(connection, "candles", query, relation, _bar_bounds(window))
    connection.execute(
        """update candle_event set reason = 'duplicate_bar' where rowid in (
            select row from (
                select rowid as row, row_number() over (partition by symbol, ts order by high, low, close) as rank
                from candle_event where reason is null
            ) where rank > 1
        )"""
    )
    connection.execute("create temp view candle as select * from candle_event where reason is null")
    return count_rejects(connection, "candles", "candle_event", in_window, _bar_bounds(window), relation)
