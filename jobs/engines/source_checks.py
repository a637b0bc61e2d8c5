"""Checks of the sources for what no metric shows: orders in the future, bars of another length."""

from dataclasses import replace
from datetime import datetime, timedelta

from jobs.plan import CandlesSource, OrdersSource
from policy.symbols import AS_IS
from policy.window import Window

_CLOCKS_DIFFER = timedelta(minutes=1)
_ZONES_DIFFER = timedelta(days=1)  # no local time is further ahead of UTC


def count_orders_ahead(source: OrdersSource, now: datetime) -> int:
    """Return how many orders of a source lie more than a minute and at most a day ahead of now.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders, outcome_bounds
    from jobs.sources.errors import SourceError
    from jobs.sources.orders import read_orders

    window = Window(as_of=now + _ZONES_DIFFER, outcome_window=_ZONES_DIFFER - _CLOCKS_DIFFER)
    ahead = "reason is null and ts >= $window_start and ts < $as_of"
    with duckdb_session() as (connection, folder):
        try:
            load_orders(connection, read_orders(connection, source, window, folder), source, window)
        except SourceError:
            return 0  # a query with bounds returns no row of the future, and a source without rows is an error
        result = connection.execute(f"select count(*) from order_event where {ahead}", outcome_bounds(window))
        (count,) = result.fetchone() or (0,)
    return int(count)


def merged_spellings(source: OrdersSource | CandlesSource, window: Window) -> list[tuple[str, list[str]]]:
    """Return each symbol of policies that several spellings of a source become, with these spellings.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.sources.candles import read_candles
    from jobs.sources.orders import read_orders

    if source.symbols.changes_nothing:
        return []
    with duckdb_session() as (connection, folder):
        if isinstance(source, CandlesSource):
            relation = read_candles(connection, replace(source, symbols=AS_IS), window, folder)
        else:
            relation = read_orders(connection, replace(source, symbols=AS_IS), window, folder)
        rows = connection.execute(f"select distinct symbol from ({relation.rows}) where reason is null").fetchall()
    spellings: dict[str, list[str]] = {}
    for (symbol,) in sorted(rows):
        spellings.setdefault(source.symbols.of(symbol), []).append(symbol)
    return [(symbol, names) for symbol, names in spellings.items() if len(names) > 1]


def modal_bar_spacing(source: CandlesSource, window: Window) -> timedelta | None:
    """Return the time that most bars of a window open after the one before; None without two bars of a symbol.

    Raises SourceError if the candles cannot be used, EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import bar_bounds
    from jobs.sources.candles import read_candles

    with duckdb_session() as (connection, folder):
        relation = read_candles(connection, source, window, folder)
        result = connection.execute(
            f"""select mode(gap) from (
                select ts - lag(ts) over (partition by symbol order by ts) as gap from ({relation.rows})
                where reason is null and ts >= $first_bar_open and ts <= $last_bar_open
            ) where gap > interval 0 second""",
            bar_bounds(window),
        )
        row = result.fetchone()
    return row[0] if row is not None else None
