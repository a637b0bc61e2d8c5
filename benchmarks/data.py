"""The test data of the benchmarks: made once by DuckDB from row numbers, the same on every machine."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

AS_OF = datetime(2026, 4, 26, tzinfo=UTC)
OUTCOMES = 10_000_000
LINES = 1_000_000
SYMBOLS = 1_000
SHORT_LINES = 100_000
FEW_SYMBOLS = 24
MANY_SYMBOLS = 10_000
BARS = 501
BAR_INTERVAL = timedelta(minutes=15)
_VERSION = 1  # part of the folder's name: raise it when what is made changes

# Pseudo-random and different for every word: a number of [0, 1) and one of the standard normal distribution.
_MACROS = """
    create temp macro uniform(i, word) as (hash(i, word) >> 11) / 9007199254740992.0;
    create temp macro normal(i, word) as (
        sqrt(-2 * ln(1 - uniform(i, word))) * cos(2 * pi() * uniform(i, word || '_angle'))
    );
    create temp macro symbol_name(i) as format('S{:04d}USDT', i);
"""

# By time over the seven days before AS_OF. One of 10,000 rows is rejected, for one of two reasons.
_OUTCOMES = f"""
    with drawn as (
        select
            i,
            hash(i, 'symbol') % {{symbols}} as symbol_number,
            uniform(i, 'started') < 0.85 as maker_started,
            uniform(i, 'filled') < 0.6 + 0.3 * uniform(symbol_number, 'skill') as is_filled
        from range({{rows}}) as numbers(i)
    )
    select
        format('sig_{{{{:010d}}}}', i) as order_id,
        timestamp '{AS_OF:%Y-%m-%d}' - interval 7 day + to_microseconds(i * (604800000000 // {{rows}})) as ts,
        symbol_name(symbol_number) as symbol,
        case when hash(i, 'side') % 2 = 0 then 'BUY' else 'SELL' end as side,
        maker_started,
        maker_started and is_filled as maker_filled,
        maker_started and (not is_filled or i % 20000 = 7) as fallback_used,
        case
            when i % 20000 = 9 then 10000.0
            when uniform(i, 'missed') > 0.01 then normal(i, 'slippage') * 3 + case when is_filled then -0.5 else 2 end
        end as slippage_bps,
        round(50 + 1000 * uniform(i, 'notional'), 2) as notional,
        case when uniform(i, 'closes') < 0.5 then round(normal(i, 'pnl'), 4) end as realized_pnl
    from drawn
    order by i
"""

_CANDLES = f"""
    select
        symbol_name(s) as symbol,
        timestamp '{AS_OF:%Y-%m-%d}' - b * interval 15 minute as ts,
        price as open,
        price * (1 + 0.003 * uniform(number, 'high')) as high,
        price * (1 - 0.003 * uniform(number, 'low')) as low,
        price * (1 + 0.003 * uniform(number, 'high') * (uniform(number, 'close') - 0.5)) as close
    from (
        select s, b, s * {BARS} + b as number, 100 * (1 + 0.01 * sin(s + b / 40)) as price
        from range({{symbols}}) as symbols(s), range(1, {BARS} + 1) as bars(b)
    )
    order by b desc, s
"""

# The log of a maker-first bot, with the keys that it has; every twentieth line is not an order but the close after one.
_ORDER_LOG = """
    select case
        when i % 20 = 19 then json_object(
            'ts', epoch(ts), 'intent_id', previous_id, 'attempt_id', previous_id, 'symbol', symbol, 'side', side,
            'event', 'position_close', 'pnl_at_close_usd', realized_pnl, 'order_status', 'FILLED'
        )
        else json_object(
            'attempt_id', order_id, 'venue', 'binance_futures', 'route', 'maker_first',
            'prices', {mark: 100.0, submitted: 100.0, avg_fill: 100 + coalesce(slippage_bps, 0) / 100},
            'qty', {contracts: 1.0, notional_usd: notional},
            'timing_ms', {decision: null, submit: null, ack: 150.0, fill: 0.0},
            'result', {status: 'FILLED', retries: 0, cancelled: false},
            'fees_usd', round(notional / 5000, 6), 'slippage_bps', slippage_bps, 'ack_latency_ms', 150.0,
            'maker_start', maker_started, 'is_maker_final', maker_filled, 'used_fallback', fallback_used,
            'policy', {maker_first: true, taker_bias: null, quality: null, reason: null, offset_bps: null},
            'autotune_applied', false, 'policy_before', null, 'policy_after', null, 'decision', null,
            'execution_style', 'single', 'intent_id', order_id, 'symbol', symbol, 'side', side, 'ts', epoch(ts)
        )
    end
    from (select *, row_number() over () - 1 as i, lag(order_id) over () as previous_id from ({outcomes}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The files: outcomes as Parquet, fewer of them as lines in two layouts, and candles.

    `short_log` is an order log of few symbols, as a bot has it, the files `of_many` are of many symbols.
    """

    orders: Path
    canonical_lines: Path
    order_log: Path
    short_log: Path
    candles: Path
    orders_of_many: Path
    candles_of_many: Path


def make() -> Data:
    """Make the missing files (a minute, 1.2 GB in the folder for temporary files) and return their paths."""
    folder = Path(tempfile.gettempdir()) / f"router-policy-benchmarks-{_VERSION}"
    folder.mkdir(exist_ok=True)
    data = Data(
        orders=folder / "orders.parquet",
        canonical_lines=folder / "canonical.jsonl",
        order_log=folder / "order_metrics.jsonl",
        short_log=folder / "short_order_metrics.jsonl",
        candles=folder / "candles.parquet",
        orders_of_many=folder / "orders-of-many.parquet",
        candles_of_many=folder / "candles-of-many.parquet",
    )
    lines = _OUTCOMES.format(rows=LINES, symbols=SYMBOLS)
    few_lines = _OUTCOMES.format(rows=SHORT_LINES, symbols=FEW_SYMBOLS)
    as_text = "format csv, header false, quote '', escape '', delimiter '\x01'"
    with duckdb.connect() as connection:
        connection.execute(_MACROS)
        connection.execute("set enable_progress_bar = false")
        _write(connection, data.orders, _OUTCOMES.format(rows=OUTCOMES, symbols=SYMBOLS), "format parquet")
        _write(connection, data.candles, _CANDLES.format(symbols=SYMBOLS), "format parquet")
        many = _OUTCOMES.format(rows=LINES, symbols=MANY_SYMBOLS)
        _write(connection, data.orders_of_many, many, "format parquet")
        _write(connection, data.candles_of_many, _CANDLES.format(symbols=MANY_SYMBOLS), "format parquet")
        _write(connection, data.canonical_lines, lines, "format json")
        _write(connection, data.order_log, _ORDER_LOG.replace("{outcomes}", lines), as_text)
        _write(connection, data.short_log, _ORDER_LOG.replace("{outcomes}", few_lines), as_text)
    return data


def _write(connection: duckdb.DuckDBPyConnection, path: Path, query: str, form: str) -> None:
    """Write a file completely or not at all; an existing file counts as complete."""
    if path.exists():
        return
    part = path.with_suffix(".part")
    connection.execute(f"copy ({query}) to '{part}' ({form})")
    part.rename(path)
