"""Compare: the live rule set and each shadow, over the history and around every event of a breaker."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from statistics import fmean

from policy.errors import RouterPolicyError
from storage.read.breaker_events import BreakerEvent, BreakerTransition, breaker_events
from storage.read.policies import newest_run
from storage.read.rule_set_comparison import (
    MakerFirstShare,
    RuleSetDifference,
    RuleSetTotals,
    maker_first_shares,
    rule_set_differences,
)
from storage.store import Connection, Store

HOURS_AROUND = 6
_HOUR = timedelta(hours=1)
_SECONDS_A_DAY = 86_400
# By the name of a rule set: the share of the time with maker first, hour by hour; None if nothing is known. The first
# half is before the event, the second begins with it.
Hours = Mapping[str, tuple[float | None, ...]]


class NothingToCompareError(RouterPolicyError, LookupError):
    """No run had a rule set in the shadow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEventInContext:
    """A breaker opened or closed, and what every rule set decided in the hours before and after."""

    event: BreakerEvent
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSummary:
    """How often the breakers of a rule set opened, or closed, and the mean of the decisions around it."""

    rule_set: str
    transition: BreakerTransition
    count: int
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A live rule set and one in its shadow: each symbol, and all of them together (`total.symbol` is empty)."""

    live: str
    shadow: str
    total: RuleSetDifference
    symbols: tuple[RuleSetDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetComparison:
    """Every pair of rule sets of a scope, every event of a breaker, oldest first, and how often each transition was."""

    pairs: tuple[Pair, ...]
    events: tuple[BreakerEventInContext, ...]
    transitions: tuple[TransitionSummary, ...]


def share(seconds: float, of_seconds: float) -> float | None:
    """Return a share of the time, None if there was no time."""
    return seconds / of_seconds if of_seconds else None


def per_day(count: int, seconds: float) -> float | None:
    """Return how often per day and symbol, None if there was no time."""
    return count * _SECONDS_A_DAY / seconds if seconds else None


def compare(store: Store, scope: str, since: datetime | None = None) -> RuleSetComparison:
    """Compare the live rule set with its shadows over the slots from `since` on.

    Raises NothingToCompareError if no run had a shadow then.
    """
    with store.reading() as connection:
        differences = rule_set_differences(connection, scope, since)
        if not differences:
            raise _nothing_to_compare(scope, since)
        events = tuple(_in_context(connection, scope, breaker_events(connection, scope, since)))
    return RuleSetComparison(pairs=tuple(_pairs(differences)), events=events, transitions=tuple(_transitions(events)))


def _nothing_to_compare(scope: str, since: datetime | None) -> NothingToCompareError:
    when = f" since {since.isoformat()}" if since else ""
    return NothingToCompareError(
        f"no run of scope {scope!r}{when} had a rule set in the shadow; name one in the settings, as in "
        '[rules] shadow = ["breaker"], and it is compared from the next run on'
    )


def _pairs(differences: Sequence[RuleSetDifference]) -> Iterator[Pair]:
    for (live, shadow), group in groupby(differences, key=attrgetter("live", "shadow")):
        symbols = tuple(group)
        yield Pair(live=live, shadow=shadow, total=_total(symbols), symbols=symbols)


def _total(symbols: Sequence[RuleSetDifference]) -> RuleSetDifference:
    return RuleSetDifference(
        live=symbols[0].live,
        shadow=symbols[0].shadow,
        symbol="",
        run_count=sum(symbol.run_count for symbol in symbols),
        first_slot=min(symbol.first_slot for symbol in symbols),
        last_slot=max(symbol.last_slot for symbol in symbols),
        seconds=sum(symbol.seconds for symbol in symbols),
        disagree_seconds=sum(symbol.disagree_seconds for symbol in symbols),
        route_seconds=sum(symbol.route_seconds for symbol in symbols),
        live_totals=_sum([symbol.live_totals for symbol in symbols]),
        shadow_totals=_sum([symbol.shadow_totals for symbol in symbols]),
    )


def _sum(totals: Sequence[RuleSetTotals]) -> RuleSetTotals:
    return RuleSetTotals(
        **{field.name: sum(getattr(total, field.name) for total in totals) for field in fields(RuleSetTotals)}
    )


def _in_context(connection: Connection, scope: str, events: Iterable[BreakerEvent]) -> Iterator[BreakerEventInContext]:
    newest = newest_run(connection, scope)
    for event in events:
        start, end = event.slot - HOURS_AROUND * _HOUR, event.slot + HOURS_AROUND * _HOUR
        known_until = min(end, newest.slot) if newest is not None else start
        shares = maker_first_shares(connection, scope, event.symbol, start, end)
        yield BreakerEventInContext(event=event, hours=hourly(shares, start, known_until))


def hourly(shares: Sequence[MakerFirstShare], start: datetime, known_until: datetime) -> Hours:
    """Return the share of maker first in each hour from `start` on, by rule set, weighted by how long it was valid.

    A share is valid from its slot until the next slot that has one, and not beyond `known_until`.
    """
    slots = sorted({share.slot for share in shares})
    ends = dict(zip(slots, [*slots[1:], known_until], strict=False))
    weighted: dict[str, list[tuple[float, float]]] = defaultdict(lambda: [(0.0, 0.0)] * (2 * HOURS_AROUND))
    for share in shares:
        for hour in range(2 * HOURS_AROUND):
            begin = start + hour * _HOUR
            seconds = (min(ends[share.slot], known_until, begin + _HOUR) - max(share.slot, begin)).total_seconds()
            if seconds > 0:
                time, maker = weighted[share.rule_set][hour]
                weighted[share.rule_set][hour] = (time + seconds, maker + seconds * share.maker_first_share)
    return {
        name: tuple(maker / time if time else None for time, maker in hours) for name, hours in sorted(weighted.items())
    }


def _transitions(events: Sequence[BreakerEventInContext]) -> Iterator[TransitionSummary]:
    hours: dict[tuple[str, BreakerTransition], list[Hours]] = defaultdict(list)
    for context in events:
        hours[context.event.rule_set, context.event.transition].append(context.hours)
    for (rule_set, transition), each in sorted(hours.items()):
        yield TransitionSummary(rule_set=rule_set, transition=transition, count=len(each), hours=_mean(each))


def _mean(each: Sequence[Hours]) -> Hours:
    names = sorted({name for hours in each for name in hours})
    nothing = (None,) * (2 * HOURS_AROUND)
    columns = {name: zip(*(hours.get(name, nothing) for hours in each), strict=True) for name in names}
    return {name: tuple(_mean_known(values) for values in hours) for name, hours in columns.items()}


def _mean_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
