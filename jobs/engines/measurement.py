"""What an engine gives back: the evidence of every symbol that was seen, and the account of what was not used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobs.engines.streaks import StreakMeasurement
from jobs.sources.errors import SourceError
from policy import Effectiveness, Evidence, Expectancy, Volatility
from policy.numbers import round_metric
from policy.spread import SquaredHalfSpread, is_one_tick, tick_size
from policy.window import Window
from storage.records import Reject

# A row that was rejected for one of these says nothing that could be read; all others were read and rightly left out.
_UNREADABLE = frozenset({"not_json", "bad_row", "bad_time", "bad_symbol", "bad_value", "not_finite", "unknown_fill"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The evidence by symbol, of every symbol that has an outcome or a candle, and how the sources looked.

    `streaks` has the order of events for each rule set that asks for it, by its name; `is_one_tick` the symbols whose
    candles show how wide the spread is.
    """

    evidence: Mapping[str, Evidence]
    traded_symbols: frozenset[str]
    rejects: tuple[Reject, ...]
    engine: str
    sources: Mapping[str, object]
    streaks: Mapping[str, StreakMeasurement] = field(default_factory=dict)
    is_one_tick: Mapping[str, bool] = field(default_factory=dict)

    @property
    def event_count(self) -> int:
        """How many order outcomes the figures stand on."""
        return sum(evidence.effectiveness.outcome_count for evidence in self.evidence.values())

    def require_readable_orders(self) -> None:
        """Raise SourceError where no order gives an outcome while rows were rejected as unreadable.

        What cannot be read must not be taken for a quiet week, in which every lock would be lifted.
        """
        unreadable = [one for one in self.rejects if one.source == "orders" and one.reason in _UNREADABLE]
        if self.event_count or not unreadable:
            return
        found = "; ".join(f"{one.reject_count} {one.reason}, as {one.sample}" for one in unreadable)
        raise SourceError(
            "orders: not one order of the window gives an outcome, and these rows cannot be read: "
            f"{found}. Correct what writes them, or [orders], and remove those that are beyond repair; "
            "the last policies stay until then"
        )


Rows = Iterable[Mapping[str, Any]]


def gather(effectiveness: Rows, volatility: Rows, expectancy: Rows, window: Window) -> dict[str, Evidence]:
    """Join the rows of the three metric queries by symbol; every figure is rounded here, once for all engines."""
    by_effectiveness = {row["symbol"]: _effectiveness(row) for row in effectiveness}
    by_volatility = {row["symbol"]: _volatility(row, window) for row in volatility}
    by_expectancy = {row["symbol"]: _expectancy(row) for row in expectancy}
    return {
        symbol: Evidence(
            symbol=symbol,
            effectiveness=by_effectiveness.get(symbol, Effectiveness()),
            volatility=by_volatility.get(symbol, Volatility()),
            expectancy=by_expectancy.get(symbol, Expectancy()),
        )
        for symbol in by_effectiveness.keys() | by_volatility.keys()
    }


def one_tick_markets(price_grid: Rows, half_spread: Rows) -> dict[str, bool]:
    """Join the rows of the two queries by symbol: whether the spread is one tick, without those that do not show it."""
    steps: dict[str, dict[int, int]] = {}
    units_per_price: dict[str, float] = {}
    for row in price_grid:
        steps.setdefault(row["symbol"], {})[row["step"]] = row["step_count"]
        units_per_price[row["symbol"]] = row["units_per_price"]
    found = {}
    for row in half_spread:
        symbol = row["symbol"]
        tick = tick_size(steps.get(symbol, {}), units_per_price.get(symbol, 1.0))
        tick_bps = round_metric(tick / row["last_close"] * 10_000) if tick is not None else None
        found[symbol] = is_one_tick(tick_bps, _half_spread(row))
    return {symbol: told for symbol, told in found.items() if told is not None}


def _half_spread(row: Mapping[str, Any]) -> SquaredHalfSpread:
    return SquaredHalfSpread(
        estimate=round_metric(row["squared_bps"]) or 0.0,
        deviation=round_metric(row["squared_bps_deviation"]),
        pair_count=row["pair_count"],
    )


def _effectiveness(row: Mapping[str, Any]) -> Effectiveness:
    return Effectiveness(
        maker_fill_ratio=round_metric(row["maker_fill_ratio"]),
        fallback_ratio=round_metric(row["fallback_ratio"]),
        slip_q25=round_metric(row["slip_q25"]),
        slip_q50=round_metric(row["slip_q50"]),
        slip_q75=round_metric(row["slip_q75"]),
        outcome_count=row["outcome_count"],
        maker_started_count=row["maker_started_count"],
        slippage_count=row["slippage_count"],
    )


def _volatility(row: Mapping[str, Any], window: Window) -> Volatility:
    opened: datetime = row["last_bar_open"]
    return Volatility(
        atr_short_pct=round_metric(row["atr_short_pct"]),
        atr_long_pct=round_metric(row["atr_long_pct"]),
        atr_ratio=round_metric(row["atr_ratio"]),
        bar_count=row["bar_count"],
        bar_age_seconds=round_metric((window.last_bar_open - opened.replace(tzinfo=UTC)).total_seconds()),
    )


def _expectancy(row: Mapping[str, Any]) -> Expectancy:
    return Expectancy(expectancy=round_metric(row["expectancy"]), expectancy_count=row["expectancy_count"])
