"""A summary of the rule sets over a time: where they disagree now, each pair side by side, and open breakers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.analysis.compare import per_day, share
from storage.read.breaker_events import BreakerEvent, BreakerTransition, breaker_events
from storage.read.pages import Disagreement, disagreements
from storage.read.rule_set_comparison import RuleSetDifference, RuleSetTotals, rule_set_differences
from storage.read.time_series import OpenBreaker, open_breakers
from storage.store import Connection, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetFigures:
    """One rule set over a time; a share is None if there was no time to measure it over."""

    name: str
    maker_first_share: float | None
    flips_per_day: float | None
    open_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSummary:
    """A live rule set and one in its shadow, over one symbol, or over all (`symbol` empty)."""

    symbol: str
    run_count: int
    disagree_share: float | None
    route_share: float | None
    live: RuleSetFigures
    shadow: RuleSetFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPeriod:
    """A breaker was open from one time to another; `symbol` is None for the scope's. `is_open`: it still is."""

    rule_set: str
    symbol: str | None
    opened_at: datetime
    closed_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetSummary:
    """The rule sets over the slots from `since` on; `events` of breakers are the newest first."""

    since: datetime
    until: datetime
    disagreements: Sequence[Disagreement]
    totals: Sequence[PairSummary]
    by_symbol: Sequence[PairSummary]
    events: Sequence[BreakerEvent]
    open_periods: Sequence[BreakerPeriod]


def summarize_rule_sets(
    store: Store, scope: str, run_id: int | None, since: datetime, until: datetime, row_limit: int
) -> RuleSetSummary:
    """Summarize the slots from `since` on, and where rule sets disagree in the newest run, None before the first.

    Each list has at most `row_limit` rows. Raises as the store does.
    """
    with store.reading() as connection:
        differences = rule_set_differences(connection, scope, since)
        events = breaker_events(connection, scope, since)
        differ, still_open = _newest(connection, run_id, row_limit)
    return RuleSetSummary(
        since=since,
        until=until,
        disagreements=differ,
        totals=_totals(differences),
        by_symbol=[_pair(difference.symbol, [difference]) for difference in differences][:row_limit],
        events=events[::-1][:row_limit],
        open_periods=_open_periods(events, still_open, since, until)[:row_limit],
    )


def _newest(
    connection: Connection, run_id: int | None, row_limit: int
) -> tuple[Sequence[Disagreement], Sequence[OpenBreaker]]:
    if run_id is None:
        return [], []
    return disagreements(connection, run_id, row_limit), open_breakers(connection, run_id)


def _totals(differences: Sequence[RuleSetDifference]) -> list[PairSummary]:
    pairs = sorted({(difference.live, difference.shadow) for difference in differences})
    return [
        _pair("", [difference for difference in differences if (difference.live, difference.shadow) == pair])
        for pair in pairs
    ]


def _pair(symbol: str, differences: Sequence[RuleSetDifference]) -> PairSummary:
    """Sum up the differences of one pair, over one symbol or over several."""
    seconds = sum(difference.seconds for difference in differences)
    first = differences[0]
    return PairSummary(
        symbol=symbol,
        run_count=max(difference.run_count for difference in differences),
        disagree_share=share(sum(difference.disagree_seconds for difference in differences), seconds),
        route_share=share(sum(difference.route_seconds for difference in differences), seconds),
        live=_figures(first.live, [difference.live_totals for difference in differences], seconds),
        shadow=_figures(first.shadow, [difference.shadow_totals for difference in differences], seconds),
    )


def _figures(name: str, totals: Sequence[RuleSetTotals], seconds: int) -> RuleSetFigures:
    open_seconds = sum(total.breaker_open_seconds for total in totals)
    return RuleSetFigures(
        name=name,
        maker_first_share=share(sum(total.maker_first_seconds for total in totals), seconds),
        flips_per_day=per_day(sum(total.flip_count for total in totals), seconds),
        open_share=share(open_seconds, sum(total.breaker_seconds for total in totals)),
    )


def _open_periods(
    events: Sequence[BreakerEvent], still_open: Sequence[OpenBreaker], since: datetime, until: datetime
) -> list[BreakerPeriod]:
    """Pair each opening with its closing; a breaker that was open before `since` counts from then on."""
    opened: dict[tuple[str, str | None], datetime] = {}
    periods: list[BreakerPeriod] = []
    for event in events:
        key = (event.rule_set, event.symbol)
        if event.transition is BreakerTransition.OPENED:
            opened[key] = event.slot
        else:
            periods.append(_open_period(*key, opened.pop(key, since), event.slot, is_open=False))
    periods += [
        _open_period(breaker.rule_set, breaker.symbol, breaker.opened_at, until, is_open=True) for breaker in still_open
    ]
    return sorted(periods, key=lambda period: (period.rule_set, period.symbol or "", period.opened_at))


def _open_period(
    rule_set: str, symbol: str | None, opened_at: datetime, closed_at: datetime, *, is_open: bool
) -> BreakerPeriod:
    return BreakerPeriod(rule_set=rule_set, symbol=symbol, opened_at=opened_at, closed_at=closed_at, is_open=is_open)
