"""The Spark engine: reads canonical Parquet on shared storage through a Spark Connect server."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from jobs.engines.spark_columns import canonical_columns
from jobs.engines.spark_session import server_message, spark_session
from jobs.plan import CandlesKind, CandlesSource, Location, OrdersKind, Plan
from jobs.sources import candles, canonical
from jobs.sources.errors import SourceError
from jobs.sources.samples import shown
from policy import metrics
from policy.reject import Reject
from policy.symbols import SymbolSpelling
from policy.window import Window

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

_STATE_COLUMNS = ", ".join(["symbol string", *(f"{name} timestamp" for name in STATE_TIMES)])
_PERIOD_COLUMNS = "symbol string, opened_at timestamp, closed_at timestamp"
_TOTAL_COLUMNS = "symbol string, start_count bigint, fill_count bigint"
# Spark's functions that are written in SQL cannot be aggregates, so the macro is replaced in the text.
_QUARTILES = re.compile(r"\bquartiles\((\w+)\)")
_PERCENTILES = r"percentile(\1, array(0.25D, 0.5D, 0.75D))"
_OTHER_FORMAT = re.compile(r"\.(csv|jsonl|ndjson|json)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A canonical table: the columns that its source must have, the rows that are usable, and how to name one."""

    source: str
    view: str
    types: Mapping[str, str]
    required: Sequence[str]
    in_window: str
    judged: str
    is_duplicate: str
    duplicate_reason: str
    sample: str
    description: Mapping[str, object]


