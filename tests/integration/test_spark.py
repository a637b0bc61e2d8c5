"""The Spark engine against a Spark Connect server, beside DuckDB on the same files."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from jobs.engines.errors import EngineError
from jobs.engines.measure import measure
from jobs.plan import CandlesSource, EngineChoice, EngineKind, Location, OrdersKind, OrdersSource, Plan
from jobs.run.recompute import recompute
from jobs.sources.errors import SourceError
from policy import metrics
from policy.rules import rule_set
from policy.symbols import SymbolSpelling, SymbolStyle
from policy.window import Window
from storage.records import Origin, RunResult
from tests.support.spark_server import spark_server

pytestmark = [
    pytest.mark.xdist_group("spark"),  # one server is enough
    pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark-client is not installed (extra spark)"),
    pytest.mark.skipif(find_spec("pysail") is None, reason="pysail, the Spark Connect server, is not installed"),
]

AS_OF = datetime(2026, 4, 26, 0, 5, tzinfo=UTC)
WINDOW = Window(as_of=AS_OF, bar_interval=timedelta(minutes=15))

# 400 outcomes of four symbols, one each 25 minutes of the window, with every kind of null.
TRADED = """
    select
        'order-' || n as order_id,
        timestamp '2026-04-19 00:05:00' + n * interval 1500 second as ts,
        ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'DOGEUSDT'][n % 4 + 1] as symbol,
        if(n % 2 = 0, 'BUY', 'SELL') as side,
        if(n % 11 = 0, null, n % 7 <> 0) as maker_started,
        n % 11 <> 0 and n % 7 <> 0 and n % 3 <> 0 as maker_filled,
        n % 11 <> 0 and n % 7 <> 0 and n % 6 = 0 as fallback_used,
        if(n % 13 = 0, null, (n * 7919 % 2000 - 900) / 37) as slippage_bps,
        if(n % 17 = 0, null, 50 + n % 23 * 10.1::double) as notional,
        if(n % 5 = 0, (n * 31 % 19 - 9) / 3, null) as realized_pnl,
        0.1::double as fees,
        if(n % 3 = 0, null, n % 5 = 0) as survivor
    from range(400) as t(n)
"""
# order_id, ts, symbol, maker_started, maker_filled, fallback_used, slippage_bps, notional
SPECIAL = """
    values
        ('hand-1', '2026-04-20 10:00:00', 'HAND', true, true, false, 1.0, 10.0),
        ('hand-2', '2026-04-20 11:00:00', 'HAND', true, true, false, 2.0, 10.0),
        ('hand-3', '2026-04-20 12:00:00', 'HAND', true, false, true, 3.0, 10.0),
        ('hand-4', '2026-04-20 13:00:00', 'HAND', false, false, false, 10.0, 10.0),
        ('edge-1', '2026-04-19 00:04:59.999999', 'EDGE', true, true, false, 1.0, 10.0),
        ('edge-2', '2026-04-19 00:05:00', 'EDGE', true, true, false, 2.0, 10.0),
        ('edge-3', '2026-04-26 00:04:59.999999', 'EDGE', true, true, false, 4.0, 10.0),
        ('edge-4', '2026-04-26 00:05:00', 'EDGE', true, true, false, 8.0, 10.0),
        ('old', '2026-03-01 00:00:00', 'QUIET', true, true, false, 1.0, 10.0),
        ('twice-1', '2026-04-21 10:00:00', 'TWICE', true, true, false, 1.0, 10.0),
        ('twice-1', '2026-04-21 11:00:00', 'TWICE', true, true, false, 5.0, 10.0),
        ('twice-2', '2026-04-21 12:00:00', 'TWICE', true, true, false, null, 10.0),
        ('twice-2', '2026-04-21 12:00:00', 'TWICE', true, true, false, 4.0, 10.0),
        ('twice-1', '2026-04-21 09:00:00', 'AGAIN', true, true, false, 7.0, 10.0),
        ('twice-2', '2026-04-21 12:00:00', 'AGAIN', true, true, null, 9.0, 10.0),
        (null, '2026-04-21 13:00:00', 'NAMELESS', true, true, false, 4.0, 10.0),
        (null, '2026-04-21 13:00:00', 'NAMELESS', true, true, false, 4.0, 10.0),
        ('bad-1', null, 'HAND', true, true, false, 1.0, 10.0),
        ('bad-2', '2026-04-20 10:00:00', null, true, true, false, 1.0, 10.0),
        ('bad-3', '2026-04-20 10:00:00', '  ', true, true, false, 1.0, 10.0),
        ('bad-4', '2026-04-20 10:00:00', 'HAND', true, true, false, double 'nan', 10.0),
        ('bad-5', '2026-04-20 10:00:00', 'HAND', true, true, false, 1.0, double 'inf'),
        ('bad-6', '2026-04-20 10:00:00', 'HAND', true, true, false, 10000.0, 10.0),
        ('bad-7', '2026-04-20 10:00:00', 'HAND', true, true, false, -10000.0, 10.0),
        ('bad-8', '2026-04-20 10:00:00', 'HAND', true, true, true, 1.0, 10.0),
        ('bad-9', '2026-04-20 10:00:00', 'HAND', false, true, false, 1.0, 10.0),
        ('bad-a', '2026-04-20 10:00:00', 'HAND', true, null, false, 1.0, 10.0),
        ('bad-b', '2026-04-20 10:00:00', 'HAND', true, false, null, 1.0, 10.0),
        ('bad-c', '2026-04-20 10:00:00', 'HAND', true, null, null, 1.0, 10.0),
        ('bad-but-old', '2026-03-01 00:00:00', 'HAND', true, true, false, double 'nan', 10.0)
