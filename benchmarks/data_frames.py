"""The same work in pandas and in Polars, written as their users would: all of a run except its decisions and its store.

Every figure and every count is compared with the run's. In pandas a null and NaN are one, which these rows do not need.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import polars as pl

from benchmarks import bare, ours
from benchmarks.data import AS_OF, BAR_INTERVAL, Data
from benchmarks.figure import Figure, alternate, ratio, seconds_of
from jobs.engines.measure import measure
from jobs.plan import OrdersKind
from policy.window import OUTCOME_WINDOW

REPETITIONS = 5
PANDAS_TARGET = 5
POLARS_TARGET = 2

REASONS = ("not_finite", "sentinel_slippage", "contradictory", "unknown_fill")

_QUARTILES = [0.25, 0.5, 0.75]
_COLUMNS = [
    *("ts", "symbol", "maker_started", "maker_filled", "fallback_used", "slippage_bps", "notional", "realized_pnl"),
]
_END = AS_OF.replace(tzinfo=None)
_START = _END - OUTCOME_WINDOW
_LAST_BAR = _END - BAR_INTERVAL
_FIRST_BAR = _END - BAR_INTERVAL * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Figures by symbol: maker fill ratio, fallback ratio, quartiles, ATR ratio, expectancy; and rejects by reason."""

    figures: dict[str, tuple[float | None, ...]]
    rejects: dict[str, int]


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time both against a committed run. Raises AssertionError if the figures of either differ from the run's."""
    expected = _measured(data)
    for work in (_with_pandas, _with_polars):
        _check(work(data), expected)
    seconds = alternate(
        {
            "run": partial(ours.run, data.orders, OrdersKind.CANONICAL, data),
            "pandas": partial(seconds_of, partial(_with_pandas, data)),
            "Polars": partial(seconds_of, partial(_with_polars, data)),
        },
        repetitions,
    )
    how = "the same Parquet, the same rejects and figures, all checked, against the whole committed run"
    return [
        ratio(f"pandas {pd.__version__} / full run", seconds, "pandas", "run", PANDAS_TARGET, how, at_least=True),
        ratio(f"Polars {pl.__version__} / full run", seconds, "Polars", "run", POLARS_TARGET, how, at_least=True),
    ]


def _with_pandas(data: Data) -> Answer:
    rows = pd.read_parquet(data.orders, columns=_COLUMNS)
    rows = rows[(rows["ts"] >= _START) & (rows["ts"] < _END)]
    reasons = _reasons_with_pandas(rows)
    rejects = reasons.value_counts()
    rows = rows[reasons.isna()]
    by_symbol = rows.groupby("symbol")
    ratios = rows[rows["maker_started"]].groupby("symbol")[["maker_filled", "fallback_used"]].mean()
    figures = ratios.join(by_symbol["slippage_bps"].quantile(_QUARTILES).unstack())
    figures = figures.join(_atr_with_pandas(pd.read_parquet(data.candles))).join(_expectancy_with_pandas(rows))
    return Answer(
        figures={row[0]: row[1:] for row in figures.itertuples(name=None)},
        rejects={str(reason): int(count) for reason, count in rejects.items() if count},
    )


def _reasons_with_pandas(rows: pd.DataFrame) -> pd.Series:
    started, filled, fell_back = (rows[name] for name in ("maker_started", "maker_filled", "fallback_used"))
    size = rows["slippage_bps"].abs()
    numbers = rows[["slippage_bps", "notional", "realized_pnl"]]
    tests = [
        np.isinf(numbers).any(axis=1),
        size >= 10_000,
        (filled & fell_back) | (~started & (filled | fell_back)),
        started & (filled | fell_back).isna(),
    ]
    codes = np.select(tests, range(len(tests)), default=-1)
    return pd.Series(pd.Categorical.from_codes(codes, REASONS), index=rows.index)


