"""What the live rule set and its shadows did, side by side: summed up by symbol, and when breakers moved."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, and_, case, cast, func, or_, select

from storage.schema.column_types import COUNT
from storage.schema.tables import policy_breaker, policy_run, policy_shadow, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetTotals:
    """What one rule set said of a symbol, in seconds of validity, and how often it changed between maker and taker.

    `breaker_seconds` is the time of which it is known whether its breaker was open, 0 for rules that have none.
    """

    maker_first_seconds: int = 0
    flip_count: int = 0
    breaker_seconds: int = 0
    breaker_open_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetDifference:
    """One symbol over the runs in which `live` decided and `shadow` decided beside it.

    A run is valid from its slot to the next run's; the newest run of the scope, whose end is not known, counts with 0
    seconds. `disagree_seconds` is the time in which `maker_first` or `taker_bias` differed, `route_seconds` that in
    which `maker_first` did. Flips are counted between runs that follow each other with the same two rule sets.
    """

    live: str
    shadow: str
    symbol: str
    run_count: int
    first_slot: datetime
    last_slot: datetime
    seconds: int
    disagree_seconds: int
    route_seconds: int
    live_side: RuleSetTotals
    shadow_side: RuleSetTotals


class BreakerLevel(StrEnum):
    """Whose breaker: the symbol's own, or the one that all symbols of the scope share."""

    OWN = "own"
    POOL = "pool"


