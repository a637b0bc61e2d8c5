"""The Spark engine: reads canonical Parquet on shared storage through a Spark Connect server."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from jobs.engines.engine import (
    STATE_TIMES,
    Engine,
    EngineAt,
    MetricRow,
    PeriodRow,
    QueryParameters,
    StateRow,
    TotalRow,
    bar_parameters,
    outcome_parameters,
    traded_through_parameters,
)
from jobs.engines.rejected_orders import sorted_out
from jobs.engines.spark_parts import split
from jobs.engines.spark_session import spark_session
from jobs.engines.spark_tables import CANDLES, ORDERS, Table, open_files
from jobs.plan import CandlesKind, CandlesSource, Location, OrdersKind, Plan
from jobs.sources.errors import SourceError
from jobs.sources.samples import shown
from policy import metrics
from policy.reject import Reject
from policy.symbols import SymbolSpelling
from policy.window import Window

if TYPE_CHECKING:
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession

_STATE_COLUMNS = ", ".join(["symbol string", *(f"{name} timestamp" for name in STATE_TIMES)])
_PERIOD_COLUMNS = "symbol string, opened_at timestamp, closed_at timestamp"
_TOTAL_COLUMNS = "symbol string, start_count bigint, fill_count bigint"
# Spark's functions that are written in SQL cannot be aggregates, so the macro is replaced in the text: by the sorted
# values, of which the quartiles are then taken. Spark's own percentile counts each value, and takes five times as long.
_QUARTILES = re.compile(r"\bquartiles\((\w+)\) as (\w+)")
_SORTED_VALUES = r"sort_array(collect_list(\1)) as \2"
_OTHER_FORMAT = re.compile(r"\.(csv|jsonl|ndjson|json)\b", re.IGNORECASE)


@contextmanager
def spark_engine(plan: Plan) -> Iterator[EngineAt]:
    """Give the engine on the Spark Connect server of the plan: each window has a session of its own.

    The server reads the paths of the plan as they are written there. Raises SourceError if a source is not canonical
    Parquet or cannot be read, EngineError if the `spark` extra is not installed, the server cannot be reached, or a
    query fails on it.
    """
    _check_sources(plan)
    yield partial(_engine_at, plan)


@contextmanager
def _engine_at(plan: Plan, window: Window) -> Iterator[Engine]:
    with spark_session(plan.engine.remote) as session:
        engine = _SparkEngine(session=session, plan=plan, window=window)
        try:
            yield engine
        finally:
            engine.release()


def _check_sources(plan: Plan) -> None:
    if plan.orders.kind is not OrdersKind.CANONICAL:
        raise SourceError(
            f'orders.kind is "{plan.orders.kind}", but the Spark engine reads canonical Parquet; write the outcomes '
            'as canonical Parquet and set kind = "canonical", or set [engine] kind = "duckdb"'
        )
    if plan.candles is not None and plan.candles.kind is not CandlesKind.TABLE:
        raise SourceError(
            f'candles.kind is "{plan.candles.kind}", but the Spark engine reads a table of Parquet; write the candles '
            'as one, or set [engine] kind = "duckdb"'
        )
    _check_symbols("orders", plan.orders.symbols)
    _check_location("orders", plan.orders.location)
    if plan.candles is not None:
        _check_symbols("candles", plan.candles.symbols)
        _check_location("candles", plan.candles.location)


def _check_symbols(source: str, symbols: SymbolSpelling) -> None:
    if not symbols.changes_nothing:
        raise SourceError(
            f"{source}.symbols spells symbols anew, which the Spark engine does not; write the policies' symbols into "
            'the Parquet, or set [engine] kind = "duckdb"'
        )


def _check_location(source: str, location: Location) -> None:
    if location.path is None or _OTHER_FORMAT.search(location.path):
        setting = f"{source}.path is {location.path}" if location.path else f"{source} is a query"
        raise SourceError(
            f"{setting}, but the Spark engine reads Parquet on storage that its server reaches; "
            f'name Parquet in {source}.path, or set [engine] kind = "duckdb"'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _SparkEngine:
    """An Engine on an open session; its tables are views, which Spark computes anew in each query.

    `kept` are the tables that cost more to compute again than to keep: the server holds them until `release`.
    """

    session: "SparkSession"
    plan: Plan
    window: Window
    kept: "list[DataFrame]" = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"spark {self.session.version}"

    def load_orders(self) -> Mapping[str, object]:
        orders = self.plan.orders
        parameters = outcome_parameters(self.plan.loaded_window(self.window))
        rows, description = self._rows(ORDERS, orders.location, parameters)
        rows.createOrReplaceTempView("orders_row")
        events = self.session.sql(ORDERS.events(deduplicate=bool(orders.deduplicate)))
        events = self._keep(events) if orders.deduplicate else events
        events.createOrReplaceTempView("orders_event")
        self._view("order_outcome", ORDERS.usable_and_rejected)
        self._view("usable_order", ORDERS.usable)
        self._view("closed_outcome", ORDERS.usable)
        return description

    def measure_orders(self) -> tuple[list[MetricRow], list[Reject]]:
        bounds = outcome_parameters(self.window)
        usable, counts = sorted_out(self.rows(metrics.EFFECTIVENESS, bounds))
        (timeless,) = self.rows("select count(*) as order_count from orders_event where ts is null", {})
        counts["bad_time"] += timeless["order_count"]
        return usable, self._rejects(ORDERS, self.plan.orders.location, bounds, counts)

    def rows(self, query: str, parameters: QueryParameters) -> list[MetricRow]:
        parts, text = split(query)
        for part in parts:
            frame = self._sql(part.query, parameters)
            if part.is_shared:
                frame = self._keep(frame)
                frame.count()  # Spark joins a table with few rows without sorting the other, if it knows how few
            frame.createOrReplaceTempView(part.name)
        frame = self._sql(_QUARTILES.sub(_SORTED_VALUES, text), parameters)
        for _, name in _QUARTILES.findall(text):
            frame = frame.withColumn(name, _quartiles(name))
        # Arrow keeps the zone of a time; collect() would turn it into this machine's local time.
        rows: list[MetricRow] = frame.toArrow().to_pylist()
        return rows

    def _sql(self, query: str, parameters: QueryParameters) -> "DataFrame":
        return self.session.sql(query, args={name: parameters[name] for name in metrics.PARAMETER.findall(query)})

    def load_maker_orders(self, totals: Sequence[TotalRow], interval: timedelta | None) -> None:
        has_bars = interval is not None and self._load_bars_of_orders(interval)
        is_logged = bool(self.rows(metrics.HAS_LOGGED_PASSAGE, outcome_parameters(self.window)))
        self._view("checked_order", metrics.checked_order(is_logged=is_logged, has_bars=has_bars))
        self._view("maker_order", metrics.MAKER_ORDER)
        self.session.createDataFrame(totals, _TOTAL_COLUMNS).createOrReplaceTempView("maker_total")

    def _load_bars_of_orders(self, interval: timedelta) -> bool:
        """Make `traded_through`, and return whether it has a row."""
        bounds = dict(traded_through_parameters(self.window, interval))
        self._keep(self.session.sql(metrics.TRADED_THROUGH, args=bounds)).createOrReplaceTempView("traded_through")
        return bool(self.rows("select symbol from traded_through limit 1", {}))

    def load_breaker_states(self, states: Sequence[StateRow]) -> None:
        self.session.createDataFrame(list(states), _STATE_COLUMNS).createOrReplaceTempView("breaker_state")

    def load_open_periods(self, periods: Sequence[PeriodRow]) -> None:
        self.session.createDataFrame(list(periods), _PERIOD_COLUMNS).createOrReplaceTempView("open_period")

    def load_asked_symbols(self, symbols: Sequence[str]) -> None:
        rows = [(symbol,) for symbol in symbols]
        self.session.createDataFrame(rows, "symbol string").createOrReplaceTempView("asked_symbol")

    def load_candles(self, source: CandlesSource) -> tuple[Mapping[str, object], list[Reject]]:
        bounds = bar_parameters(self.window)
        if any(rules.outage_parameters for rules in self.plan.rule_sets_with_state):
            bounds["first_bar_open"] = min(bounds["first_bar_open"], self.window.start)
        rows, description = self._rows(CANDLES, source.location, bounds)
        # By symbol, as every metric of bars asks for them, so that they are sent around once.
        rows.repartition("symbol").createOrReplaceTempView("candles_row")
        self._keep(self.session.sql(CANDLES.events(deduplicate=True))).createOrReplaceTempView("candles_event")
        self._view("candle", CANDLES.usable)
        return description, self._candle_rejects(source.location)

    def _candle_rejects(self, location: Location) -> list[Reject]:
        bounds = bar_parameters(self.window)
        rows = self.rows(
            f"""select reason, count(*) as bar_count from candles_event
                where reason is not null and ({CANDLES.in_window}) group by reason""",
            bounds,
        )
        return self._rejects(CANDLES, location, bounds, Counter({row["reason"]: row["bar_count"] for row in rows}))

    def _rejects(self, table: Table, location: Location, bounds: QueryParameters, counts: Counter[str]) -> list[Reject]:
        """Return the rejects of the window with these counts, each with a row of its reason."""
        samples = {
            reason: self.rows(
                f"""select {table.sample} as sample from {table.source}_event
                    where reason = :reason and ({table.in_window}) limit 1""",
                {**bounds, "reason": reason},
            )[0]["sample"]
            for reason, count in sorted(counts.items())
            if count
        }
        return [
            Reject(
                source=table.source,
                reason=reason,
                reject_count=counts[reason],
                sample=shown(f"{location.path}: {sample}"),
            )
            for reason, sample in samples.items()
        ]

    def _rows(
        self, table: Table, location: Location, bounds: Mapping[str, datetime]
    ) -> "tuple[DataFrame, dict[str, object]]":
        """Return all rows in the window, and describe the source."""
        types, file_count = open_files(self.session, table, location)
        rows = self.session.sql(table.rows(location, types), args=dict(bounds))
        return rows, {**table.description, "files": file_count}

    def _view(self, name: str, query: str) -> None:
        self.session.sql(query).createOrReplaceTempView(name)

    def _keep(self, frame: "DataFrame") -> "DataFrame":
        """Let the server hold the rows of a frame once they are computed, until the engine is left.

        Spark knows such rows by their query. The session makes it one that no other run has, which may have read other
        files under the same names.
        """
        from pyspark.sql.connect.functions import lit

        kept = frame.where(lit(self.session.session_id).isNotNull()).persist()
        self.kept.append(kept)
        return kept

    def release(self) -> None:
        """Let the server forget the tables that it holds, unless it cannot be reached any more."""
        from pyspark.errors import PySparkException

        with suppress(PySparkException):
            for frame in self.kept:
                frame.unpersist()


def _quartiles(values: str) -> "Column":
    """Return the quartiles of a column of sorted values, interpolated as DuckDB does; null without a value."""
    from pyspark.sql.connect.functions import expr

    quartiles = ", ".join(_quantile(values, share) for share in (0.25, 0.5, 0.75))
    return expr(f"case when size({values}) > 0 then array({quartiles}) end")


def _quantile(values: str, share: float) -> str:
    position = f"(1 + (size({values}) - 1) * {share}D)"
    lower, upper = (f"element_at({values}, cast({end}({position}) as int))" for end in ("floor", "ceil"))
    return f"{lower} + ({upper} - {lower}) * ({position} - floor({position}))"
