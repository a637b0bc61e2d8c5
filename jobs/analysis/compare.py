"""Compare: the live rule set against each shadow, over the history, and around every move of a breaker."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean

from policy.errors import RouterPolicyError
from storage.read.rule_set_comparison import (
    BreakerEvent,
    BreakerTransition,
    MakerFirstShare,
    RuleSetDifference,
    RuleSetTotals,
)
from storage.store import Store

HOURS_AROUND = 6
_HOUR = timedelta(hours=1)
_SECONDS_A_DAY = 86_400
# By the name of a rule set: the share of the time in which it said maker first, hour by hour; None where nothing is
# known. The first half is before the move, the second begins with it.
Hours = Mapping[str, tuple[float | None, ...]]


class NothingToCompareError(RouterPolicyError, LookupError):
    """No run had a rule set in the shadow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEventInContext:
    """A breaker opened or closed, and what every rule set said in the hours before and after."""

    move: BreakerEvent
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSummary:
    """How often the breakers of a rule set opened, or closed, and what was said around it in the mean."""

    rule_set: str
    move: BreakerTransition
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
    """Every pair of rule sets of a scope, and every move of a breaker, oldest first."""

    pairs: tuple[Pair, ...]
    moves: tuple[BreakerEventInContext, ...]
    kinds: tuple[TransitionSummary, ...]


def share(seconds: float, of_seconds: float) -> float | None:
    """Return a share of the time, None where there was none."""
    return seconds / of_seconds if of_seconds else None


def per_day(count: int, seconds: float) -> float | None:
    """Return how often a day and symbol, None where there was no time."""
    return count * _SECONDS_A_DAY / seconds if seconds else None


def compare(store: Store, scope: str, since: datetime | None = None) -> RuleSetComparison:
    """Hold the live rule set against its shadows over the slots from `since` on.

    Raises NothingToCompareError where no run had a shadow then.
    """
    found = store.rule_set_differences(scope, since)
    if not found:
        when = f" since {since.isoformat()}" if since else ""
        raise NothingToCompareError(
            f"no run of scope {scope!r}{when} had a rule set in the shadow; name one in the settings, as in "
            '[rules] shadow = ["breaker"], and it is compared from the next run on'
        )
    moves = tuple(_in_context(store, scope, store.breaker_events(scope, since)))
    return RuleSetComparison(pairs=tuple(_pairs(found)), moves=moves, kinds=tuple(_kinds(moves)))


def _pairs(found: Sequence[RuleSetDifference]) -> Iterator[Pair]:
    for (live, shadow), symbols in groupby(found, key=lambda one: (one.live, one.shadow)):
        of_pair = tuple(symbols)
        yield Pair(live=live, shadow=shadow, total=_total(of_pair), symbols=of_pair)


def _total(symbols: Sequence[RuleSetDifference]) -> RuleSetDifference:
    return RuleSetDifference(
        live=symbols[0].live,
        shadow=symbols[0].shadow,
        symbol="",
        run_count=sum(one.run_count for one in symbols),
        first_slot=min(one.first_slot for one in symbols),
        last_slot=max(one.last_slot for one in symbols),
        seconds=sum(one.seconds for one in symbols),
        disagree_seconds=sum(one.disagree_seconds for one in symbols),
        route_seconds=sum(one.route_seconds for one in symbols),
        live_side=_total_side([one.live_side for one in symbols]),
        shadow_side=_total_side([one.shadow_side for one in symbols]),
    )


def _total_side(sides: Sequence[RuleSetTotals]) -> RuleSetTotals:
    return RuleSetTotals(
        **{field.name: sum(getattr(side, field.name) for side in sides) for field in fields(RuleSetTotals)}
    )


def _in_context(store: Store, scope: str, moves: Iterable[BreakerEvent]) -> Iterator[BreakerEventInContext]:
    newest = store.newest_run(scope)
    for move in moves:
        start, end = move.slot - HOURS_AROUND * _HOUR, move.slot + HOURS_AROUND * _HOUR
        known_until = min(end, newest.slot) if newest is not None else start
        said = store.maker_first_shares(scope, move.symbol, start, end)
        yield BreakerEventInContext(move=move, hours=hourly(said, start, known_until))


def hourly(said: Sequence[MakerFirstShare], start: datetime, known_until: datetime) -> Hours:
    """Return the share of maker first in each hour from `start` on, by rule set, weighted by how long it was valid.

    What a rule set said at a slot is valid until the next slot at which anything was said, and not beyond
    `known_until`.
    """
    slots = sorted({one.slot for one in said})
    ends = dict(zip(slots, [*slots[1:], known_until], strict=False))
    weighed: dict[str, list[tuple[float, float]]] = defaultdict(lambda: [(0.0, 0.0)] * (2 * HOURS_AROUND))
    for one in said:
        for hour in range(2 * HOURS_AROUND):
            begins = start + hour * _HOUR
            seconds = (min(ends[one.slot], known_until, begins + _HOUR) - max(one.slot, begins)).total_seconds()
            if seconds > 0:
                time, maker = weighed[one.rule_set][hour]
                weighed[one.rule_set][hour] = (time + seconds, maker + seconds * one.maker_first_share)
    return {
        name: tuple(maker / time if time else None for time, maker in hours) for name, hours in sorted(weighed.items())
    }


def _kinds(moves: Sequence[BreakerEventInContext]) -> Iterator[TransitionSummary]:
    by_kind: dict[tuple[str, BreakerTransition], list[Hours]] = defaultdict(list)
    for one in moves:
        by_kind[one.move.rule_set, one.move.move].append(one.hours)
    for (name, move), found in sorted(by_kind.items()):
        yield TransitionSummary(rule_set=name, move=move, count=len(found), hours=_mean(found))


def _mean(found: Sequence[Hours]) -> Hours:
    names = sorted({name for hours in found for name in hours})
    nothing = (None,) * (2 * HOURS_AROUND)
    columns = {name: zip(*(hours.get(name, nothing) for hours in found), strict=True) for name in names}
    return {name: tuple(_mean_known(values) for values in hours) for name, hours in columns.items()}


def _mean_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
