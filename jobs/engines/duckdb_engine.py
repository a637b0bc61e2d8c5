"""The DuckDB engine: runs in this process and reads the sources in place."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from jobs.engines.duckdb_session import duckdb_session
from jobs.engines.duckdb_tables import (
    CANDLES_IN_WINDOW,
    ORDERS_IN_WINDOW,
    REJECT_PREFIX,
    bar_bounds,
    load_candles,
    load_orders,
    load_table,
    metric_rows,
    naive_times,
    outcome_bounds,
)
from jobs.engines.engine import STATE_TIMES, Engine, MetricRow, QueryParameters, StateRow, TotalRow, outcome_parameters
from jobs.plan import CandlesSource, Plan
from jobs.sources.candles import read_candles
from jobs.sources.orders import read_orders
from jobs.sources.rejects import count_rejects
from jobs.sources.relation import Relation
from policy import metrics
from policy.reject import Reject
from policy.window import Window


@contextmanager
def duckdb_engine(plan: Plan, window: Window) -> Iterator[Engine]:
    """Open the engine until the block ends.

    Raises SourceError if the orders cannot be used, EngineError if DuckDB fails in the block.
    """
    with duckdb_session() as (connection, folder):
        orders = read_orders(connection, plan.orders, window, folder)
        yield _DuckDBEngine(connection=connection, folder=folder, plan=plan, window=window, orders=orders)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DuckDBEngine:
    """An Engine on an open connection; `folder` is for temporary files, `orders` reads the plan's orders."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    plan: Plan
    window: Window
    orders: Relation

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    def load_orders(self) -> Mapping[str, object]:
        load_orders(self.connection, self.orders, self.plan.orders, self.window)
        return self.orders.description

    def measure_orders(self) -> tuple[list[MetricRow], list[Reject]]:
        rows = self.rows(metrics.EFFECTIVENESS, outcome_parameters(self.window))
        usable = [row for row in rows if not row["symbol"].startswith(REJECT_PREFIX)]
        return usable, self._order_rejects(rows)

    def _order_rejects(self, effectiveness: Iterable[MetricRow]) -> list[Reject]:
        """Take the rejects of the window from the measured rows, and count with them the orders without a time."""
        timeless = "select reason, count(*) from order_event where ts is null group by reason"
        counts = Counter(dict(self.connection.execute(timeless).fetchall()))
        for row in effectiveness:
            if row["symbol"].startswith(REJECT_PREFIX):
                counts[row["symbol"].removeprefix(REJECT_PREFIX)] += row["outcome_count"]
        bounds = outcome_bounds(self.window)
        return count_rejects(self.connection, "orders", "order_event", ORDERS_IN_WINDOW, bounds, self.orders, counts)

    def rows(self, query: str, parameters: QueryParameters) -> list[MetricRow]:
        return metric_rows(self.connection, query, naive_times(parameters))

    def load_maker_orders(self, totals: Sequence[TotalRow]) -> None:
        load_table(
            self.connection,
            "maker_total",
            symbol=("varchar", [symbol for symbol, _, _ in totals]),
            start_count=("bigint", [start_count for _, start_count, _ in totals]),
            fill_count=("bigint", [fill_count for _, _, fill_count in totals]),
        )
        self.connection.execute(
            "create temp view maker_order as "
            f"select * from order_outcome where maker_started and not starts_with(symbol, '{REJECT_PREFIX}')"
        )

    def load_breaker_states(self, states: Sequence[StateRow]) -> None:
        symbols: list[object] = [symbol for symbol, *_ in states]
        times = {
            name: ("timestamp", [_without_zone(row[index]) for row in states])
            for index, name in enumerate(STATE_TIMES, start=1)
        }
        load_table(self.connection, "breaker_state", symbol=("varchar", symbols), **times)

    def load_candles(self, source: CandlesSource) -> tuple[Mapping[str, object], list[Reject]]:
        candles = read_candles(self.connection, source, self.window, self.folder)
        load_candles(self.connection, candles, self.window)
        rejected = "select reason, count(*) from candle_event where reason is not null group by reason"
        counts = dict(self.connection.execute(rejected).fetchall())
        bounds = bar_bounds(self.window)
        rejects = count_rejects(self.connection, "candles", "candle_event", CANDLES_IN_WINDOW, bounds, candles, counts)
        return candles.description, rejects


def _without_zone(time: object) -> datetime | None:
    return time.replace(tzinfo=None) if isinstance(time, datetime) else None
