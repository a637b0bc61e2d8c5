"""The user's own data: candles as markets, and the order log as a profile of how each symbol is traded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from typing import Any

import duckdb
import numpy as np

from jobs.backtest.errors import BacktestError
from jobs.backtest.fill_evidence import RestedOrders
from jobs.backtest.market import Bars, Market
from jobs.backtest.orders import Profile
from jobs.engines import duckdb_tables as tables
from jobs.engines.duckdb_candles import mark_duplicate_bars
from jobs.engines.duckdb_session import duckdb_session
from jobs.engines.measurement import market_ticks, one_tick_markets
from jobs.engines.rejected_orders import REJECT_PREFIX
from jobs.plan import CandlesSource, OrdersSource
from jobs.sources.blocks import TimeRange
from jobs.sources.candles import read_candles
from jobs.sources.orders import read_orders
from policy import metrics
from policy.window import Window

_SMALLEST_STEP = 1e-9  # of the price, if the prices show no grid
_DAY_SECONDS = 86400
_CANDLES = """
    create temp table candle_event as
    select symbol, ts, high, low, close, file, reason from ({rows})
    where reason is null and ts >= $since and ts < $until
"""
_BARS = """
    select epoch_us(ts) // 1000000 as open_seconds, high, low, close from candle
    where symbol = $symbol order by ts
"""
_LOG = """
    select
        symbol,
        case upper(side) when 'BUY' then 1 when 'SELL' then -1 else 0 end as side,
        coalesce(notional, avg(notional) over (partition by symbol)) as notional,
        (max(epoch_us(ts)) over () - min(epoch_us(ts)) over ()) / 1e6 as log_seconds
    from order_outcome
    where not starts_with(symbol, $reject_prefix) and ts >= $since and ts < $until
    order by symbol, ts, side, notional
"""
_RESTED = """
    select
        symbol,
        case upper(side) when 'BUY' then 1 else -1 end as side,
        maker_price as price,
        epoch_us(maker_from) / 1e6 as from_seconds,
        epoch_us(maker_until) / 1e6 as until_seconds,
        maker_filled as is_filled
    from order_outcome
    where not starts_with(symbol, $reject_prefix) and ts >= $since and ts < $until
        and maker_started and maker_price > 0 and maker_from is not null and maker_until is not null
        and maker_filled is not null and upper(side) in ('BUY', 'SELL')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOrders:
    """What the log tells a backtest, by symbol: how each is traded, and its maker orders with price and times."""

    profiles: Mapping[str, Profile]
    rested: Mapping[str, RestedOrders]


def read_markets(source: CandlesSource, since: datetime, until: datetime) -> dict[str, Market]:
    """Read every symbol's bars that open in `since <= ts < until`, by symbol; bad and duplicate ones are left out.

    Raises SourceError if there is nothing to read, EngineError if DuckDB fails, BacktestError if no bar opens in that
    time.
    """
    window = Window(as_of=until, bar_interval=source.interval, outcome_window=until - since)
    with duckdb_session() as (connection, folder):
        rows = read_candles(connection, source, window, folder).rows
        connection.execute(_CANDLES.format(rows=rows), _bounds(since, until))
        mark_duplicate_bars(connection)
        connection.execute("create temp view candle as select * from candle_event where reason is null")
        markets = _markets(connection, source)
    if not markets:
        span = f"from {since.isoformat()} on and before {until.isoformat()}"
        raise BacktestError(f"no candle opens {span}; give an earlier --since")
    return markets


def read_log(source: OrdersSource, since: datetime, until: datetime) -> LoggedOrders:
    """Read the log's outcomes of `since <= ts < until`.

    Orders per day are over the time from the first to the last of these outcomes of any symbol, at least a day. Raises
    as `read_markets` does.
    """
    window = Window(as_of=until, outcome_window=until - since)
    parameters = {**_bounds(since, until), "reject_prefix": REJECT_PREFIX}
    with duckdb_session() as (connection, folder):
        orders = read_orders(connection, source, window, folder, TimeRange.of(window))
        tables.load_orders(connection, orders, source, window)
        columns = connection.execute(_LOG, parameters).fetchnumpy()
        rested = connection.execute(_RESTED, parameters).fetchnumpy()
    if len(columns["symbol"]) == 0:
        raise BacktestError("the order log has no usable outcome of that time; give --orders-per-day instead")
    days = max(1.0, float(columns["log_seconds"][0]) / _DAY_SECONDS)
    return LoggedOrders(
        profiles={symbol: _profile(columns, symbol, days) for symbol in _symbols(columns)},
        rested={symbol: _rested(rested, symbol) for symbol in _symbols(rested)},
    )


def _symbols(columns: Mapping[str, Any]) -> list[str]:
    symbols: list[str] = np.unique(columns["symbol"].astype(str)).tolist()
    return symbols


def _rested(columns: Mapping[str, Any], symbol: str) -> RestedOrders:
    is_symbol = columns["symbol"] == symbol
    return RestedOrders(**{name: np.asarray(columns[name])[is_symbol] for name in columns if name != "symbol"})


def _profile(columns: Mapping[str, Any], symbol: str, days: float) -> Profile:
    is_symbol = columns["symbol"] == symbol
    return Profile(
        orders_per_day=float(is_symbol.sum()) / days,
        sides=np.asarray(columns["side"][is_symbol], dtype=np.int64),
        notionals=np.ma.filled(columns["notional"][is_symbol].astype(np.float64), np.nan),
    )


def _markets(connection: duckdb.DuckDBPyConnection, source: CandlesSource) -> dict[str, Market]:
    always = {"first_bar_open": datetime(1, 1, 1), "last_bar_open": datetime(9999, 1, 1)}  # noqa: DTZ001 - as the column
    grid = tables.metric_rows(connection, metrics.PRICE_GRID, {**always, "first_priced_open": always["first_bar_open"]})
    spread = tables.metric_rows(connection, metrics.HALF_SPREAD, {**always})
    is_one_tick, ticks = one_tick_markets(grid, spread), market_ticks(grid)
    by_symbol = {str(row["symbol"]): row for row in spread}
    return {
        symbol: Market(
            symbol=symbol,
            bars=_bars(connection, source, symbol),
            tick=ticks.get(symbol) or by_symbol[symbol]["last_close"] * _SMALLEST_STEP,
            half_spread_bps=None if is_one_tick.get(symbol, True) else sqrt(by_symbol[symbol]["squared_bps"]),
            is_one_tick=is_one_tick.get(symbol),
        )
        for symbol in sorted(by_symbol)
    }


def _bars(connection: duckdb.DuckDBPyConnection, source: CandlesSource, symbol: str) -> Bars:
    columns = connection.execute(_BARS, {"symbol": symbol}).fetchnumpy()
    high, low, close = (np.asarray(columns[name], dtype=np.float64) for name in ("high", "low", "close"))
    opens = np.asarray(columns["open_seconds"], dtype=np.int64)
    return Bars(interval=source.interval, open_seconds=opens, high=high, low=low, close=close)


def _bounds(since: datetime, until: datetime) -> dict[str, object]:
    return {name: at.astimezone(UTC).replace(tzinfo=None) for name, at in (("since", since), ("until", until))}