"""
ORDERS = f"""
    from ({TRADED})
    union all by name
    select
        order_id, cast(ts as timestamp) as ts, symbol, maker_started, maker_filled, fallback_used,
        cast(slippage_bps as double) as slippage_bps, cast(notional as double) as notional
    from ({SPECIAL}) as t(order_id, ts, symbol, maker_started, maker_filled, fallback_used, slippage_bps, notional)
"""
# Bars that moved like BTCUSDT's for 700, 500, 499 and 49 bars, and 500 bars of HAND that all span 99 to 101.
CANDLES = """
    select
        timestamp '2026-04-25 23:45:00' - n * interval 15 minute as ts,
        symbol,
        if(symbol = 'HAND', 101, 100 + n * 37 % 41 / 7) as high,
        if(symbol = 'HAND', 99, 98 - n * 53 % 29 / 9) as low,
        if(symbol = 'HAND', 100, 98.5 + n * 17 % 13 / 10) as close
    from (values ('BTCUSDT', 700), ('ETHUSDT', 500), ('SOLUSDT', 499), ('DOGEUSDT', 49), ('HAND', 500))
        as market(symbol, bars), range(700) as bar(n)
    where n < bars
    union all
    select cast(ts as timestamp), symbol, cast(high as double), cast(low as double), cast(close as double)
    from (values
        ('2026-04-26 00:00:00', 'BTCUSDT', 900, 1, 500),
        ('2026-04-15 00:00:00', 'BTCUSDT', 900, 1, 500),
        ('2026-04-25 23:45:00', 'ETHUSDT', 900, 1, 500),
        ('2026-04-25 23:50:00', 'HAND', double 'nan', 99, 100),
        ('2026-04-25 23:50:00', 'HAND', 101, null, 100),
        ('2026-04-25 23:50:00', 'HAND', 99, 101, 100),
        (null, 'HAND', 101, 99, 100)
    ) as t(ts, symbol, high, low, close)
"""


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    """The address of a Spark Connect server in this process, or of the one that TEST_SPARK_REMOTE names."""
    if "TEST_SPARK_REMOTE" in os.environ:
        yield os.environ["TEST_SPARK_REMOTE"]
        return
    with spark_server() as address:
        yield address


def write(path: Path, query: str) -> str:
    duckdb.connect().execute(f"copy ({query}) to '{path}' (format parquet)")
    return str(path)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Orders and candles on DuckDB, repeated ids looked for."""
    folder = tmp_path_factory.mktemp("canonical")
    return plan_of(
        write(folder / "orders.parquet", ORDERS), write(folder / "candles.parquet", CANDLES), deduplicate=True
    )


