"""The order of events as a rule set with state asks for it: what an engine is given, and what it returns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.engines.engine import Engine, MetricRow, StateRow, TotalRow, outcome_parameters
from policy import metrics
from policy.rules import RuleSet, State
from policy.streaks import Streak, Streaks
from policy.window import Window

# By the name of a rule set: what it remembers of each symbol.
States = Mapping[str, Mapping[str, State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakMeasurement:
    """The streak of misses and the streak of rejects by symbol, and the streak of misses of all symbols together."""

    own: Mapping[str, tuple[Streak, int]]
    pool: Streak

    def streaks(self, symbol: str, as_of: datetime) -> Streaks:
        """Return a symbol's streaks; one without maker orders in the window has none of its own."""
        own, reject_streak = self.own.get(symbol, (Streak(), 0))
        return Streaks(as_of=as_of, own=own, reject_streak=reject_streak, pool=self.pool)


def measure_streaks(
    engine: Engine, rule_sets: Sequence[RuleSet], states: States, window: Window, effectiveness: Iterable[MetricRow]
) -> dict[str, StreakMeasurement]:
    """Measure the streaks for each rule set, by its name; the query runs once for those that remember the same.

    `order_outcome` is loaded, and `effectiveness` has the rows of its query.
    """
    if not rule_sets:
        return {}
    engine.load_maker_orders(_total_rows(effectiveness))
    by_state: dict[tuple[StateRow, ...], StreakMeasurement] = {}
    by_rule_set = {}
    for rules in rule_sets:
        rows = tuple(_state_rows(states.get(rules.name, {})))
        if rows not in by_state:
            by_state[rows] = _measure(engine, rows, window)
        by_rule_set[rules.name] = by_state[rows]
    return by_rule_set


def _measure(engine: Engine, states: Sequence[StateRow], window: Window) -> StreakMeasurement:
    engine.load_breaker_states(states)
    parameters = {
        **outcome_parameters(window),
        "day_start": window.day_start,
        "scan_start": _scan_start(states, window),
    }
    return _read_streaks(engine.rows(metrics.STREAKS, parameters))


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
