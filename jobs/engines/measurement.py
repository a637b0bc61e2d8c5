"""The result of a measurement: the evidence of every symbol, and the rejected rows counted by reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.engines.engine import MetricRow
from jobs.engines.maker_costs import CostMeasurement
from jobs.engines.streaks import StreakMeasurement
from jobs.sources.errors import SourceError
from jobs.sources.reject_reasons import RejectKind, reject_reason
from policy import Effectiveness, Evidence, Expectancy, Volatility
from policy.numbers import round_metric
from policy.reject import Reject
from policy.spread import SquaredHalfSpread, is_one_tick, tick_size
from policy.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The evidence by symbol, of every symbol that has an outcome or a candle, and a description of the sources.

    `notes` are what the sources cannot tell, a sentence each, which begins with the source's name. `unused_rows` has
    such a sentence for each source most of whose rows are not used.
    `streaks` has the order of events for each rule set that asks for it, by its name, and `costs` what maker orders
    cost. `is_one_tick` has the symbols whose candles show how wide the spread is.
    """

    evidence: Mapping[str, Evidence]
    traded_symbols: frozenset[str]
    rejects: tuple[Reject, ...]
    engine: str
    sources: Mapping[str, Mapping[str, object]]
    notes: tuple[str, ...] = ()
    unused_rows: tuple[str, ...] = ()
    streaks: Mapping[str, StreakMeasurement] = field(default_factory=dict)
    is_one_tick: Mapping[str, bool] = field(default_factory=dict)
    costs: Mapping[str, CostMeasurement] = field(default_factory=dict)

    @property
    def event_count(self) -> int:
        """How many order outcomes were measured."""
        return sum(evidence.effectiveness.outcome_count for evidence in self.evidence.values())

    def require_readable_orders(self) -> None:
        """Raise SourceError if no order gives an outcome and rows were rejected as unreadable.

        A log whose rows cannot be read never counts as a week without orders, in which every lock would be lifted.
        """
        unreadable = [reject for reject in self.rejects if reject.source == "orders" and _is_unreadable(reject)]
        if self.event_count or not unreadable:
            return
        counts = "; ".join(
            f"{reject.reject_count} {reject.reason}, as {reject.sample} ({reject_reason(reject.reason).remedy})"
            for reject in unreadable
        )
        raise SourceError(
            "orders: no order of the window gives an outcome, and these rows cannot be read: "
            f"{counts}. Correct the program that writes them, or [orders], and remove the rows that are beyond repair; "
            "until then the last policies stay"
        )


def _is_unreadable(reject: Reject) -> bool:
    return reject_reason(reject.reason).kind is RejectKind.UNREADABLE


MetricRows = Iterable[MetricRow]


def gather(
    effectiveness: MetricRows, volatility: MetricRows, expectancy: MetricRows, window: Window
) -> dict[str, Evidence]:
    """Join the rows of the three metric queries by symbol; every figure is rounded here, for all engines alike."""
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


def one_tick_markets(price_grid: MetricRows, half_spread: MetricRows) -> dict[str, bool]:
    """Return by symbol whether its spread is one tick, without the symbols whose candles do not show it."""
    ticks = market_ticks(price_grid)
    verdicts = {}
    for row in half_spread:
        symbol = row["symbol"]
        tick = ticks.get(symbol)
        tick_bps = round_metric(tick / row["last_close"] * 10_000) if tick is not None else None
        verdicts[symbol] = is_one_tick(tick_bps, _half_spread(row))
    return {symbol: verdict for symbol, verdict in verdicts.items() if verdict is not None}


def market_ticks(price_grid: MetricRows) -> dict[str, float | None]:
    """Return the tick of each symbol of the price grid, None if its prices show none."""
    return {
        row["symbol"]: tick_size(dict(zip(row["steps"], row["step_counts"], strict=True)), row["units_per_price"])
        for row in price_grid
    }


def _half_spread(row: MetricRow) -> SquaredHalfSpread:
    return SquaredHalfSpread(
        estimate=round_metric(row["squared_bps"]) or 0.0,
        deviation=round_metric(row["squared_bps_deviation"]),
        pair_count=row["pair_count"],
    )


def _effectiveness(row: MetricRow) -> Effectiveness:
    slip_q25, slip_q50, slip_q75 = row["slip_quartiles"] or (None, None, None)
    return Effectiveness(
        maker_fill_ratio=round_metric(row["maker_fill_ratio"]),
        fallback_ratio=round_metric(row["fallback_ratio"]),
        slip_q25=round_metric(slip_q25),
        slip_q50=round_metric(slip_q50),
        slip_q75=round_metric(slip_q75),
        outcome_count=row["outcome_count"],
        maker_started_count=row["maker_started_count"],
        slippage_count=row["slippage_count"],
        survivor_count=row["survivor_count"],
    )


def _volatility(row: MetricRow, window: Window) -> Volatility:
    opened_at: datetime = row["last_bar_open"]
    return Volatility(
        atr_short_pct=round_metric(row["atr_short_pct"]),
        atr_long_pct=round_metric(row["atr_long_pct"]),
        atr_ratio=round_metric(row["atr_ratio"]),
        bar_count=row["bar_count"],
        bar_age_seconds=round_metric((window.last_bar_open - opened_at.replace(tzinfo=UTC)).total_seconds()),
    )


def _expectancy(row: MetricRow) -> Expectancy:
    return Expectancy(expectancy=round_metric(row["expectancy"]), expectancy_count=row["expectancy_count"])
