"""The same work in pandas and in Polars, without an account of rejected rows and without a store."""

import math
from datetime import timedelta
from functools import partial

import pandas as pd  # type: ignore[import-untyped]
import polars as pl

from benchmarks import bare, ours
from benchmarks.data import AS_OF, BAR_INTERVAL, Data
from benchmarks.figure import Figure, alternate, ratio, seconds_of
from jobs.plan import OrdersKind
from policy.window import OUTCOME_WINDOW

REPETITIONS = 3
PANDAS_TARGET = 10
POLARS_TARGET = 1

Answer = dict[str, tuple[float, ...]]  # by symbol: maker fill ratio, fallback ratio, the three quartiles, ATR ratio

_QUARTILES = (0.25, 0.5, 0.75)
_COLUMNS = ["ts", "symbol", "maker_started", "maker_filled", "fallback_used", "slippage_bps"]
_END = AS_OF.replace(tzinfo=None)
_START = _END - OUTCOME_WINDOW
_LAST_BAR = _END - BAR_INTERVAL
_FIRST_BAR = _END - timedelta(minutes=15) * 1000


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time both against a committed run. Raises AssertionError where either gives other figures than DuckDB."""
    _check(_with_pandas(data), data)
    _check(_with_polars(data), data)
    seconds = alternate(
        {
            "run": partial(ours.run, data.orders, OrdersKind.CANONICAL, data),
            "pandas": partial(seconds_of, partial(_with_pandas, data)),
            "Polars": partial(seconds_of, partial(_with_polars, data)),
        },
        repetitions,
    )
    how = "the two queries on the same Parquet, their figures checked, against the whole committed run"
    return [
        ratio(f"pandas {pd.__version__} / full run", seconds, "pandas", "run", PANDAS_TARGET, how, at_least=True),
        ratio(f"Polars {pl.__version__} / full run", seconds, "Polars", "run", POLARS_TARGET, how, at_least=True),
    ]


def _with_pandas(data: Data) -> Answer:
    rows = pd.read_parquet(data.orders, columns=_COLUMNS)
    rows = rows[(rows["ts"] >= _START) & (rows["ts"] < _END)]
    started = rows[rows["maker_started"]].groupby("symbol")[["maker_filled", "fallback_used"]].mean()
    quartiles = rows.groupby("symbol")["slippage_bps"].quantile(list(_QUARTILES)).unstack()
    found = started.join(quartiles).join(_atr_with_pandas(pd.read_parquet(data.candles)))
    return {row[0]: row[1:] for row in found.itertuples(name=None)}


def _atr_with_pandas(bars: pd.DataFrame) -> pd.Series:
    bars = bars[(bars["ts"] >= _FIRST_BAR) & (bars["ts"] <= _LAST_BAR)].sort_values(["symbol", "ts"])
    before = bars.groupby("symbol")["close"].shift()
    ranges = pd.concat(
        [bars["high"] - bars["low"], (bars["high"] - before).abs(), (bars["low"] - before).abs()], axis=1
    ).max(axis=1)
    by_symbol = bars.assign(true_range=ranges).groupby("symbol")["true_range"]
    short, long = (by_symbol.tail(n).groupby(bars["symbol"]).mean() for n in (50, 500))
    return (short / long).rename("atr_ratio")


def _with_polars(data: Data) -> Answer:
    slippage = pl.col("slippage_bps")
    rows = pl.scan_parquet(data.orders).filter(pl.col("ts") >= _START, pl.col("ts") < _END)
    found = rows.group_by("symbol").agg(
        pl.col("maker_filled").filter("maker_started").mean(),
        pl.col("fallback_used").filter("maker_started").mean(),
        *(slippage.quantile(q, interpolation="linear").alias(f"q{q}") for q in _QUARTILES),
    )
    both = found.join(_atr_with_polars(pl.scan_parquet(data.candles)), on="symbol").collect()
    return {row[0]: row[1:] for row in both.iter_rows()}


def _atr_with_polars(bars: pl.LazyFrame) -> pl.LazyFrame:
    high, low, before = pl.col("high"), pl.col("low"), pl.col("close").shift().over("symbol")
    ranges = pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs())
    window = bars.filter(pl.col("ts") >= _FIRST_BAR, pl.col("ts") <= _LAST_BAR).sort("symbol", "ts")
    short, long = (pl.col("true_range").tail(n).mean() for n in (50, 500))
    return window.with_columns(true_range=ranges).group_by("symbol").agg(atr_ratio=short / long)


def _check(answer: Answer, data: Data) -> None:
    effectiveness, volatility = bare.run(f"select * from read_parquet('{data.orders}')", data)
    ratios = {row[0]: row[-1] for row in volatility}
    assert answer.keys() == ratios.keys()
    for symbol, _, _, maker_fill, fallback, _, *quartiles in effectiveness:
        expected = (maker_fill, fallback, *quartiles, ratios[symbol])
        assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(answer[symbol], expected, strict=True)), symbol
