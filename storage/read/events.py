"""One timeline of a scope: decisions that changed, overrides, changes of rules, missing runs, and prunes."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, func, select

from policy.activity_kind import ActivityKind
from policy.enums import Quality
from policy.time_text import iso
from storage.database.transaction import database_now
from storage.read.pages import GapState, PageBounds, PageCursor, changes
from storage.records import PolicyChange
from storage.schema.tables import (
    policy_override,
    policy_override_end,
    policy_prune,
    policy_rule_set,
    policy_run,
    policy_run_failure,
)
from storage.schema.views import policy_gap

_ALL_OF_A_MOMENT = 100_000
_MOMENT = timedelta(microseconds=1)
_ORDER = list(ActivityKind)
_DECISIONS = (ActivityKind.TO_TAKER, ActivityKind.TO_MAKER, ActivityKind.BROKEN, ActivityKind.POLICY_CHANGED)
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a time: at its slot if a run decided it, else when a person or a process did it.

    `symbol` is None for what concerns all. `run_id` is the run that decided, `author` the person or the process. `what`
    says what it is now and was before, `reason` why.
    """

    at: datetime
    kind: ActivityKind
    symbol: str | None = None
    run_id: int | None = None
    what: str
    author: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events: of these kinds, empty: all; of this symbol and of what concerns all, None: of every symbol."""

    kinds: Collection[ActivityKind] = ()
    symbol: str | None = None

    def wants(self, *kinds: ActivityKind) -> bool:
        """Return whether events of any of these kinds are wanted."""
        return not self.kinds or any(kind in self.kinds for kind in kinds)


def events(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> list[Event]:
    """Return the events within the bounds, the newest first, then by kind and symbol.

    Those of the oldest moment are there whole, so that the next page goes on before it: there may be more of them than
    the limit.
    """
    newest = _newest(connection, scope, bounds, wanted)
    if len(newest) < bounds.limit:
        return newest
    last = newest[bounds.limit - 1].at
    moment = PageBounds(since=last, until=last + _MOMENT, limit=_ALL_OF_A_MOMENT)
    return [event for event in newest if event.at > last] + _newest(connection, scope, moment, wanted)


def _newest(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> list[Event]:
    """Return the newest events of each source, as many as the limit or more, sorted."""
    newest = [event for read in _SOURCES for event in read(connection, scope, bounds, wanted)]
    newest.sort(key=lambda event: (-event.at.timestamp(), _ORDER.index(event.kind), event.symbol or ""))
    return newest


def _decisions(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the newest changes of decisions of the kinds that are wanted."""
    return islice(_all_decisions(connection, scope, bounds, wanted), bounds.limit)


