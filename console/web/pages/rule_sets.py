"""What the page of rule sets shows: the live one beside its shadows, and when breakers were open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from console.web.policy_cache import LatestPolicies, PolicyCache
from console.web.responses import reading
from jobs.analysis.compare import per_day, share
from storage.read.pages import disagreements
from storage.read.rule_set_comparison import BreakerEvent, BreakerTransition, RuleSetDifference, RuleSetTotals
from storage.read.time_series import open_breakers

MOST_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetSummary:
    """One rule set over a time: the shares of it are None where there was none."""

    name: str
    maker_first_share: float | None
    flips_per_day: float | None
    open_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSummary:
    """A live rule set and one in its shadow, over all symbols or one of them (`symbol` empty: all)."""

    symbol: str
    run_count: int
    disagree_share: float | None
    route_share: float | None
    live: RuleSetSummary
    shadow: RuleSetSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTime:
    """A breaker was open from a time to another; `symbol` None is the scope's. `is_open`: it still is.

    `start` and `length` are in thousandths of the time line.
    """

    rule_set: str
    symbol: str | None
    opened_at: datetime
    closed_at: datetime
    is_open: bool
    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetsView:
    """All that the page shows, over the slots from `since` on."""

    since: datetime
    until: datetime
    disagreements: Sequence[RowMapping]
    totals: Sequence[PairSummary]
    by_symbol: Sequence[PairSummary]
    moves: Sequence[BreakerEvent]
    open_times: Sequence[OpenTime]


def rule_sets_since(desk: PolicyCache, newest: LatestPolicies, since: datetime) -> RuleSetsView:
    """Return what there is to tell of the rule sets. Raises as the store does."""
    until = newest.slot or newest.now
    found = desk.store.rule_set_differences(desk.scope, since)
    moves = desk.store.breaker_events(desk.scope, since)
    with reading(desk) as connection:
        differ, open_now = _now(connection, newest.run_id)
    return RuleSetsView(
        since=since,
        until=until,
        disagreements=differ,
        totals=_totals(found),
        by_symbol=[_pairing(one.symbol, [one]) for one in found][:MOST_ROWS],
        moves=moves[::-1][:MOST_ROWS],
        open_times=_open_times(moves, open_now, since, until)[:MOST_ROWS],
    )


def _now(connection: Connection, run_id: int | None) -> tuple[Sequence[RowMapping], Sequence[RowMapping]]:
    if run_id is None:
        return [], []
    return disagreements(connection, run_id, MOST_ROWS), open_breakers(connection, run_id)


def _totals(found: Sequence[RuleSetDifference]) -> list[PairSummary]:
    pairs = sorted({(one.live, one.shadow) for one in found})
    return [_pairing("", [one for one in found if (one.live, one.shadow) == pair]) for pair in pairs]


def _pairing(symbol: str, found: Sequence[RuleSetDifference]) -> PairSummary:
    """Sum up the rule_set_differences of one pair, of one symbol or of several."""
    seconds = sum(one.seconds for one in found)
    return PairSummary(
        symbol=symbol,
        run_count=max(one.run_count for one in found),
        disagree_share=share(sum(one.disagree_seconds for one in found), seconds),
        route_share=share(sum(one.route_seconds for one in found), seconds),
        live=_beside(found[0].live, [one.live_side for one in found], seconds),
        shadow=_beside(found[0].shadow, [one.shadow_side for one in found], seconds),
    )


def _beside(name: str, sides: Sequence[RuleSetTotals], seconds: int) -> RuleSetSummary:
    return RuleSetSummary(
        name=name,
        maker_first_share=share(sum(one.maker_first_seconds for one in sides), seconds),
        flips_per_day=per_day(sum(one.flip_count for one in sides), seconds),
        open_share=share(sum(one.breaker_open_seconds for one in sides), sum(one.breaker_seconds for one in sides)),
    )


_Key = tuple[str, str | None]


def _open_times(
    moves: Sequence[BreakerEvent], open_now: Sequence[RowMapping], since: datetime, until: datetime
) -> list[OpenTime]:
    """Pair each opening with its closing; what was open before the time line begins with it."""
    opened: dict[_Key, datetime] = {}
    found: list[OpenTime] = []
    for one in moves:
        key = (one.rule_set, one.symbol)
        if one.move is BreakerTransition.OPENED:
            opened[key] = one.slot
        else:
            found.append(_open_time(key, opened.pop(key, since), one.slot, since, until, is_open=False))
    for row in open_now:
        key = (row["rule_set"], row.get("symbol"))
        found.append(_open_time(key, row["opened_at"], until, since, until, is_open=True))
    return sorted(found, key=lambda one: (one.rule_set, one.symbol or "", one.opened_at))


def _open_time(
    key: _Key, opened_at: datetime, closed_at: datetime, since: datetime, until: datetime, *, is_open: bool
) -> OpenTime:
    whole = max((until - since).total_seconds(), 1.0)
    start = round(1000 * max((opened_at - since).total_seconds(), 0.0) / whole)
    end = round(1000 * (closed_at - since).total_seconds() / whole)
    return OpenTime(
        rule_set=key[0],
        symbol=key[1],
        opened_at=opened_at,
        closed_at=closed_at,
        is_open=is_open,
        start=start,
        length=max(end - start, 2),
    )
