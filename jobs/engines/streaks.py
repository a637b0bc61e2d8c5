"""The order of events as a rule set with state asks for it: what an engine is given, and what it returns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from jobs.engines.engine import Engine, MetricRow, PeriodRow, StateRow, TotalRow, outcome_parameters
from jobs.engines.outage import OutageMeasurement, measure_outage, period_rows
from policy import metrics
from policy.outage_evidence import OutageParameters
from policy.rules import RuleSet, State
from policy.streaks import Streak, Streaks
from policy.window import Window

# By the name of a rule set: what it remembers of each symbol.
States = Mapping[str, Mapping[str, State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakMeasurement:
    """The streak of misses and the streak of rejects by symbol, and the streak of misses of all symbols together.

    `outage` is the evidence of an outage, None if the rule set does not use it.
    """

    own: Mapping[str, tuple[Streak, int]]
    pool: Streak
    outage: OutageMeasurement | None = None

    def streaks(self, symbol: str, as_of: datetime) -> Streaks:
        """Return a symbol's streaks; one without maker orders in the window has none of its own."""
        own, reject_streak = self.own.get(symbol, (Streak(), 0))
        return Streaks(
            as_of=as_of,
            own=own,
            reject_streak=reject_streak,
            pool=self.pool,
            own_outage=self.outage.of(symbol) if self.outage is not None else None,
            pool_outage=self.outage.pool if self.outage is not None else None,
        )


def measure_streaks(
    engine: Engine,
    rule_sets: Sequence[RuleSet],
    states: States,
    window: Window,
    effectiveness: Iterable[MetricRow],
    bar_interval: timedelta | None = None,
) -> dict[str, StreakMeasurement]:
    """Measure the order of events for each rule set, by its name; a query runs once for those that ask the same.

    `order_outcome` is loaded, and `effectiveness` has the rows of its query. `bar_interval` is that of the candles,
    None if there are none.
    """
    if not rule_sets:
        return {}
    uses_bars = any(rules.outage_parameters is not None for rules in rule_sets)
    engine.load_maker_orders(_total_rows(effectiveness), bar_interval if uses_bars else None)
    measured: dict[_Question, StreakMeasurement] = {}
    by_rule_set = {}
    for rules in rule_sets:
        question = _question(rules, states.get(rules.name, {}), window)
        if question not in measured:
            measured[question] = _measure(engine, question, window)
        by_rule_set[rules.name] = measured[question]
    return by_rule_set


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """All that a measurement depends on beside the orders; without `outage` the evidence of an outage is not asked."""

    states: tuple[StateRow, ...]
    periods: tuple[PeriodRow, ...]
    outage: OutageParameters | None


def _question(rules: RuleSet, states: Mapping[str, State], window: Window) -> _Question:
    outage = rules.outage_parameters
    periods = period_rows(states, window) if outage is not None else ()
    return _Question(states=tuple(_state_rows(states)), periods=tuple(periods), outage=outage)


def _measure(engine: Engine, question: _Question, window: Window) -> StreakMeasurement:
    engine.load_breaker_states(question.states)
    scan_start = _scan_start(question.states, window)
    parameters = {**outcome_parameters(window), "day_start": window.day_start, "scan_start": scan_start}
    streaks = _read_streaks(engine.rows(metrics.STREAKS, parameters))
    if question.outage is None:
        return streaks
    openings = [time for _, *times in question.states for time in times[::2] if time is not None]
    outage = measure_outage(engine, question.outage, question.periods, window, openings)
    return replace(streaks, outage=outage)


def _total_rows(effectiveness: Iterable[MetricRow]) -> list[TotalRow]:
    counts = ((row["symbol"], row["maker_started_count"], row["maker_filled_count"]) for row in effectiveness)
    return [row for row in counts if row[1]]


def _state_rows(states: Mapping[str, State]) -> list[StateRow]:
    return [
        (
            symbol,
            *(
                time.astimezone(UTC) if time is not None else None
                for breaker in (state.own, state.pool)
                for time in (breaker.opened_at, breaker.restarted_at)
            ),
        )
        for symbol, state in sorted(states.items())
    ]


def _scan_start(rows: Iterable[StateRow], window: Window) -> datetime:
    """Return from when on orders must be read: 24 hours back, or as far as any breaker's times."""
    times = [time for _, *times in rows for time in times if isinstance(time, datetime)]
    return max(window.start, min([window.day_start, *times]))


def _read_streaks(rows: Iterable[MetricRow]) -> StreakMeasurement:
    """Read the rows of the streaks query; the one without a symbol is the pool."""
    by_symbol = {row["symbol"]: (_streak(row), int(row["reject_streak"])) for row in rows}
    pool, _ = by_symbol.pop(None, (Streak(), 0))
    return StreakMeasurement(own=by_symbol, pool=pool)


def _streak(row: MetricRow) -> Streak:
    last: datetime | None = row["last_probe_at"]
    return Streak(
        miss_streak=int(row["miss_streak"]),
        start_count=int(row["start_count"]),
        miss_count=int(row["miss_count"]),
        probe_count=int(row["probe_count"]),
        probe_filled_count=int(row["probe_filled_count"]),
        last_probe_at=last.replace(tzinfo=UTC) if last is not None else None,
    )