class BreakerTransition(StrEnum):
    """What a breaker did."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEvent:
    """A breaker opened or closed at a slot; `symbol` is None for the one of the scope, `reason` what was said then."""

    rule_set: str
    which: BreakerLevel
    symbol: str | None
    move: BreakerTransition
    slot: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerFirstShare:
    """Which share of the symbols a rule set told to go maker first at a slot."""

    slot: datetime
    rule_set: str
    maker_first_share: float


def rule_set_differences(connection: Connection, scope: str, since: datetime | None) -> list[RuleSetDifference]:
    """Return the sums of every pair of a live rule set and a shadow, by symbol, over the slots from `since` on."""
    run = _runs(connection, scope, since)
    live, shadow = policy_snapshot, policy_shadow
    live_before, shadow_before = live.alias("live_before"), shadow.alias("shadow_before")
    live_breaker, shadow_breaker = policy_breaker.alias("live_breaker"), policy_breaker.alias("shadow_breaker")
    route = live.c.maker_first != shadow.c.maker_first
    both_before = shadow_before.c.run_id.is_not(None) & live_before.c.run_id.is_not(None)
    query = (
        select(live.c.rule_set.label("live"), shadow.c.rule_set.label("shadow"), live.c.symbol)
        .add_columns(
            func.count().label("run_count"),
            func.min(run.c.slot).label("first_slot"),
            func.max(run.c.slot).label("last_slot"),
            func.sum(run.c.seconds).label("seconds"),
            _seconds_where(run, or_(route, live.c.taker_bias != shadow.c.taker_bias)).label("disagree_seconds"),
            _seconds_where(run, route).label("route_seconds"),
            *_side("live", run, live, live_breaker, both_before & _flipped(live_before, live)),
            *_side("shadow", run, shadow, shadow_breaker, both_before & _flipped(shadow_before, shadow)),
        )
        .select_from(run)
        .join(live, live.c.run_id == run.c.run_id)
        .join(shadow, _same(shadow, live))
        .outerjoin(live_before, _before(run, live_before, live))
        .outerjoin(shadow_before, _before(run, shadow_before, shadow))
        .outerjoin(live_breaker, _same(live_breaker, live) & (live_breaker.c.rule_set == live.c.rule_set))
        .outerjoin(shadow_breaker, _same(shadow_breaker, shadow) & (shadow_breaker.c.rule_set == shadow.c.rule_set))
        .group_by(live.c.rule_set, shadow.c.rule_set, live.c.symbol)
        .order_by(live.c.rule_set, shadow.c.rule_set, live.c.symbol)
    )
    return [_contrast(row) for row in connection.execute(query).mappings()]


def _runs(connection: Connection, scope: str, since: datetime | None) -> CTE:
    """The runs of a scope, each with the seconds until the next and the number of the one before."""
    run = policy_run
    following = func.lead(run.c.slot, type_=run.c.slot.type).over(order_by=run.c.slot)
    seconds = _epoch_seconds(connection, following) - _epoch_seconds(connection, run.c.slot)
    query = select(
        run.c.run_id,
        run.c.slot,
        func.coalesce(seconds, 0).label("seconds"),
        func.lag(run.c.run_id).over(order_by=run.c.slot).label("previous_run_id"),
    ).where(run.c.scope == scope)
    return (query if since is None else query.where(run.c.slot >= since)).cte("run")


def _epoch_seconds(connection: Connection, moment: ColumnElement[Any]) -> ColumnElement[int]:
    if connection.dialect.name == "sqlite":
        return cast(func.strftime("%s", moment), COUNT)
    return cast(func.extract("epoch", moment), COUNT)


def _seconds_where(run: CTE, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, run.c.seconds), else_=0))


def _side(
    prefix: str, run: CTE, said: Any, breaker: Any, flipped: ColumnElement[bool]
) -> tuple[ColumnElement[int], ...]:
    is_open = or_(breaker.c.opened_at.is_not(None), breaker.c.pool_opened_at.is_not(None))
    return (
        _seconds_where(run, said.c.maker_first).label(f"{prefix}_maker_first_seconds"),
        func.sum(case((flipped, 1), else_=0)).label(f"{prefix}_flip_count"),
        _seconds_where(run, breaker.c.run_id.is_not(None)).label(f"{prefix}_breaker_seconds"),
        _seconds_where(run, is_open).label(f"{prefix}_breaker_open_seconds"),
    )


def _flipped(before: Any, now: Any) -> ColumnElement[bool]:
    flipped: ColumnElement[bool] = before.c.maker_first != now.c.maker_first
    return flipped


def _same(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(one.c.run_id == other.c.run_id, one.c.symbol == other.c.symbol)


def _before(run: CTE, before: Any, now: Any) -> ColumnElement[bool]:
    return and_(
        before.c.run_id == run.c.previous_run_id,
        before.c.symbol == now.c.symbol,
        before.c.rule_set == now.c.rule_set,
    )


def _contrast(row: Any) -> RuleSetDifference:
    """Take a row of sums; Postgres gives them as decimals."""
    return RuleSetDifference(
        live=row["live"],
        shadow=row["shadow"],
        symbol=row["symbol"],
        run_count=row["run_count"],
        first_slot=row["first_slot"],
        last_slot=row["last_slot"],
        seconds=int(row["seconds"]),
        disagree_seconds=int(row["disagree_seconds"]),
        route_seconds=int(row["route_seconds"]),
        live_side=RuleSetTotals(**{field.name: int(row[f"live_{field.name}"]) for field in fields(RuleSetTotals)}),
        shadow_side=RuleSetTotals(**{field.name: int(row[f"shadow_{field.name}"]) for field in fields(RuleSetTotals)}),
    )


def breaker_events(connection: Connection, scope: str, since: datetime | None) -> list[BreakerEvent]:
    """Return every opening and closing of a breaker at the slots from `since` on, live or in the shadow, oldest first.

    What a breaker remembers after a run says by itself whether it moved in it: it is open since, or counts from, this
    very slot.
    """
    run, breaker = policy_run, policy_breaker
    moved = {
        (BreakerLevel.OWN, BreakerTransition.OPENED): breaker.c.opened_at == run.c.slot,
        (BreakerLevel.OWN, BreakerTransition.CLOSED): breaker.c.restarted_at == run.c.slot,
        (BreakerLevel.POOL, BreakerTransition.OPENED): breaker.c.pool_opened_at == run.c.slot,
        (BreakerLevel.POOL, BreakerTransition.CLOSED): breaker.c.pool_restarted_at == run.c.slot,
    }
    query = (
        select(run.c.slot, breaker.c.rule_set, breaker.c.symbol)
        .add_columns(func.coalesce(policy_shadow.c.reason, policy_snapshot.c.reason).label("reason"))
        .add_columns(*(case((condition, 1), else_=0).label(f"{a}_{b}") for (a, b), condition in moved.items()))
        .select_from(run)
        .join(breaker, breaker.c.run_id == run.c.run_id)
        .join(policy_snapshot, _same(policy_snapshot, breaker))
        .outerjoin(policy_shadow, _same(policy_shadow, breaker) & (policy_shadow.c.rule_set == breaker.c.rule_set))
        .where(run.c.scope == scope, or_(*moved.values()))
        .order_by(run.c.slot, breaker.c.rule_set, breaker.c.symbol)
    )
    rows = connection.execute(query if since is None else query.where(run.c.slot >= since)).mappings()
    found: dict[tuple[object, ...], BreakerEvent] = {}  # the scope's breaker stands in the row of every symbol
    for row in rows:
        for which, move in moved:
            if row[f"{which}_{move}"]:
                symbol = row["symbol"] if which is BreakerLevel.OWN else None
                made = BreakerEvent(
                    rule_set=row["rule_set"],
                    which=which,
                    symbol=symbol,
                    move=move,
                    slot=row["slot"],
                    reason=row["reason"],
                )
                found.setdefault((made.rule_set, which, symbol, move, made.slot), made)
    return list(found.values())


def maker_first_shares(
    connection: Connection, scope: str, symbol: str | None, start: datetime, end: datetime
) -> list[MakerFirstShare]:
    """Return what the live rule set and its shadows said at the slots that were valid between, oldest first.

    That is `start <= slot < end` and the newest slot up to the start; of one symbol, or of all where it is None.
    """
    run, live, shadow = policy_run, policy_snapshot, policy_shadow
    at_start = select(func.max(run.c.slot)).where(run.c.scope == scope, run.c.slot <= start).scalar_subquery()
    here = and_(run.c.scope == scope, run.c.slot >= func.coalesce(at_start, start), run.c.slot < end)
    found: list[MakerFirstShare] = []
    for table in (live, shadow):
        share = func.avg(case((table.c.maker_first, 1.0), else_=0.0))
        query = select(run.c.slot, table.c.rule_set, share).join(table, table.c.run_id == run.c.run_id).where(here)
        if symbol is not None:
            query = query.where(table.c.symbol == symbol)
        rows: Sequence[Any] = connection.execute(query.group_by(run.c.slot, table.c.rule_set)).all()
        found += [MakerFirstShare(slot=slot, rule_set=name, maker_first_share=float(mean)) for slot, name, mean in rows]
    return sorted(found, key=lambda said: (said.slot, said.rule_set))