def plan_of(orders: str, candles: str | None = None, *, deduplicate: bool | None = None, **columns: str) -> Plan:
    return Plan(
        scope="default",
        orders=OrdersSource(
            kind=OrdersKind.CANONICAL, location=Location(path=orders, columns=columns), deduplicate=deduplicate
        ),
        candles=CandlesSource(location=Location(path=candles), interval=timedelta(minutes=15)) if candles else None,
        rule_set=rule_set("seed"),
    )


def on_spark(plan: Plan, remote: str | None) -> Plan:
    return replace(plan, engine=EngineChoice(kind=EngineKind.SPARK, remote=remote))


def run(plan: Plan) -> RunResult:
    return recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF)


def rejects_of(result: RunResult) -> Mapping[tuple[str, str], int]:
    return {(reject.source, reject.reason): reject.reject_count for reject in result.rejects}


@pytest.mark.parametrize("deduplicate", [True, False, None])
def test_spark_and_duckdb_agree_to_the_bit(plan: Plan, remote: str, deduplicate: bool | None) -> None:
    plan = replace(plan, orders=replace(plan.orders, deduplicate=deduplicate))
    by_duckdb, by_spark = run(plan), run(on_spark(plan, remote))
    assert len(by_spark.decisions) == 9
    assert any(evidence.effectiveness.survivor_count for evidence, _ in by_spark.decisions)
    assert by_spark.decisions == by_duckdb.decisions
    assert by_spark.event_count == by_duckdb.event_count
    assert rejects_of(by_spark) == rejects_of(by_duckdb)
    assert by_spark.sources == by_duckdb.sources
    assert by_spark.engine.startswith("spark 4.")


def test_the_figures_are_those_worked_out_by_hand(plan: Plan, remote: str) -> None:
    evidence = measure(on_spark(plan, remote), WINDOW, {}).evidence
    hand, edge, twice = (evidence[symbol].effectiveness for symbol in ("HAND", "EDGE", "TWICE"))
    assert (hand.outcome_count, hand.maker_started_count, hand.slippage_count) == (4, 3, 4)
    assert (hand.maker_fill_ratio, hand.fallback_ratio) == (0.666666667, 0.333333333)
    assert (hand.slip_q25, hand.slip_q50, hand.slip_q75) == (1.75, 2.5, 4.75)
    assert (edge.outcome_count, edge.slip_q50) == (2, 3.0)
    assert (twice.outcome_count, twice.slippage_count, twice.slip_q50) == (2, 2, 4.5)
    assert evidence["NAMELESS"].effectiveness.outcome_count == 2
    again = evidence["AGAIN"].effectiveness  # orders of its own, whose ids are those of TWICE
    assert (again.outcome_count, again.slip_q50, again.maker_fill_ratio) == (2, 8.0, 1.0)
    bars = {symbol: evidence[symbol].volatility for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "HAND")}
    assert [volatility.bar_count for volatility in bars.values()] == [500, 500, 499, 49, 500]
    assert [volatility.atr_ratio is None for volatility in bars.values()] == [False, False, True, True, False]
    assert (bars["HAND"].atr_short_pct, bars["HAND"].atr_ratio, bars["HAND"].bar_age_seconds) == (2.0, 1.0, 300.0)


def test_quartiles_are_interpolated_alike_and_null_without_a_slippage(tmp_path: Path, remote: str) -> None:
    orders = """
        select
            timestamp '2026-04-20 10:00:00' + n * interval 1 minute as ts, symbol, true as maker_started,
            true as maker_filled, false as fallback_used, cast(slippage_bps as double) as slippage_bps
        from (values
            (1, 'NONE', null), (2, 'ONE', -3.25), (3, 'TWO', 4.0), (4, 'TWO', -0.0), (5, 'TWO', null),
            (6, 'SAME', 1.1), (7, 'SAME', 1.1), (8, 'SAME', 1.1), (9, 'SAME', -7.7), (10, 'SAME', 20.0)
        ) as t(n, symbol, slippage_bps)
    """
    plan = plan_of(write(tmp_path / "orders.parquet", orders))

    for engine_plan in (plan, on_spark(plan, remote)):
        figures = {symbol: found.effectiveness for symbol, found in measure(engine_plan, WINDOW, {}).evidence.items()}
        quartiles = {symbol: (each.slip_q25, each.slip_q50, each.slip_q75) for symbol, each in figures.items()}
        assert quartiles == {
            "NONE": (None, None, None),
            "ONE": (-3.25, -3.25, -3.25),
            "TWO": (1.0, 2.0, 3.0),
            "SAME": (1.1, 1.1, 1.1),
        }


