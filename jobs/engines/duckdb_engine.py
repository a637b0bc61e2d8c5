"""The DuckDB engine: runs in this process and reads the sources in place."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import duckdb

from jobs.engines.duckdb_candles import CANDLES_IN_WINDOW
from jobs.engines.duckdb_session import duckdb_errors, duckdb_session
from jobs.engines.duckdb_sources import LoadedSources
from jobs.engines.duckdb_tables import (
    ORDERS_IN_WINDOW,
    bar_bounds,
    check_orders,
    load_table,
    metric_rows,
    naive_times,
    outcome_bounds,
    set_window,
)
from jobs.engines.engine import (
    STATE_TIMES,
    Engine,
    EngineAt,
    MetricRow,
    PeriodRow,
    QueryParameters,
    StateRow,
    TotalRow,
    outcome_parameters,
)
from jobs.engines.rejected_orders import sorted_out
from jobs.plan import CandlesSource, Plan
from jobs.sources.reject_counts import count_rejects
from policy import metrics
from policy.reject import Reject
from policy.window import Window


@contextmanager
def duckdb_engine(plan: Plan, windows: Sequence[Window]) -> Iterator[EngineAt]:
    """Open the engine for windows of the plan until the block ends; what is the same in all of them is loaded once.

    Only the engine that was opened last can be used. Raises EngineError if DuckDB cannot be started.
    """
    with duckdb_session() as (connection, folder):
        sources = LoadedSources(connection=connection, folder=folder, plan=plan, windows=windows)
        yield partial(_engine_at, sources)


@contextmanager
def _engine_at(sources: LoadedSources, window: Window) -> Iterator[Engine]:
    with duckdb_errors():
        yield _DuckDBEngine(connection=sources.connection, sources=sources, window=window)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DuckDBEngine:
    """An Engine on an open connection, with the sources that are loaded there."""

    connection: duckdb.DuckDBPyConnection
    sources: LoadedSources
    window: Window

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    def load_orders(self) -> Mapping[str, object]:
        orders = self.sources.load_orders(self.window)
        set_window(self.connection, self.window)
        return orders.description

    def measure_orders(self) -> tuple[list[MetricRow], list[Reject]]:
        rows = self.rows(metrics.EFFECTIVENESS, outcome_parameters(self.window))
        usable, counts = sorted_out(rows)
        return usable, self._order_rejects(counts)

    def _order_rejects(self, counts: Counter[str]) -> list[Reject]:
        """Return the rejects of the window, of which these are counted, and with them the orders without a time."""
        orders, bounds = self.sources.orders, outcome_bounds(self.window)
        assert orders is not None  # `load_orders` comes before
        every = counts + Counter(self.sources.timeless_order_counts)
        return count_rejects(self.connection, "orders", "order_event", ORDERS_IN_WINDOW, bounds, orders, every)

    def rows(self, query: str, parameters: QueryParameters) -> list[MetricRow]:
        return metric_rows(self.connection, query, naive_times(parameters))

    def load_maker_orders(self, totals: Sequence[TotalRow], interval: timedelta | None) -> None:
        load_table(
            self.connection,
            "maker_total",
            symbol=("varchar", [symbol for symbol, _, _ in totals]),
            start_count=("bigint", [start_count for _, start_count, _ in totals]),
            fill_count=("bigint", [fill_count for _, _, fill_count in totals]),
        )
        check_orders(self.connection, self.window, interval if self.sources.needs_bars_of_orders else None)
        self.connection.execute(f"create or replace temp view maker_order as {metrics.MAKER_ORDER}")

    def load_breaker_states(self, states: Sequence[StateRow]) -> None:
        symbols: list[object] = [symbol for symbol, *_ in states]
        times = {
            name: ("timestamp", [_without_zone(row[index]) for row in states])
            for index, name in enumerate(STATE_TIMES, start=1)
        }
        load_table(self.connection, "breaker_state", symbol=("varchar", symbols), **times)

    def load_open_periods(self, periods: Sequence[PeriodRow]) -> None:
        load_table(
            self.connection,
            "open_period",
            symbol=("varchar", [symbol for symbol, _, _ in periods]),
            opened_at=("timestamp", [_without_zone(opened_at) for _, opened_at, _ in periods]),
            closed_at=("timestamp", [_without_zone(closed_at) for _, _, closed_at in periods]),
        )

    def load_asked_symbols(self, symbols: Sequence[str]) -> None:
        load_table(self.connection, "asked_symbol", symbol=("varchar", list(symbols)))

    def load_candles(self, source: CandlesSource) -> tuple[Mapping[str, object], list[Reject]]:
        candles, bounds = self.sources.load_candles(source, self.window), bar_bounds(self.window)
        rejected = f"select reason, count(*) from candle_event where reason is not null and ({CANDLES_IN_WINDOW})"
        counts = dict(self.connection.execute(f"{rejected} group by reason", bounds).fetchall())
        rejects = count_rejects(self.connection, "candles", "candle_event", CANDLES_IN_WINDOW, bounds, candles, counts)
        return candles.description, rejects


def _without_zone(time: object) -> datetime | None:
    return time.replace(tzinfo=None) if isinstance(time, datetime) else None
