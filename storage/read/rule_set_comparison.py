"""The live rule set beside each shadow: totals by symbol, and the share of maker first over time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, and_, case, cast, func, or_, select

from storage.schema.column_types import COUNT
from storage.schema.tables import policy_breaker, policy_run, policy_shadow, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetTotals:
    """What one rule set decided for a symbol, in seconds of validity, and how often it flipped between maker and taker.

    `breaker_seconds` is the time for which it is known whether its breaker was open, 0 for rules without one.
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
    live_totals: RuleSetTotals
    shadow_totals: RuleSetTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerFirstShare:
    """The share of the symbols for which a rule set decided maker first at a slot."""

    slot: datetime
    rule_set: str
    maker_first_share: float


def rule_set_differences(connection: Connection, scope: str, since: datetime | None = None) -> list[RuleSetDifference]:
    """Return every pair of a live rule set and a shadow, by symbol, over the slots from `since` on; None: all."""
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
            *_totals("live", run, live, live_breaker, both_before & _flipped(live_before, live)),
            *_totals("shadow", run, shadow, shadow_breaker, both_before & _flipped(shadow_before, shadow)),
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
    return [_difference(row) for row in connection.execute(query).mappings()]


def _runs(connection: Connection, scope: str, since: datetime | None) -> CTE:
    """Select the runs of a scope, each with the seconds until the next and the number of the one before."""
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


def _totals(
    prefix: str, run: CTE, decided: Any, breaker: Any, flipped: ColumnElement[bool]
) -> tuple[ColumnElement[int], ...]:
    is_open = or_(breaker.c.opened_at.is_not(None), breaker.c.pool_opened_at.is_not(None))
    return (
        _seconds_where(run, decided.c.maker_first).label(f"{prefix}_maker_first_seconds"),
        func.sum(case((flipped, 1), else_=0)).label(f"{prefix}_flip_count"),
        _seconds_where(run, breaker.c.run_id.is_not(None)).label(f"{prefix}_breaker_seconds"),
        _seconds_where(run, is_open).label(f"{prefix}_breaker_open_seconds"),
    )


def _flipped(before: Any, now: Any) -> ColumnElement[bool]:
    flipped: ColumnElement[bool] = before.c.maker_first != now.c.maker_first
    return flipped


def _same(left: Any, right: Any) -> ColumnElement[bool]:
    return and_(left.c.run_id == right.c.run_id, left.c.symbol == right.c.symbol)


def _before(run: CTE, before: Any, now: Any) -> ColumnElement[bool]:
    return and_(
        before.c.run_id == run.c.previous_run_id,
        before.c.symbol == now.c.symbol,
        before.c.rule_set == now.c.rule_set,
    )


def _difference(row: Any) -> RuleSetDifference:
    """Read a row of sums; Postgres gives them as decimals."""
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
        live_totals=RuleSetTotals(**{field.name: int(row[f"live_{field.name}"]) for field in fields(RuleSetTotals)}),
        shadow_totals=RuleSetTotals(
            **{field.name: int(row[f"shadow_{field.name}"]) for field in fields(RuleSetTotals)}
        ),
    )


def maker_first_shares(
    connection: Connection, scope: str, symbol: str | None, start: datetime, end: datetime
) -> list[MakerFirstShare]:
    """Return the shares of the live rule set and its shadows at `start <= slot < end`, oldest first.

    The newest slot up to `start` is there as well, as its run was valid then. Of one symbol, or of all if it is None.
    """
    run = policy_run
    at_start = select(func.max(run.c.slot)).where(run.c.scope == scope, run.c.slot <= start).scalar_subquery()
    here = and_(run.c.scope == scope, run.c.slot >= func.coalesce(at_start, start), run.c.slot < end)
    shares: list[MakerFirstShare] = []
    for table in (policy_snapshot, policy_shadow):
        share = func.avg(case((table.c.maker_first, 1.0), else_=0.0))
        query = select(run.c.slot, table.c.rule_set, share).join(table, table.c.run_id == run.c.run_id).where(here)
        if symbol is not None:
            query = query.where(table.c.symbol == symbol)
        rows: Sequence[Any] = connection.execute(query.group_by(run.c.slot, table.c.rule_set)).all()
        shares += [
            MakerFirstShare(slot=slot, rule_set=name, maker_first_share=float(mean)) for slot, name, mean in rows
        ]
    return sorted(shares, key=lambda share: (share.slot, share.rule_set))
