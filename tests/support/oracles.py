"""The figures of design and specification worked out the slow way, in plain Python, row by row."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from policy import Effectiveness, Evidence, Expectancy, Volatility

Row = Mapping[str, object]
Bar = tuple[datetime, float, float, float]


def quantile(values: Iterable[float], share: float) -> float | None:
    """The value below which that share of the values lies, on the straight line between its two neighbours."""
    ordered = sorted(values)
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def effectiveness(outcomes: Iterable[Row]) -> Effectiveness:
    """Ratios and quartiles over outcomes of one symbol that are in the window."""
    rows = list(outcomes)
    started = [row for row in rows if row["maker_started"]]
    slippages = [float(str(row["slippage_bps"])) for row in rows if row["slippage_bps"] is not None]
    return Effectiveness(
        maker_fill_ratio=_share(started, "maker_filled"),
        fallback_ratio=_share(started, "fallback_used"),
        slip_q25=quantile(slippages, 0.25),
        slip_q50=quantile(slippages, 0.5),
        slip_q75=quantile(slippages, 0.75),
        outcome_count=len(rows),
        maker_started_count=len(started),
        slippage_count=len(slippages),
        survivor_count=sum(1 for row in started if row["survivor"]) or None,
    )


def _share(rows: Sequence[Row], flag: str) -> float | None:
    return sum(1 for row in rows if row[flag]) / len(rows) if rows else None


def expectancy(outcomes: Iterable[Row], hour: int) -> Expectancy:
    """Profit per unit of notional over outcomes of one symbol that closed something in that hour of the day."""
    closed = [
        (float(str(row["realized_pnl"])), float(str(row["notional"])))
        for row in outcomes
        if _moment(row).hour == hour and row["realized_pnl"] is not None and row["notional"] is not None
    ]
    notional = math.fsum(notional for _, notional in closed)
    return Expectancy(
        expectancy=math.fsum(pnl for pnl, _ in closed) / notional if notional else None, expectancy_count=len(closed)
    )


def evidence(outcomes: Iterable[Row], symbol: str, as_of: datetime) -> Evidence:
    """What the outcomes of the seven days before `as_of` say about a symbol; without candles."""
    rows = [row for row in outcomes if row["symbol"] == symbol and as_of - timedelta(days=7) <= _moment(row) < as_of]
    return Evidence(symbol=symbol, effectiveness=effectiveness(rows), expectancy=expectancy(rows, as_of.hour))


def volatility(bars: Iterable[Bar], as_of: datetime, interval: timedelta) -> Volatility:
    """Mean true ranges of one symbol's bars (open time, high, low, close), of those that had closed by `as_of`."""
    closed = sorted(bar for bar in bars if as_of - 1000 * interval <= bar[0] <= as_of - interval)
    if not closed:
        return Volatility()
    ranges = []
    previous: float | None = None
    for _, high, low, close in closed:
        reach = [high - low] if previous is None else [high - low, abs(high - previous), abs(low - previous)]
        ranges.append(max(reach))
        previous = close
    last_open, *_, last_close = closed[-1]
    count = min(len(ranges), 500)
    short = math.fsum(ranges[-50:]) / 50 if count >= 50 else None
    long = math.fsum(ranges[-500:]) / 500 if count >= 500 else None
    return Volatility(
        atr_short_pct=None if short is None else short / last_close * 100,
        atr_long_pct=None if long is None else long / last_close * 100,
        atr_ratio=None if short is None or long is None or long == 0 else short / long,
        bar_count=count,
        bar_age_seconds=(as_of - interval - last_open).total_seconds(),
    )


def assert_close(measured: object, expected: object) -> None:
    """Fail unless two value objects have the same figures, to one unit of the ninth decimal."""
    for name in getattr(type(expected), "__slots__"):  # noqa: B009 - mypy knows no slots of an object
        seen, worked_out = getattr(measured, name), getattr(expected, name)
        if isinstance(worked_out, float):
            assert seen == pytest.approx(worked_out, abs=1.1e-9, rel=1e-12), name
        elif hasattr(worked_out, "__slots__"):
            assert_close(seen, worked_out)
        else:
            assert seen == worked_out, name


def _moment(row: Row) -> datetime:
    at = row["ts"]
    assert isinstance(at, datetime)
    return at
