"""Spark by Spark Connect: reads canonical Parquet on shared storage and runs the metric queries over it."""

import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jobs.engines.errors import EngineError
from jobs.engines.measurement import Measurement, gather, one_tick_markets
from jobs.engines.spark_columns import canonical_columns
from jobs.engines.streaks import STATE_TIMES, States, StreakMeasurement, scan_start, state_rows, total_rows
from jobs.engines.streaks import read_streaks as measured_streaks
from jobs.plan import Location, OrdersKind, Plan
from jobs.sources import candles, canonical
from jobs.sources.errors import SourceError
from jobs.sources.samples import shown
from jobs.sources.typed import first_line
from policy import metrics
from policy.window import Window
from storage.records import Reject

if TYPE_CHECKING:
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.session import SparkSession

_CONNECTION_RETRIES = 4  # about 5 seconds where nothing listens, 25 where nothing answers
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # else Spark refuses files with times in nanoseconds
}
_STATE_COLUMNS = ", ".join(["symbol string", *(f"{name} timestamp" for name in STATE_TIMES)])
_TOTAL_COLUMNS = "symbol string, start_count bigint, fill_count bigint"
_OTHER_FORMAT = re.compile(r"\.(csv|jsonl|ndjson|json)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A canonical table: what a source must have to become it, which of its rows are good, what names one of them."""

    source: str
    view: str
    types: Mapping[str, str]
    required: Sequence[str]
    in_window: str
    judged: str
    repeated: str
    repeated_reason: str
    sample: str
    description: Mapping[str, object]


_ORDERS = _Table(
    source="orders",
    view="order_outcome",
    types=canonical.SQL_TYPES,
    required=canonical.REQUIRED,
    in_window="ts is null or (ts >= :window_start and ts < :as_of)",
    judged=f"case when ts is null then 'bad_time' when symbol is null then 'bad_symbol' else {canonical.JUDGED} end",
    repeated=f"""order_id is not null and row_number() over (
        partition by {canonical.IDENTITY}, judgement order by {canonical.WRITTEN_LAST_FIRST}
    ) > 1""",
    repeated_reason="duplicate_id",
    sample="concat_ws(' ', concat('order_id ', order_id), symbol, coalesce(cast(ts as string), ts_text))",
    description={"kind": "canonical", "format": "parquet"},
)
_CANDLES = _Table(
    source="candles",
    view="candle",
    types={"ts": "timestamp", "symbol": "varchar", "high": "double", "low": "double", "close": "double"},
    required=candles.COLUMNS,
    in_window="ts is null or (ts >= :first_bar_open and ts <= :last_bar_open)",
    judged=candles.JUDGED,
    repeated="row_number() over (partition by symbol, ts, judgement order by high, low, close) > 1",
    repeated_reason="duplicate_bar",
    sample="concat_ws(' ', symbol, coalesce(cast(ts as string), ts_text))",
    description={"format": "parquet"},
)


def measure_with_spark(plan: Plan, window: Window, states: States) -> Measurement:
    """Measure every symbol on the Spark Connect server of the plan, which reads the paths as they are given.

    Raises SourceError where a source is not canonical Parquet or cannot be read, EngineError where the `spark` extra
    is missing, the server cannot be reached, or a query fails on it.
    """
    _check_sources(plan)
    if plan.engine.remote is None:
        raise EngineError('engine.remote is missing; name the Spark Connect server, as in remote = "sc://host:15002"')
    address = plan.engine.remote.partition("/;")[0]  # what comes after may be a token
    session = _connect(plan.engine.remote, address)
    from pyspark.errors import PySparkException

    try:
        return _measure(session, plan, window, states)
    except PySparkException as error:
        raise EngineError(f"Spark at {address} failed: {_said(error)}") from error
    finally:
        session.stop()


def _check_sources(plan: Plan) -> None:
    if plan.orders.kind is not OrdersKind.CANONICAL:
        raise SourceError(
            f'orders.kind is "{plan.orders.kind}", but the Spark engine reads canonical Parquet; write the outcomes '
            'as canonical Parquet and set kind = "canonical", or set [engine] kind = "duckdb"'
        )
    _check_location("orders", plan.orders.location)
    if plan.candles is not None:
        _check_location("candles", plan.candles.location)


def _check_location(source: str, location: Location) -> None:
    there = f"{source}.path is {location.path}" if location.path else f"{source} is a query on a database"
    if location.path is None or _OTHER_FORMAT.search(location.path):
        raise SourceError(
            f"{there}, but the Spark engine reads Parquet on storage that its server reaches; "
            f'name Parquet in {source}.path, or set [engine] kind = "duckdb"'
        )


def _connect(remote: str, address: str) -> "SparkSession":
    """Open a session of its own on the server, with times in UTC; a server that is down is not waited for."""
    with warnings.catch_warnings():
        # Rows come back as Arrow, so it does not matter what pyspark thinks of this pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
        session = _new_session(remote, address)
        from pyspark.errors import PySparkException

        try:
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
        except PySparkException as error:
            session.client.close()
            raise EngineError(
                f"engine.remote: no Spark Connect server can be used at {address} ({_said(error)}); "
                "start it, or correct [engine] remote"
            ) from error
    return session


def _new_session(remote: str, address: str) -> "SparkSession":
    """Make a session without asking the server for anything yet."""
    try:
        with _named_main_module():
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise EngineError('the Spark engine is not installed; run: pip install "router-policy[spark]"') from error
    try:
        session: SparkSession = SparkSession.builder.remote(remote).create()
    except PySparkException as error:
        raise EngineError(
            f"engine.remote is {address}, with its parameters, and no address of a Spark Connect server; "
            "write it as sc://host:port or sc://host:port/;name=value"
        ) from error
    session.client.set_retry_policies([DefaultPolicy(max_retries=_CONNECTION_RETRIES)])
    return session


@contextmanager
def _named_main_module() -> Iterator[None]:
    """Keep pyspark from taking a process without a main script for a run of its own doctests, which it may end."""
    main = sys.modules["__main__"]
    is_nameless = not hasattr(main, "__file__")
    if is_nameless:
        main.__file__ = ""
    try:
        yield
    finally:
        if is_nameless:
            del main.__file__


def _said(error: "PySparkException") -> str:
    """Return in one line what the server, or the connection to it, said."""
    details = re.search(r'details = "(.+)"', str(error))
    return details[1] if details else first_line(error)


def _measure(session: "SparkSession", plan: Plan, window: Window, states: States) -> Measurement:
    in_window = {"window_start": window.start, "as_of": window.as_of}
    sources = {"orders": _load(session, _ORDERS, plan.orders.location, in_window, deduplicate=plan.orders.deduplicate)}
    rejects = _rejects(session, _ORDERS, plan.orders.location)
    volatility = []
    is_one_tick: dict[str, bool] = {}
    if plan.candles is not None:
        closed = {"first_bar_open": window.first_bar_open, "last_bar_open": window.last_bar_open}
        sources["candles"] = _load(session, _CANDLES, plan.candles.location, closed, deduplicate=True)
        rejects += _rejects(session, _CANDLES, plan.candles.location)
        volatility = _rows(session, metrics.VOLATILITY, closed)
        if plan.fees:
            half_spread = _rows(session, metrics.HALF_SPREAD, closed)
            is_one_tick = one_tick_markets(_rows(session, metrics.PRICE_GRID, closed), half_spread)
    effectiveness = _rows(session, metrics.EFFECTIVENESS, in_window)
    expectancy = _rows(session, metrics.EXPECTANCY, {**in_window, "hour_of_day": window.as_of.hour})
    return Measurement(
        evidence=gather(effectiveness, volatility, expectancy, window),
        traded_symbols=frozenset(row["symbol"] for row in effectiveness),
        rejects=tuple(rejects),
        engine=f"spark {session.version}",
        sources=sources,
        streaks=_streaks(session, plan, window, states, effectiveness),
        is_one_tick=is_one_tick,
    )


def _streaks(
    session: "SparkSession", plan: Plan, window: Window, states: States, effectiveness: Sequence[Mapping[str, Any]]
) -> dict[str, StreakMeasurement]:
    """Run the streaks query once for each rule set that remembers something."""
    found: dict[str, StreakMeasurement] = {}
    if not plan.rule_sets_with_state:
        return found
    session.sql("select * from order_outcome where maker_started").createOrReplaceTempView("maker_order")
    total = session.createDataFrame(total_rows(effectiveness), _TOTAL_COLUMNS)
    total.createOrReplaceTempView("maker_total")
    for rules in plan.rule_sets_with_state:
        rows = state_rows(states.get(rules.name, {}))
        in_zone = [tuple(one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for one in row) for row in rows]
        session.createDataFrame(in_zone, _STATE_COLUMNS).createOrReplaceTempView("breaker_state")
        bounds = {
            "window_start": window.start,
            "as_of": window.as_of,
            "day_start": window.day_start,
            "scan_start": scan_start(rows, window).replace(tzinfo=UTC),
        }
        found[rules.name] = measured_streaks(_rows(session, metrics.STREAKS, bounds))
    return found


def _rows(session: "SparkSession", query: str, bounds: Mapping[str, object]) -> list[dict[str, Any]]:
    # Arrow keeps the zone of a time; collect() would turn it into this machine's local time.
    rows: list[dict[str, Any]] = session.sql(query, args=dict(bounds)).toArrow().to_pylist()
    return rows


def _load(
    session: "SparkSession",
    table: _Table,
    location: Location,
    bounds: Mapping[str, object],
    *,
    deduplicate: bool | None,
) -> dict[str, object]:
    """Make the table's view of the good rows, beside `..._event` of all rows of the window, and describe the source."""
    types, file_count = _open(session, table, location)
    columns = canonical_columns(table.source, location, table.types, table.required, types)
    repeated = table.repeated if deduplicate else "false"
    query = f"""
        select *, case when judgement is null and {repeated} then '{table.repeated_reason}' else judgement end as reason
        from (
            select *, {table.judged} as judgement, {table.sample} as sample
            from (select {columns} from {table.source}_file)
            where {table.in_window}
        )"""
    session.sql(query, args=dict(bounds)).createOrReplaceTempView(f"{table.source}_event")
    good = f"select {', '.join(table.types)} from {table.source}_event where reason is null"
    session.sql(good).createOrReplaceTempView(table.view)
    return {**table.description, "files": file_count}


def _open(session: "SparkSession", table: _Table, location: Location) -> tuple[dict[str, str], int]:
    """Make `..._file` of the Parquet files, columns matched by name, and return their types and how many files."""
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
            f"{table.source}.path: Spark cannot read {location.path} as Parquet: {_said(error)}. "
            f"Correct {table.source}.path, which the server must reach under that very name, or the file"
        ) from error
    if not files:
        raise SourceError(f"{table.source}.path: Spark finds no file at {location.path}; correct {table.source}.path")
    return types, len(files)


def _rejects(session: "SparkSession", table: _Table, location: Location) -> list[Reject]:
    found = _rows(
        session,
        f"""select reason, count(*) as reject_count, max(sample) as sample
            from {table.source}_event where reason is not null group by reason order by reason""",
        {},
    )
    return [
        Reject(
            source=table.source,
            reason=row["reason"],
            reject_count=row["reject_count"],
            sample=shown(f"{location.path}: {row['sample']}"),
        )
        for row in found
    ]