def _expectancy_with_pandas(rows: pd.DataFrame) -> pd.Series:
    closed = rows[(rows["ts"].dt.hour == _END.hour) & rows["realized_pnl"].notna() & rows["notional"].notna()]
    sums = closed.groupby("symbol")[["realized_pnl", "notional"]].sum()
    return (sums["realized_pnl"] / sums["notional"]).rename("expectancy")


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
    rows = rows.with_columns(reason=_reason_with_polars())
    good = rows.filter(pl.col("reason").is_null())
    figures = good.group_by("symbol").agg(
        pl.col("maker_filled").filter("maker_started").mean(),
        pl.col("fallback_used").filter("maker_started").mean(),
        *(slippage.quantile(q, interpolation="linear").alias(f"q{q}") for q in _QUARTILES),
    )
    figures = figures.join(_atr_with_polars(pl.scan_parquet(data.candles)), on="symbol")
    figures = figures.join(_expectancy_with_polars(good), on="symbol")
    rejects = rows.filter(pl.col("reason").is_not_null()).group_by("reason").len()
    figure_rows, reject_rows = pl.collect_all([figures, rejects])
    return Answer(figures={row[0]: row[1:] for row in figure_rows.iter_rows()}, rejects=dict(reject_rows.iter_rows()))


def _reason_with_polars() -> pl.Expr:
    started, filled, fell_back = (pl.col(name) for name in ("maker_started", "maker_filled", "fallback_used"))
    numbers = [pl.col(name) for name in ("slippage_bps", "notional", "realized_pnl")]
    tests = [
        pl.any_horizontal(~number.is_finite() for number in numbers),
        pl.col("slippage_bps").abs() >= 10_000,
        (filled & fell_back) | (~started & (filled | fell_back)),
        started & (filled | fell_back).is_null(),
    ]
    return pl.coalesce(pl.when(test).then(pl.lit(reason)) for test, reason in zip(tests, REASONS, strict=True))


def _expectancy_with_polars(rows: pl.LazyFrame) -> pl.LazyFrame:
    pnl, notional = pl.col("realized_pnl"), pl.col("notional")
    closed = rows.filter(pl.col("ts").dt.hour() == _END.hour, pnl.is_not_null(), notional.is_not_null())
    return closed.group_by("symbol").agg(expectancy=pnl.sum() / notional.sum())


def _atr_with_polars(bars: pl.LazyFrame) -> pl.LazyFrame:
    high, low, before = pl.col("high"), pl.col("low"), pl.col("close").shift().over("symbol")
    ranges = pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs())
    window = bars.filter(pl.col("ts") >= _FIRST_BAR, pl.col("ts") <= _LAST_BAR).sort("symbol", "ts")
    short, long = (pl.col("true_range").tail(n).mean() for n in (50, 500))
    return window.with_columns(true_range=ranges).group_by("symbol").agg(atr_ratio=short / long)


def _measured(data: Data) -> Answer:
    """Return the figures and rejects of the run."""
    measurement = measure(ours.plan(data.orders, OrdersKind.CANONICAL, data), bare.WINDOW, {})
    return Answer(
        figures={
            symbol: (
                evidence.effectiveness.maker_fill_ratio,
                evidence.effectiveness.fallback_ratio,
                evidence.effectiveness.slip_q25,
                evidence.effectiveness.slip_q50,
                evidence.effectiveness.slip_q75,
                evidence.volatility.atr_ratio,
                evidence.expectancy.expectancy,
            )
            for symbol, evidence in measurement.evidence.items()
        },
        rejects={reject.reason: reject.reject_count for reject in measurement.rejects},
    )


def _check(answer: Answer, expected: Answer) -> None:
    """Compare every figure to the nine decimals that a run keeps."""
    assert answer.rejects == expected.rejects, answer.rejects
    assert answer.figures.keys() == expected.figures.keys()
    for symbol, figures in expected.figures.items():
        pairs = zip(answer.figures[symbol], figures, strict=True)
        assert all(a is not None and b is not None and abs(a - b) < 1e-9 for a, b in pairs), symbol