_ORDERS = _Table(
    source="orders",
    view="order_outcome",
    types=canonical.SQL_TYPES,
    required=canonical.REQUIRED,
    in_window="ts is null or (ts >= :window_start and ts < :as_of)",
    judged=f"""case
        when ts is null then 'bad_time' when symbol is null then 'bad_symbol' when is_unread then 'bad_value'
        else {canonical.ORDER_REASON}
    end""",
    is_duplicate=f"""order_id is not null and row_number() over (
        partition by {canonical.IDENTITY}, judgement order by {canonical.WRITTEN_LAST_FIRST}
    ) > 1""",
    duplicate_reason="duplicate_id",
    sample="concat_ws(' ', concat('order_id ', order_id), symbol, coalesce(cast(ts as string), ts_text))",
    description={"kind": "canonical", "format": "parquet"},
)
_CANDLES = _Table(
    source="candles",
    view="candle",
    types={"ts": "timestamp", "symbol": "varchar", "high": "double", "low": "double", "close": "double"},
    required=candles.BAR_COLUMNS,
    in_window="ts is null or (ts >= :first_bar_open and ts <= :last_bar_open)",
    judged=candles.BAR_REASON,
    is_duplicate=f"row_number() over (partition by symbol, ts, judgement order by {candles.WIDEST_FIRST}) > 1",
    duplicate_reason="duplicate_bar",
    sample="concat_ws(' ', symbol, coalesce(cast(ts as string), ts_text))",
    description={"format": "parquet"},
)


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
        yield _SparkEngine(session=session, plan=plan, window=window)


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
    """An Engine on an open session; its tables are views, which Spark computes anew in each query."""

    session: "SparkSession"
    plan: Plan
    window: Window

    @property
    def name(self) -> str:
        return f"spark {self.session.version}"

    def load_orders(self) -> Mapping[str, object]:
        orders = self.plan.orders
        parameters = outcome_parameters(self.plan.loaded_window(self.window))
        description = self._load(_ORDERS, orders.location, parameters, deduplicate=bool(orders.deduplicate))
        self.session.table("order_outcome").createOrReplaceTempView("closed_outcome")
        return description

    def measure_orders(self) -> tuple[list[MetricRow], list[Reject]]:
        rows = self.rows(metrics.EFFECTIVENESS, outcome_parameters(self.window))
        return rows, self._rejects(_ORDERS, self.plan.orders.location, outcome_parameters(self.window))

    def rows(self, query: str, parameters: QueryParameters) -> list[MetricRow]:
        # Arrow keeps the zone of a time; collect() would turn it into this machine's local time.
        text = _QUARTILES.sub(_PERCENTILES, query)
        rows: list[MetricRow] = self.session.sql(text, args=dict(parameters)).toArrow().to_pylist()
        return rows

    def load_maker_orders(self, totals: Sequence[TotalRow], interval: timedelta | None) -> None:
        self.session.table("order_outcome").createOrReplaceTempView("usable_order")
        if interval is not None:
            bounds = dict(traded_through_parameters(self.window, interval))
            self.session.sql(metrics.TRADED_THROUGH, args=bounds).createOrReplaceTempView("traded_through")
        is_logged = bool(self.rows(metrics.HAS_LOGGED_PASSAGE, outcome_parameters(self.window)))
        checked = metrics.checked_order(is_logged=is_logged, has_bars=interval is not None)
        self.session.sql(checked).createOrReplaceTempView("checked_order")
        self.session.sql(metrics.MAKER_ORDER).createOrReplaceTempView("maker_order")
        self.session.createDataFrame(totals, _TOTAL_COLUMNS).createOrReplaceTempView("maker_total")

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
        description = self._load(_CANDLES, source.location, bounds, deduplicate=True)
        return description, self._rejects(_CANDLES, source.location, bar_parameters(self.window))

    def _load(
        self, table: _Table, location: Location, bounds: Mapping[str, datetime], *, deduplicate: bool
    ) -> dict[str, object]:
        """Make the table's view of the usable rows, and `..._event` of all rows of the window; describe the source."""
        types, file_count = _open(self.session, table, location)
        columns = canonical_columns(table.source, location, table.types, table.required, types)
        is_duplicate = f"judgement is null and {table.is_duplicate}" if deduplicate else "false"
        query = f"""
            select *, case when {is_duplicate} then '{table.duplicate_reason}' else judgement end as reason
            from (
                select *, {table.judged} as judgement, {table.sample} as sample
                from (select {columns} from {table.source}_file)
                where {table.in_window}
            )"""
        self.session.sql(query, args=dict(bounds)).createOrReplaceTempView(f"{table.source}_event")
        usable = f"select {', '.join(table.types)} from {table.source}_event where reason is null"
        self.session.sql(usable).createOrReplaceTempView(table.view)
        return {**table.description, "files": file_count}

    def _rejects(self, table: _Table, location: Location, bounds: QueryParameters) -> list[Reject]:
        rows = self.rows(
            f"""select reason, count(*) as reject_count, max(sample) as sample
                from {table.source}_event where reason is not null and ({table.in_window})
                group by reason order by reason""",
            bounds,
        )
        return [
            Reject(
                source=table.source,
                reason=row["reason"],
                reject_count=row["reject_count"],
                sample=shown(f"{location.path}: {row['sample']}"),
            )
            for row in rows
        ]


def _open(session: "SparkSession", table: _Table, location: Location) -> tuple[dict[str, str], int]:
    """Make `..._file` of the Parquet files, columns matched by name; return their types and the number of files."""
    from pyspark.errors.exceptions.connect import SparkConnectGrpcException

    assert location.path is not None
    try:
        frame = session.read.option("mergeSchema", "true").parquet(location.path)
        types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
        files = frame.inputFiles()
        frame.createOrReplaceTempView(f"{table.source}_file")
    except SparkConnectGrpcException as error:
        if error.getGrpcStatusCode().name == "UNAVAILABLE":
            raise
        raise SourceError(
            f"{table.source}.path: Spark cannot read {location.path} as Parquet: {server_message(error)}. "
            f"Correct {table.source}.path, which the server must reach under the same name, or the file"
        ) from error
    if not files:
        raise SourceError(f"{table.source}.path: Spark finds no file at {location.path}; correct {table.source}.path")
    return types, len(files)