def test_a_symbol_is_the_same_whichever_engine_reads_it(tmp_path: Path, remote: str) -> None:
    orders = """
        select
            'order-' || n as order_id, timestamp '2026-04-20 10:00:00' as ts, symbol, true as maker_started,
            true as maker_filled, false as fallback_used, 1.0::double as slippage_bps
        from unnest(
            ['BTCUSDT', '  ETHUSDT ', 'A B', repeat('L', 64)]
            || list_transform([0, 10, 31, 127, 128], lambda code: 'BTC' || chr(code) || 'USDT')
        ) with ordinality as t(symbol, n)
    """
    plan = plan_of(write(tmp_path / "orders.parquet", orders))

    for engine_plan in (plan, on_spark(plan, remote)):
        result = run(engine_plan)
        assert [decided.symbol for decided, _ in result.decisions] == ["A B", "BTCUSDT", "ETHUSDT", "L" * 64]
        assert rejects_of(result) == {("orders", "bad_symbol"): 5}


def test_rows_that_are_not_used_are_counted_by_reason_and_one_of_each_is_named(plan: Plan, remote: str) -> None:
    result = run(on_spark(plan, remote))
    assert rejects_of(result) == {
        ("orders", "bad_symbol"): 2,
        ("orders", "bad_time"): 1,
        ("orders", "contradictory"): 2,
        ("orders", "duplicate_id"): 2,
        ("orders", "not_finite"): 2,
        ("orders", "sentinel_slippage"): 2,
        ("orders", "unknown_fill"): 3,
        ("candles", "bad_time"): 1,
        ("candles", "bad_value"): 1,
        ("candles", "duplicate_bar"): 1,
        ("candles", "impossible_bar"): 1,
        ("candles", "not_finite"): 1,
    }
    samples = {(reject.source, reject.reason): reject.sample for reject in result.rejects}
    orders = plan.orders.location.path
    assert samples["orders", "bad_time"] == f"{orders}: order_id bad-1 HAND"
    assert samples["orders", "contradictory"] in {
        f"{orders}: order_id {order_id} HAND 2026-04-20 10:00:00" for order_id in ("bad-8", "bad-9")
    }
    assert samples["candles", "duplicate_bar"].endswith("candles.parquet: ETHUSDT 2026-04-25 23:45:00")


@pytest.mark.parametrize(
    ("volatility", "ends"),
    [
        (metrics.VOLATILITY, nullcontext()),
        ("select no_such_column from candle", pytest.raises(EngineError, match="no_such_column")),
    ],
)
def test_what_the_server_keeps_is_released_also_if_the_run_fails(
    plan: Plan,
    remote: str,
    monkeypatch: pytest.MonkeyPatch,
    volatility: str,
    ends: AbstractContextManager[object],
) -> None:
    kept, released = frames_of_calls(monkeypatch, "persist"), frames_of_calls(monkeypatch, "unpersist")
    monkeypatch.setattr(metrics, "VOLATILITY", volatility)

    with ends:
        measure(on_spark(plan, remote), WINDOW, {})

    assert len(kept) == 2  # the orders, because repeated ids are looked for, and the candles
    assert released == kept


def frames_of_calls(monkeypatch: pytest.MonkeyPatch, method: str) -> list[object]:
    """Return a list that will have each frame of which this method is called."""
    from pyspark.sql.connect.dataframe import DataFrame

    frames: list[object] = []
    call = getattr(DataFrame, method)

    def noted(frame: DataFrame) -> DataFrame:
        frames.append(frame)
        result: DataFrame = call(frame)
        return result

    monkeypatch.setattr(DataFrame, method, noted)
    return frames


