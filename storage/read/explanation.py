"""What a decision rested on beyond its own row: the state of its breaker, why that opened, and the shadows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, union_all

from policy import Evidence, Quality, TakerBias
from policy.rules import State
from policy.snapshot import Snapshot
from storage.read.breaker_events import BreakerLevel
from storage.read.rows import evidence_with_streaks, state_after, state_before
from storage.schema.tables import policy_breaker, policy_run, policy_shadow, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The slot at which a breaker opened, and the reason given then, None if that row was removed."""

    level: BreakerLevel
    opened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerDecision:
    """What a breaker rested on, and its state before and after a run; `before` is None in the symbol's first run.

    `openings` has one for each breaker that was open after the run.
    """

    evidence: Evidence
    before: State | None
    after: State
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowDecision:
    """What a rule set in the shadow would have decided; `breaker` is None for a rule set without state."""

    rule_set: str
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    reason: str
    breaker: BreakerDecision | None


def breaker_of(connection: Connection, snapshot: Snapshot, rule_set: str) -> BreakerDecision | None:
    """Return what a rule set, live or in the shadow, rested on beside a snapshot; None for one without state."""
    breaker = policy_breaker
    query = select(breaker).where(
        breaker.c.run_id == snapshot.run_id, breaker.c.symbol == snapshot.symbol, breaker.c.rule_set == rule_set
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return BreakerDecision(
        evidence=evidence_with_streaks(snapshot.evidence, row, snapshot.slot),
        before=state_before(row),
        after=state_after(row),
        openings=tuple(_openings(connection, snapshot, row)),
    )


def _openings(connection: Connection, snapshot: Snapshot, row: Any) -> Iterator[Opening]:
    for level, opened_at in ((BreakerLevel.OWN, row.opened_at), (BreakerLevel.POOL, row.pool_opened_at)):
        if opened_at is not None:
            reason = _reason_at(connection, snapshot, row.rule_set, opened_at)
            yield Opening(level=level, opened_at=opened_at, reason=reason)


def _reason_at(connection: Connection, snapshot: Snapshot, rule_set: str, slot: datetime) -> str | None:
    """Return a rule set's reason for the symbol at another slot, whether it was live then or in the shadow."""
    run = policy_run
    reasons = union_all(
        *(
            select(table.c.reason)
            .join(run, run.c.run_id == table.c.run_id)
            .where(run.c.scope == snapshot.scope, run.c.slot == slot)
            .where(table.c.symbol == snapshot.symbol, table.c.rule_set == rule_set)
            for table in (policy_snapshot, policy_shadow)
        )
    )
    return connection.scalar(reasons)


def shadows_of(connection: Connection, snapshot: Snapshot) -> list[ShadowDecision]:
    """Return what each rule set in the shadow would have decided instead of a snapshot, by name."""
    shadow = policy_shadow
    query = select(shadow).where(shadow.c.run_id == snapshot.run_id, shadow.c.symbol == snapshot.symbol)
    return [
        ShadowDecision(
            rule_set=row.rule_set,
            maker_first=row.maker_first,
            taker_bias=TakerBias(row.taker_bias),
            quality=Quality(row.quality),
            reason=row.reason,
            breaker=breaker_of(connection, snapshot, row.rule_set),
        )
        for row in connection.execute(query.order_by(shadow.c.rule_set)).all()
    ]
