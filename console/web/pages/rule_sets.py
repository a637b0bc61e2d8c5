"""The time line of open breakers on the page of rule sets."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.analysis.rule_set_summary import BreakerPeriod, RuleSetSummary

ROW_LIMIT = 200
_SHORTEST = 2  # thousandths: a bar that can still be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineBar:
    """A time in which a breaker was open, as a bar; `start` and `length` are in thousandths of the time line."""

    period: BreakerPeriod
    start: int
    length: int


def timeline(summary: RuleSetSummary) -> Sequence[TimelineBar]:
    """Return a bar for each time in which a breaker was open; what began before the time line starts with it."""
    return [_bar(period, summary) for period in summary.open_periods]


def _bar(period: BreakerPeriod, summary: RuleSetSummary) -> TimelineBar:
    whole = max((summary.until - summary.since).total_seconds(), 1.0)
    start = round(1000 * max((period.opened_at - summary.since).total_seconds(), 0.0) / whole)
    end = round(1000 * (period.closed_at - summary.since).total_seconds() / whole)
    return TimelineBar(period=period, start=start, length=max(end - start, _SHORTEST))