def test_both_engines_run_the_text_of_the_sql_files(plan: Plan, remote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = metrics.EFFECTIVENESS.replace("count(*) as outcome_count", "count(*) * 1000 as outcome_count")
    monkeypatch.setattr(metrics, "EFFECTIVENESS", changed)
    for chosen in (plan, on_spark(plan, remote)):
        assert measure(chosen, WINDOW, {}).evidence["HAND"].effectiveness.outcome_count == 4000


# Of kinds of times that the short form has in another unit or with another end.
OTHER_TIMES = [
    ("epoch(ts)::bigint", 0),
    ("epoch_us(ts)", 0),
    ("if(n = 3, 12345, epoch_ms(ts))", 1),
    ("epoch(ts)", 0),
    ("strftime(ts, '%Y-%m-%dT%H:%M:%S.%fZ')", 0),
    ("strftime(ts, '%Y-%m-%d %H:%M:%S')", 0),
    ("epoch_us(ts)::varchar", 0),
    ("strftime(ts, '%Y-%m-%d %H:%M:%S') || if(n = 3, ' o''clock', '')", 1),
]


@pytest.mark.parametrize(
    ("written", "bad_times"),
    [
        ("ts", 0),
        ("timezone('UTC', ts)", 0),
        ("epoch_ms(ts)", 0),
        ("epoch_ns(ts)", 0),
        ("if(n = 3, 'nan'::double, epoch(ts))", 1),
        ("strftime(ts + interval 2 hour, '%Y-%m-%d %H:%M:%S.%f') || '+02:00'", 0),
        ("epoch(ts)::varchar", 0),
        ("['10:00:00', '1890-01-01', 'soon', '', '2026-04-20 00:00:00'][n]", 4),
        ("strftime(ts, '%Y-%m-%d %H:%M:%S') || if(n = 3, ' BST', ' UTC')", 1),
        *(pytest.param(*each, marks=pytest.mark.long) for each in OTHER_TIMES),
    ],
)
def test_times_are_read_however_they_are_written(remote: str, tmp_path: Path, written: str, bad_times: int) -> None:
    times = "['2026-04-19 00:04:59', '2026-04-19 00:05:00', '2026-04-26 00:04:59', '2026-04-26 00:05:00'"
    times += ", '2026-04-20 00:00:00']"
    rows = f"from (select n, {times}[n]::timestamp as ts from range(1, 6) as t(n))"
    orders = write(
        tmp_path / "orders.parquet",
        f"""select {written} as ts, 'BTCUSDT' as symbol, true as maker_started, true as maker_filled,
            false as fallback_used, n::double as slippage_bps {rows}""",
    )
    by_duckdb, by_spark = run(plan_of(orders)), run(on_spark(plan_of(orders), remote))
    assert by_spark.decisions == by_duckdb.decisions
    assert rejects_of(by_spark) == rejects_of(by_duckdb)
    assert rejects_of(by_spark).get(("orders", "bad_time"), 0) == bad_times
    assert by_spark.event_count == {0: 3, 1: 2, 4: 1}[bad_times]


def test_orders_of_which_none_can_be_read_stop_the_run_on_both_engines(remote: str, tmp_path: Path) -> None:
    orders = write(
        tmp_path / "orders.parquet",
        """select '22.11.2026 10:00:00' as ts, 'BADUSDT' as symbol, true as maker_started, false as maker_filled,
            true as fallback_used, 1.0::double as slippage_bps from range(100)""",
    )
    for plan in (plan_of(orders), on_spark(plan_of(orders), remote)):
        with pytest.raises(SourceError, match=f"100 bad_time, as {orders}"):
            run(plan)


def test_columns_of_other_names_and_number_types_are_read_from_several_files(remote: str, tmp_path: Path) -> None:
    row = "timestamp '2026-04-20 10:00:00' as \"fill time\", true as maker_started, true as maker_filled"
    row += ", false as fallback_used, 2 as cost, 7::smallint as order_id"
    write(tmp_path / "a.parquet", f"select {row}, 'BTCUSDT' as symbol")
    write(tmp_path / "b.parquet", f"select 'ETHUSDT' as symbol, {row}, 1.5::decimal(9, 2) as notional")
    plan = plan_of(str(tmp_path / "*.parquet"), ts="fill time", slippage_bps="cost")
    by_duckdb, by_spark = run(plan), run(on_spark(plan, remote))
    assert [evidence.effectiveness.slip_q50 for evidence, _ in by_spark.decisions] == [2.0, 2.0]
    assert by_spark.decisions == by_duckdb.decisions
    assert by_spark.sources == by_duckdb.sources == '{"orders":{"files":2,"format":"parquet","kind":"canonical"}}'


def test_a_source_whose_columns_do_not_fit_is_refused_by_name(plan: Plan, remote: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.parquet", "select 1 as order_id, 'BTCUSDT' as symbol, 'x' as slippage_bps")
    with pytest.raises(SourceError, match=r"no column 'ts', 'maker_started', .* it has order_id, symbol, slippage_bps"):
        run(on_spark(plan_of(path), remote))
    with pytest.raises(SourceError, match=r"orders.columns: 'price' is not a canonical column"):
        run(on_spark(plan_of(path, price="symbol"), remote))
    every = dict.fromkeys(("maker_started", "maker_filled", "fallback_used"), "flag") | {"ts": "order_id"}
    path = write(tmp_path / "orders.parquet", "select 1 as order_id, 'A' as symbol, true as flag, 'x' as slippage_bps")
    with pytest.raises(
        SourceError, match=r"'slippage_bps' of .*orders.parquet is string, but slippage_bps must be double"
    ):
        run(on_spark(plan_of(path, deduplicate=None, **every), remote))
    with pytest.raises(SourceError, match=r"candles: .*orders.parquet has no column 'ts'"):
        run(on_spark(plan_of(str(plan.orders.location.path), path), remote))


def test_files_that_are_not_there_or_no_parquet_are_refused_by_name(plan: Plan, remote: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"orders.path: .*nothing\*.parquet"):
        run(on_spark(plan_of(f"{tmp_path}/nothing*.parquet"), remote))
    (tmp_path / "text.parquet").write_text("no Parquet at all")
    with pytest.raises(SourceError, match=r"candles.path: Spark cannot read .*text.parquet as Parquet: "):
        run(on_spark(plan_of(str(plan.orders.location.path), f"{tmp_path}/text.parquet"), remote))


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path="log*.jsonl")), 'orders.kind is "order-log"'),
        (OrdersSource(kind=OrdersKind.CANONICAL, location=Location(path="o*.csv.gz")), r"orders.path is o\*.csv.gz"),
        (
            OrdersSource(kind=OrdersKind.CANONICAL, location=Location(url="sqlite:///x", query="select 1")),
            "orders is a query",
        ),
        (
            OrdersSource(kind=OrdersKind.FREQTRADE, location=Location(url="sqlite:///x")),
            'orders.kind is "freqtrade"',
        ),
        (
            OrdersSource(
                kind=OrdersKind.CANONICAL,
                location=Location(path="o*.parquet"),
                symbols=SymbolSpelling(style=SymbolStyle.COMPACT),
            ),
            "orders.symbols spells symbols anew",
        ),
    ],
)
def test_what_spark_does_not_read_is_refused_with_the_way_out(orders: OrdersSource, message: str) -> None:
    plan = on_spark(replace(plan_of("unused"), orders=orders), "sc://127.0.0.1:1")
    with pytest.raises(SourceError, match=message + r".*set \[engine\] kind = \"duckdb\""):
        measure(plan, WINDOW, {})


def test_a_server_that_does_not_answer_is_named_soon_and_without_its_token(plan: Plan) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"sc://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(EngineError, match=f"no Spark Connect server can be used at {address} ") as caught:
            measure(on_spark(plan, f"{address}/;x-secret=hidden"), WINDOW, {})
    assert "hidden" not in str(caught.value)
    assert "start it, or correct" in str(caught.value)


@pytest.mark.parametrize(
    ("remote", "message"), [(None, 'remote = "sc://host:15002"'), ("http://spark:15002", "write it as sc://host:port")]
)
def test_a_remote_that_is_no_address_is_refused(plan: Plan, remote: str | None, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        measure(on_spark(plan, remote), WINDOW, {})


def test_a_missing_extra_is_said_with_the_command_that_installs_it(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(EngineError, match=r'pip install "\.\[spark\]"'):
        measure(on_spark(plan, "sc://127.0.0.1:1"), WINDOW, {})
