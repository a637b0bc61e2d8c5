"""DuckDB in this process: reads the sources where they lie and runs the metric queries over them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from jobs.engines.duckdb_session import duckdb_session
from jobs.engines.measurement import Measurement, gather, one_tick_markets
from jobs.engines.streaks import STATE_TIMES, States, StreakMeasurement, scan_start, state_rows, total_rows
from jobs.engines.streaks import read_streaks as measured_streaks
from jobs.plan import OrdersSource, Plan
from jobs.sources import canonical
from jobs.sources.candles import read_candles
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat
from jobs.sources.orders import read_orders
from jobs.sources.rejects import count_rejects
from jobs.sources.relation import Relation
from policy import metrics
from policy.window import Window
from storage.records import Reject

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
# A row that is not used stands in `order_outcome` under its reason in place of its symbol, so that the one pass over
# the log that measures is its account as well. No symbol begins with a blank.
NOT_USED = " "
ORDERS_IN_WINDOW = "ts is null or (ts >= $window_start and ts < $as_of)"
_CANDLES_IN_WINDOW = "ts is null or (ts >= $first_bar_open and ts <= $last_bar_open)"


def measure_with_duckdb(plan: Plan, window: Window, states: States) -> Measurement:
    """Measure every symbol. Raises SourceError where a source cannot be used, EngineError where DuckDB fails."""
    with duckdb_session() as (connection, folder):
        return _measure(connection, plan, window, folder, states)


def _measure(
    connection: duckdb.DuckDBPyConnection, plan: Plan, window: Window, folder: Path, states: States
) -> Measurement:
    orders = read_orders(connection, plan.orders, window, folder)
    load_orders(connection, orders, plan.orders, window)
    read_streaks = metric_rows(connection, metrics.EFFECTIVENESS, outcome_bounds(window))
    effectiveness = [row for row in read_streaks if not row["symbol"].startswith(NOT_USED)]
    hour = {**outcome_bounds(window), "hour_of_day": window.as_of.hour}
    expectancy = metric_rows(connection, metrics.EXPECTANCY, hour)
    streaks = _streaks(connection, plan, window, states, effectiveness)
    rejects = _order_rejects(connection, orders, window, read_streaks)
    volatility: list[dict[str, Any]] = []
    is_one_tick: dict[str, bool] = {}
    sources: dict[str, object] = {"orders": orders.description}
    if plan.candles is not None:
        candles = read_candles(connection, plan.candles, window, folder)
        rejects += _load_candles(connection, candles, window)
        volatility = metric_rows(connection, metrics.VOLATILITY, bar_bounds(window))
        is_one_tick = _one_tick_markets(connection, window) if plan.fees else {}
        sources["candles"] = candles.description
    return Measurement(
        evidence=gather(effectiveness, volatility, expectancy, window),
        traded_symbols=frozenset(row["symbol"] for row in effectiveness),
        rejects=tuple(rejects),
        engine=f"duckdb {duckdb.__version__}",
        sources=sources,
        streaks=streaks,
        is_one_tick=is_one_tick,
    )


def _streaks(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    window: Window,
    states: States,
    effectiveness: Sequence[Mapping[str, Any]],
) -> dict[str, StreakMeasurement]:
    """Run the streaks query once for all rule sets that remember the same."""
    if not plan.rule_sets_with_state:
        return {}
    symbols, starts, fills = _columns(total_rows(effectiveness), 3)
    total = {"symbol": ("varchar", symbols), "start_count": ("bigint", starts), "fill_count": ("bigint", fills)}
    load_table(connection, "maker_total", **total)
    connection.execute(
        "create temp view maker_order as "
        f"select * from order_outcome where maker_started and not starts_with(symbol, '{NOT_USED}')"
    )
    found: dict[tuple[object, ...], StreakMeasurement] = {}
    by_rule_set = {}
    for rules in plan.rule_sets_with_state:
        rows = tuple(state_rows(states.get(rules.name, {})))
        if rows not in found:
            symbols, *times = _columns(rows, 1 + len(STATE_TIMES))
            moments = {name: ("timestamp", column) for name, column in zip(STATE_TIMES, times, strict=True)}
            load_table(connection, "breaker_state", symbol=("varchar", symbols), **moments)
            bounds = {
                **outcome_bounds(window),
                "day_start": window.day_start.replace(tzinfo=None),
                "scan_start": scan_start(rows, window),
            }
            found[rows] = measured_streaks(metric_rows(connection, metrics.STREAKS, bounds))
        by_rule_set[rules.name] = found[rows]
    return by_rule_set


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def load_table(connection: duckdb.DuckDBPyConnection, table: str, **columns: tuple[str, list[Any]]) -> None:
    """Make a table of columns, each given as its type and its values, which DuckDB takes at once."""
    chosen = ", ".join(f"unnest(cast(${name} as {kind}[])) as {name}" for name, (kind, _) in columns.items())
    values = {name: values for name, (_, values) in columns.items()}
    connection.execute(f"create or replace temp table {table} as select {chosen}", values)


def _one_tick_markets(connection: duckdb.DuckDBPyConnection, window: Window) -> dict[str, bool]:
    bounds = bar_bounds(window)
    price_grid = metric_rows(connection, metrics.PRICE_GRID, bounds)
    return one_tick_markets(price_grid, metric_rows(connection, metrics.HALF_SPREAD, bounds))


def outcome_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the outcomes of a window."""
    return {"window_start": window.start.replace(tzinfo=None), "as_of": window.as_of.replace(tzinfo=None)}


