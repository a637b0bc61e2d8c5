"""Checks of the sources for what no run shows: orders outside its window, several markets under one name."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from jobs.plan import CandlesSource, OrdersSource
from policy.symbols import AS_IS
from policy.window import WHOLE_LOG, Window

_CLOCKS_DIFFER = timedelta(minutes=1)
_ZONES_DIFFER = timedelta(days=1)  # no local time is further ahead of UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersOutside:
    """The usable orders around an empty window: the newest before its end, and those at or after it, until now.

    Times are in UTC; they are None if there is no such order.
    """

    newest_before: datetime | None = None
    later_count: int = 0
    first_later: datetime | None = None
    newest_later: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The newest of all."""
        return self.newest_later or self.newest_before


def count_orders_ahead(source: OrdersSource, now: datetime) -> int:
    """Return how many orders of a source lie more than a minute and at most a day ahead of now.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders, outcome_bounds
    from jobs.sources.blocks import TimeRange
    from jobs.sources.errors import SourceError
    from jobs.sources.orders import read_orders

    window = Window(as_of=now + _ZONES_DIFFER, outcome_window=_ZONES_DIFFER - _CLOCKS_DIFFER)
    ahead = "reason is null and ts >= $window_start and ts < $as_of"
    with duckdb_session() as (connection, folder):
        try:
            orders = read_orders(connection, source, window, folder, TimeRange.of(window))
            load_orders(connection, orders, source, window)
        except SourceError:
            return 0  # a query with bounds returns no row of the future, and a source without rows is an error
        result = connection.execute(f"select count(*) from order_event where {ahead}", outcome_bounds(window))
        (count,) = result.fetchone() or (0,)
    return int(count)


def orders_outside(source: OrdersSource, as_of: datetime, now: datetime) -> OrdersOutside:
    """Return the orders of a source of the last twenty years, before a time and from it until now, both by their times.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import naive_times
    from jobs.sources.errors import SourceError
    from jobs.sources.orders import read_orders

    with duckdb_session() as (connection, folder):
        try:
            relation = read_orders(connection, source, Window(as_of=now, outcome_window=WHOLE_LOG), folder)
        except SourceError:
            return OrdersOutside()  # a query with bounds returns no row
        newest, count, first, last = connection.execute(
            f"""select
                max(ts) filter (where ts < $as_of),
                count(*) filter (where ts >= $as_of),
                min(ts) filter (where ts >= $as_of),
                max(ts) filter (where ts >= $as_of)
            from ({relation.rows}) where reason is null and ts < $now""",
            naive_times({"as_of": as_of.astimezone(UTC), "now": now.astimezone(UTC)}),
        ).fetchone() or (None, 0, None, None)
    return OrdersOutside(
        newest_before=_in_utc(newest),
        later_count=count,
        first_later=_in_utc(first),
        newest_later=_in_utc(last),
    )


def _in_utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None


def columns_of(source: OrdersSource, window: Window) -> Collection[str] | None:
    """Return the own columns of a source of orders; None if any row may have others, as in JSON.

    A run has just read the source. Raises EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.sources.orders import read_orders

    with duckdb_session() as (connection, folder):
        return read_orders(connection, source, window, folder).columns


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
