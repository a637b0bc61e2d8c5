"""The evidence that a run would have measured as of a slot, kept up to date outcome by outcome.

The queries in `policy/metrics` define each figure; here the same figures are computed without reading a week of
outcomes again for each of thousands of slots.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor

from policy import Effectiveness
from policy.numbers import round_metric
from policy.rules.breaker_state import Breaker
from policy.streaks import Streak
from policy.window import OUTCOME_WINDOW

_WINDOW_SECONDS = OUTCOME_WINDOW.total_seconds()
_DAY_SECONDS = timedelta(hours=24).total_seconds()
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedOrder:
    """One order that is done, `ends_seconds` since 1970; a taker order went through nothing.

    `arrival_quote_bps` is half the spread at its arrival.
    """

    ends_seconds: int
    slippage_bps: float
    arrival_quote_bps: float
    is_maker: bool
    is_filled: bool
    is_rejected: bool
    went_through: bool
    is_probe: bool


class _Tally:
    """Orders by the time at which they ended, and how many of them had filled."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self._filled = [0]

    def add(self, ends_seconds: int, *, is_filled: bool) -> None:
        self.ends.append(ends_seconds)
        self._filled.append(self._filled[-1] + is_filled)

    def since(self, seconds: float) -> tuple[int, int]:
        """Return how many ended then or later, and how many of these had filled."""
        index = bisect_left(self.ends, seconds)
        return len(self.ends) - index, self._filled[-1] - self._filled[index]

    def count(self, *, since: float, after: float) -> int:
        """Return how many ended at `since` or later, and later than `after`."""
        return len(self.ends) - max(bisect_left(self.ends, since), bisect_right(self.ends, after))


class MakerOrders:
    """The maker orders of one symbol, or of all together, in the order in which they ended: `streaks.sql`."""

    def __init__(self) -> None:
        self._starts = _Tally()
        self._last_fill: float = _NEVER
        self._last_kept: float = _NEVER

    def add(self, outcome: EndedOrder) -> None:
        """Add an outcome that ended no earlier than those before it; taker orders are ignored."""
        if not outcome.is_maker:
            return
        ends = outcome.ends_seconds
        self._starts.add(ends, is_filled=outcome.is_filled)
        if outcome.is_filled:
            self._last_fill = ends
        if not outcome.is_rejected:
            self._last_kept = ends

    def started_and_filled(self, slot_seconds: float) -> tuple[int, int]:
        """Return how many ended within the window of a run, and how many of these had filled."""
        return self._starts.since(slot_seconds - _WINDOW_SECONDS)

    def streak(self, slot_seconds: float, breaker: Breaker) -> Streak:
        """Return the streak as of a slot; all outcomes before it must have been added."""
        window_start = slot_seconds - _WINDOW_SECONDS
        counts_from = max(window_start, _seconds(breaker.restarted_at))
        miss_streak = self._starts.count(since=self._day_start(slot_seconds, breaker), after=self._last_fill)
        starts, fills = self._starts.since(counts_from)
        probes = probe_fills = 0
        if breaker.opened_at is not None:
            probes, probe_fills = self._starts.since(max(window_start, breaker.opened_at.timestamp()))
        return Streak(
            miss_streak=miss_streak,
            start_count=starts - miss_streak,
            miss_count=starts - fills - miss_streak,
            probe_count=probes,
            probe_filled_count=probe_fills,
            last_probe_at=datetime.fromtimestamp(self._starts.ends[-1], UTC) if probes else None,
        )

    def reject_streak(self, slot_seconds: float, breaker: Breaker) -> int:
        """Return how many of the last orders, in a row, the venue rejected as maker."""
        return self._starts.count(since=self._day_start(slot_seconds, breaker), after=self._last_kept)

    @staticmethod
    def _day_start(slot_seconds: float, breaker: Breaker) -> float:
        return max(slot_seconds - _DAY_SECONDS, _seconds(breaker.restarted_at))


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at is not None else _NEVER


class History:
    """All outcomes of one symbol that a run can see: `effectiveness.sql`, and its maker orders."""

    def __init__(self) -> None:
        self.maker_orders = MakerOrders()
        self._window: deque[tuple[int, float]] = deque()
        self._slippage: list[float] = []
        self._measured: Effectiveness | None = Effectiveness()

    def add(self, outcome: EndedOrder) -> None:
        """Add an outcome that ended no earlier than those before it."""
        self._window.append((outcome.ends_seconds, outcome.slippage_bps))
        insort(self._slippage, outcome.slippage_bps)
        self.maker_orders.add(outcome)
        self._measured = None

    def effectiveness(self, slot_seconds: int) -> Effectiveness:
        """Return the figures as of a slot; all outcomes before it must have been added, and slots go forward."""
        while self._window and self._window[0][0] < slot_seconds - _WINDOW_SECONDS:
            _, slippage = self._window.popleft()
            del self._slippage[bisect_left(self._slippage, slippage)]
            self._measured = None
        if self._measured is None:
            self._measured = self._measure(slot_seconds)
        return self._measured

    def _measure(self, slot_seconds: int) -> Effectiveness:
        started, filled = self.maker_orders.started_and_filled(slot_seconds)
        return Effectiveness(
            maker_fill_ratio=round_metric(filled / started) if started else None,
            fallback_ratio=round_metric((started - filled) / started) if started else None,
            slip_q25=_quantile(self._slippage, 0.25),
            slip_q50=_quantile(self._slippage, 0.5),
            slip_q75=_quantile(self._slippage, 0.75),
            outcome_count=len(self._slippage),
            maker_started_count=started,
            slippage_count=len(self._slippage),
        )


def _quantile(ordered: list[float], part: float) -> float | None:
    """Return the quantile by linear interpolation, rounded as it is stored; None for an empty list."""
    if not ordered:
        return None
    position = part * (len(ordered) - 1)
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return round_metric(ordered[below] + (ordered[above] - ordered[below]) * (position - below))