def _all_decisions(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the changes of decisions, a page after the other, as many of them as are taken."""
    if not wanted.wants(*_DECISIONS):
        return
    # If every change is wanted, a page has enough of them; kinds that are rare may lie behind many others.
    is_enough = all(wanted.wants(kind) for kind in _DECISIONS)
    pages = bounds if is_enough else replace(bounds, limit=max(bounds.limit, _PAGE))
    after: PageCursor | None = None
    while page := changes(connection, scope, pages, symbol=wanted.symbol, after=after):
        decided = (_decision(change) for change in page)
        yield from (event for event in decided if wanted.wants(event.kind))
        if len(page) < pages.limit:
            return
        after = PageCursor(slot=page[-1].slot, symbol=page[-1].symbol)


def _decision(change: PolicyChange) -> Event:
    now = _decision_words(change.maker_first, change.taker_bias, change.quality)
    before = _decision_words(change.previous_maker_first, change.previous_taker_bias, change.previous_quality)
    return Event(
        at=change.slot,
        kind=_kind_of(change),
        symbol=change.symbol,
        run_id=change.run_id,
        what=f"{now}; before: {before}",
        reason=change.reason,
    )


def _kind_of(change: PolicyChange) -> ActivityKind:
    if change.maker_first != change.previous_maker_first:
        return ActivityKind.TO_MAKER if change.maker_first else ActivityKind.TO_TAKER
    if change.quality is Quality.BROKEN and change.previous_quality is not Quality.BROKEN:
        return ActivityKind.BROKEN
    return ActivityKind.POLICY_CHANGED


def _decision_words(maker_first: bool, taker_bias: str, quality: str = "") -> str:
    route = f"{'maker first' if maker_first else 'taker'}, {taker_bias.replace('_', ' ')}"
    return f"{route}, {quality}" if quality else route


def _overrides(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the overrides that began, were ended, or expired by themselves; those of other symbols are left out."""
    now = database_now(connection)
    made, ended = policy_override, policy_override_end
    columns = {
        ActivityKind.OVERRIDE_MADE: made.c.from_at,
        ActivityKind.OVERRIDE_ENDED: ended.c.ended_at,
        ActivityKind.OVERRIDE_EXPIRED: made.c.until_at,
    }
    for kind, at in columns.items():
        if not wanted.wants(kind):
            continue
        query = (
            select(made, at.label("at"), ended.c.author.label("end_author"), ended.c.reason.label("end_reason"))
            .outerjoin_from(made, ended, ended.c.override_id == made.c.entry_id)
            .where(made.c.scope == scope, bounds.holds(at), at <= now)
        )
        if kind is ActivityKind.OVERRIDE_EXPIRED:
            query = query.where(ended.c.entry_id.is_(None))
        if wanted.symbol is not None:
            query = query.where(made.c.symbol == wanted.symbol)
        for row in connection.execute(query.order_by(at.desc()).limit(bounds.limit)).mappings():
            is_end = kind is ActivityKind.OVERRIDE_ENDED
            route = _decision_words(row["maker_first"], row["taker_bias"])
            until = f" until {iso(row['until_at'])}" if kind is ActivityKind.OVERRIDE_MADE else ""
            yield Event(
                at=row["at"],
                kind=kind,
                symbol=row["symbol"],
                what=f"override {row['entry_id']}: {route}{until}",
                author=row["end_author"] if is_end else row["author"],
                reason=row["end_reason"] if is_end else row["reason"],
            )


def _rule_sets(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the runs whose live rule set is not that of the run of the slot before."""
    if not wanted.wants(ActivityKind.RULE_SET_CHANGED):
        return
    run, rules, earlier = policy_run, policy_rule_set, policy_rule_set.alias("earlier")
    before = func.lag(run.c.rule_set_digest).over(order_by=run.c.slot).label("before")
    in_turn = select(run.c.run_id, run.c.slot, run.c.rule_set_digest, before).where(run.c.scope == scope).subquery()
    query = (
        select(in_turn.c.run_id, in_turn.c.slot.label("at"))
        .add_columns(*(rules.c[name] for name in ("name", "version", "parameters")))
        .add_columns(*(earlier.c[name].label(f"previous_{name}") for name in ("name", "version", "parameters")))
        .join(rules, rules.c.digest == in_turn.c.rule_set_digest)
        .join(earlier, earlier.c.digest == in_turn.c.before)
        .where(in_turn.c.before != in_turn.c.rule_set_digest, bounds.holds(in_turn.c.slot))
        .order_by(in_turn.c.slot.desc())
        .limit(bounds.limit)
    )
    for row in connection.execute(query).mappings():
        yield Event(
            at=row["at"],
            kind=ActivityKind.RULE_SET_CHANGED,
            run_id=row["run_id"],
            what=f"{row['name']} {row['version']}; before: {row['previous_name']} {row['previous_version']}",
            reason=f"{row['parameters']}; before: {row['previous_parameters']}",
        )


def _missed(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the slots that nobody computed; a slot that failed has its tries instead."""
    if not wanted.wants(ActivityKind.SLOT_MISSED):
        return
    view = policy_gap
    query = select(view).where(view.c.scope == scope, view.c.state != GapState.FAILED.value, bounds.holds(view.c.slot))
    for row in connection.execute(query.order_by(view.c.slot.desc()).limit(bounds.limit)).mappings():
        yield Event(
            at=row["slot"],
            kind=ActivityKind.SLOT_MISSED,
            what=f"slot {iso(row['slot'])} has no run: {row['state']}",
            author=row["owner"] or None,
        )


def _failures(connection: Connection, scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    if not wanted.wants(ActivityKind.RUN_FAILED):
        return
    table = policy_run_failure
    query = select(table).where(table.c.scope == scope, bounds.holds(table.c.failed_at))
    for row in connection.execute(query.order_by(table.c.failed_at.desc()).limit(bounds.limit)).mappings():
        yield Event(
            at=row["failed_at"],
            kind=ActivityKind.RUN_FAILED,
            what=f"try {row['fencing_token']} at slot {iso(row['slot'])} published nothing",
            author=row["owner"],
            reason=row["error"],
        )


def _prunes(connection: Connection, _scope: str, bounds: PageBounds, wanted: EventFilter) -> Iterator[Event]:
    """Yield the prunes, which are of all scopes of the store."""
    if not wanted.wants(ActivityKind.PRUNED):
        return
    table = policy_prune
    query = select(table).where(bounds.holds(table.c.pruned_at))
    for row in connection.execute(query.order_by(table.c.pruned_at.desc()).limit(bounds.limit)).mappings():
        yield Event(
            at=row["pruned_at"],
            kind=ActivityKind.PRUNED,
            what=f"{row['run_count']} runs were removed for their age, up to entry {row['through_entry_id']}",
        )


_SOURCES: Sequence[Callable[[Connection, str, PageBounds, EventFilter], Iterator[Event]]] = (
    _decisions,
    _overrides,
    _rule_sets,
    _missed,
    _failures,
    _prunes,
)
