"""What a decision rested on beyond its own row: the state of a breaker, why it opened, and what shadows said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, union_all

from policy import Evidence, Quality, TakerBias
from policy.rules import State
from storage.read.breaker_states import evidence_with, state_of
from storage.records import Snapshot, evidence_of
from storage.schema.tables import policy_breaker, policy_run, policy_shadow, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Since when a breaker is open, and the reason that was given then, None where that row is no longer there.

    `which` is own or pool: the symbol's breaker, or the one of the scope.
    """

    which: str
    opened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRecord:
    """What a breaker rested on and remembered before a run and after it; `before` None means the symbol's first run.

    `openings` are there for each breaker that was open after the run.
    """

    evidence: Evidence
    before: State | None
    after: State
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowDecision:
    """What a rule set in the shadow would have decided; `breaker` is None where it remembers nothing."""

    rule_set: str
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    reason: str
    breaker: BreakerRecord | None


def breaker_of(connection: Connection, snapshot: Snapshot, rule_set: str) -> BreakerRecord | None:
    """Return what a rule set rested on beside a snapshot, live or in the shadow; None where it remembers nothing."""
    breaker = policy_breaker
    query = select(breaker).where(
        breaker.c.run_id == snapshot.run_id, breaker.c.symbol == snapshot.symbol, breaker.c.rule_set == rule_set
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return BreakerRecord(
        evidence=evidence_with(evidence_of(snapshot), row, snapshot.slot),
        before=State.from_text(row.state_before) if row.state_before is not None else None,
        after=state_of(row),
        openings=tuple(_openings(connection, snapshot, row)),
    )


def _openings(connection: Connection, snapshot: Snapshot, row: Any) -> Iterator[Opening]:
    for which, opened_at in (("own", row.opened_at), ("pool", row.pool_opened_at)):
        if opened_at is not None:
            reason = _reason_at(connection, snapshot, row.rule_set, opened_at)
            yield Opening(which=which, opened_at=opened_at, reason=reason)


def _reason_at(connection: Connection, snapshot: Snapshot, rule_set: str, slot: datetime) -> str | None:
    """Return what a rule set said of the symbol at another slot; it may have been in the shadow then, or live."""
    run = policy_run
    said = union_all(
        *(
            select(table.c.reason)
            .join(run, run.c.run_id == table.c.run_id)
            .where(run.c.scope == snapshot.scope, run.c.slot == slot)
            .where(table.c.symbol == snapshot.symbol, table.c.rule_set == rule_set)
            for table in (policy_snapshot, policy_shadow)
        )
    )
    return connection.scalar(said)


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
