"""The order of events as a rule set with state asks for it: what the engine is told, and what it gives back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policy.rules import State
from policy.streaks import Streak, Streaks
from policy.window import Window

STATE_TIMES = ("opened_at", "restarted_at", "pool_opened_at", "pool_restarted_at")
# By the name of a rule set: what it remembers of each symbol.
States = Mapping[str, Mapping[str, State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakMeasurement:
    """The streak and the run of refused orders by symbol, and the streak of all symbols together."""

    own: Mapping[str, tuple[Streak, int]]
    pool: Streak

    def streaks(self, symbol: str, as_of: datetime) -> Streaks:
        """Return a symbol's streaks; one without maker orders in the window has none of its own."""
        own, reject_streak = self.own.get(symbol, (Streak(), 0))
        return Streaks(as_of=as_of, own=own, reject_streak=reject_streak, pool=self.pool)


def state_rows(states: Mapping[str, State]) -> list[tuple[str, *tuple[datetime | None, ...]]]:
    """Return the rows of `breaker_state`: the symbol, then STATE_TIMES.

    Times are in UTC without a zone, as those of the canonical tables.
    """
    return [
        (
            symbol,
            *(
                moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None
                for breaker in (state.own, state.pool)
                for moment in (breaker.opened_at, breaker.restarted_at)
            ),
        )
        for symbol, state in sorted(states.items())
    ]


def scan_start(rows: Iterable[tuple[str, *tuple[datetime | None, ...]]], window: Window) -> datetime:
    """Return from when on orders must be looked at: 24 hours back, or as far as any breaker's times; UTC, naive."""
    start, day_start = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (window.start, window.day_start))
    times = [moment for _, *moments in rows for moment in moments if isinstance(moment, datetime)]
    return max(start, min([day_start, *times]))


def total_rows(effectiveness: Iterable[Mapping[str, Any]]) -> list[tuple[str, int, int]]:
    """Return the rows of `maker_total`: symbol, maker orders in the window, and how many of them filled."""
    counts = ((row["symbol"], row["maker_started_count"], row["maker_filled_count"]) for row in effectiveness)
    return [row for row in counts if row[1]]


def read_streaks(rows: Iterable[Mapping[str, Any]]) -> StreakMeasurement:
    """Take the rows of the streaks query, of which the one without a symbol is all of them together."""
    by_symbol = {row["symbol"]: (_streak(row), int(row["reject_streak"])) for row in rows}
    pool, _ = by_symbol.pop(None, (Streak(), 0))
    return StreakMeasurement(own=by_symbol, pool=pool)


def _streak(row: Mapping[str, Any]) -> Streak:
    last: datetime | None = row["last_probe_at"]
    return Streak(
        miss_streak=int(row["miss_streak"]),
        start_count=int(row["start_count"]),
        miss_count=int(row["miss_count"]),
        probe_count=int(row["probe_count"]),
        probe_filled_count=int(row["probe_filled_count"]),
        last_probe_at=last.replace(tzinfo=UTC) if last is not None else None,
    )
