"""When breakers opened and closed, live or in the shadow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, and_, case, func, or_, select

from storage.schema.tables import policy_breaker, policy_run, policy_shadow, policy_snapshot


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
    """A breaker opened or closed at a slot, with the reason given then; `symbol` is None for the one of the scope."""

    rule_set: str
    level: BreakerLevel
    symbol: str | None
    transition: BreakerTransition
    slot: datetime
    reason: str


# A breaker's state after a run shows whether it changed in that run: it is open since, or counts from, this very slot.
_HAPPENED = {
    (BreakerLevel.OWN, BreakerTransition.OPENED): policy_breaker.c.opened_at == policy_run.c.slot,
    (BreakerLevel.OWN, BreakerTransition.CLOSED): policy_breaker.c.restarted_at == policy_run.c.slot,
    (BreakerLevel.POOL, BreakerTransition.OPENED): policy_breaker.c.pool_opened_at == policy_run.c.slot,
    (BreakerLevel.POOL, BreakerTransition.CLOSED): policy_breaker.c.pool_restarted_at == policy_run.c.slot,
}


def breaker_events(connection: Connection, scope: str, since: datetime | None = None) -> list[BreakerEvent]:
    """Return every opening and closing at the slots from `since` on, oldest first; None: all of them."""
    run, breaker, live, shadow = policy_run, policy_breaker, policy_snapshot, policy_shadow
    same_live = and_(live.c.run_id == breaker.c.run_id, live.c.symbol == breaker.c.symbol)
    same_shadow = and_(
        shadow.c.run_id == breaker.c.run_id,
        shadow.c.symbol == breaker.c.symbol,
        shadow.c.rule_set == breaker.c.rule_set,
    )
    query = (
        select(run.c.slot, breaker.c.rule_set, breaker.c.symbol)
        .add_columns(func.coalesce(shadow.c.reason, live.c.reason).label("reason"))
        .add_columns(*(case((happened, 1), else_=0).label(_label(*key)) for key, happened in _HAPPENED.items()))
        .select_from(run)
        .join(breaker, breaker.c.run_id == run.c.run_id)
        .join(live, same_live)
        .outerjoin(shadow, same_shadow)
        .where(run.c.scope == scope, or_(*_HAPPENED.values()))
        .order_by(run.c.slot, breaker.c.rule_set, breaker.c.symbol)
    )
    rows = connection.execute(query if since is None else query.where(run.c.slot >= since)).mappings()
    events: dict[tuple[object, ...], BreakerEvent] = {}  # the scope's breaker stands in the row of every symbol
    for row in rows:
        for level, transition in _HAPPENED:
            if row[_label(level, transition)]:
                event = _event(row, level, transition)
                events.setdefault((event.rule_set, level, event.symbol, transition, event.slot), event)
    return list(events.values())


def _label(level: BreakerLevel, transition: BreakerTransition) -> str:
    return f"{level}_{transition}"


def _event(row: RowMapping, level: BreakerLevel, transition: BreakerTransition) -> BreakerEvent:
    return BreakerEvent(
        rule_set=row["rule_set"],
        level=level,
        symbol=row["symbol"] if level is BreakerLevel.OWN else None,
        transition=transition,
        slot=row["slot"],
        reason=row["reason"],
    )