def bar_bounds(window: Window) -> dict[str, object]:
    """Return the parameters of a query over the bars of a window."""
    return {
        "first_bar_open": window.first_bar_open.replace(tzinfo=None),
        "last_bar_open": window.last_bar_open.replace(tzinfo=None),
    }


def metric_rows(connection: duckdb.DuckDBPyConnection, query: str, bounds: dict[str, object]) -> list[dict[str, Any]]:
    """Run a metric query; DuckDB writes a parameter $name where the standard writes :name."""
    result = connection.execute(_PARAMETER.sub(r"$\1", query), bounds)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def load_orders(
    connection: duckdb.DuckDBPyConnection, relation: Relation, source: OrdersSource, window: Window
) -> None:
    """Make `order_event` of all rows and `order_outcome` of it; what carries its types is not copied."""
    is_log = relation.file_format in (FileFormat.JSONL, FileFormat.CSV)
    deduplicate = source.deduplicate if source.deduplicate is not None else is_log
    if relation.is_typed and not deduplicate:
        connection.execute(f"create temp view order_event as {relation.rows}")
    else:
        _read(connection, "orders", "order_event", ORDERS_IN_WINDOW, relation, outcome_bounds(window))
        if deduplicate:
            _mark_duplicates(connection)
    connection.execute(f"create temp view order_outcome as {_with_profit(source)}")


def _read(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    in_window: str,
    relation: Relation,
    bounds: dict[str, object],
) -> None:
    """Copy the rows of the window; only of one that is not used, whose place is asked for, is the file kept."""
    place = "case when reason is not null then file end as file"
    query = f"select * exclude (line, unread) replace ({place}) from ({relation.rows}) where {in_window}"
    try:
        connection.execute(f"create temp table {table} as {query}", bounds)
    except duckdb.Error as error:
        files = f"{relation.files[0]} or one of the {len(relation.files)} files with it"
        raise SourceError(f"{source}: {files} cannot be read: {str(error).strip().splitlines()[0]}") from error


def _mark_duplicates(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep one row of each order; hashes that are all different say sooner that every order has only one."""
    good = "order_event where reason is null and order_id is not null"
    repeated = connection.execute(
        f"select count(*) - count(distinct hash({canonical.IDENTITY})) from {good}"
    ).fetchone()
    if repeated is None or repeated[0] == 0:
        return
    connection.execute(
        f"""update order_event set reason = 'duplicate_id' where rowid in (
            select row from (
                select rowid as row, row_number() over (
                    partition by {canonical.IDENTITY} order by {canonical.WRITTEN_LAST_FIRST}
                ) as rank from {good}
            ) where rank > 1
        )"""
    )


def _with_profit(source: OrdersSource) -> str:
    """In an order log the profit stands in rows of their own, which name the order that closed the position."""
    outcomes = (
        f"select * replace (case when reason is null then symbol else '{NOT_USED}' || reason end as symbol) "
        "from order_event"
    )
    if source.kind != "order-log":
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


def _order_rejects(
    connection: duckdb.DuckDBPyConnection, relation: Relation, window: Window, read_streaks: list[dict[str, Any]]
) -> list[Reject]:
    """Take the account of the rows that were measured, and count with it those that have no time."""
    timeless = "select reason, count(*) from order_event where ts is null group by reason"
    counts = Counter(dict(connection.execute(timeless).fetchall()))
    for row in read_streaks:
        if row["symbol"].startswith(NOT_USED):
            counts[row["symbol"].removeprefix(NOT_USED)] += row["outcome_count"]
    bounds = outcome_bounds(window)
    return count_rejects(connection, "orders", "order_event", ORDERS_IN_WINDOW, bounds, relation, counts)


def _load_candles(connection: duckdb.DuckDBPyConnection, relation: Relation, window: Window) -> list[Reject]:
    """Make `candle` of the good bars that had closed by `as_of`, each bar once."""
    bounds = bar_bounds(window)
    _read(connection, "candles", "candle_event", _CANDLES_IN_WINDOW, relation, bounds)
    _mark_repeated_bars(connection)
    connection.execute("create temp view candle as select * from candle_event where reason is null")
    found = connection.execute("select reason, count(*) from candle_event where reason is not null group by reason")
    counts = dict(found.fetchall())
    return count_rejects(connection, "candles", "candle_event", _CANDLES_IN_WINDOW, bounds, relation, counts)


def _mark_repeated_bars(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep of the bars of one symbol and time the same one in every run."""
    good = "candle_event where reason is null"
    repeated = connection.execute(f"select 1 from {good} group by symbol, ts having count(*) > 1 limit 1").fetchone()
    if repeated is None:
        return
    connection.execute(
        f"""update candle_event set reason = 'duplicate_bar' where rowid in (
            select row from (
                select rowid as row, row_number() over (partition by symbol, ts order by high, low, close) as rank
                from {good}
            ) where rank > 1
        )"""
    )
