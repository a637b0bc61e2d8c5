"""The overrides in force at a time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, select

from policy import TakerBias
from storage.read.rows import from_row
from storage.schema.tables import policy_override, policy_override_end


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEntry:
    """An override as it was made: in force instead of the computed decision, with `from_at <= t < until_at`."""

    entry_id: int
    scope: str
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    author: str
    reason: str
    from_at: datetime
    until_at: datetime


def overrides_at(connection: Connection, scope: str, at: datetime) -> list[OverrideEntry]:
    """Return the overrides of a scope that had begun and not ended at a moment, in the order they were made."""
    made, ended = policy_override, policy_override_end
    query = (
        select(made)
        .outerjoin(ended, and_(ended.c.override_id == made.c.entry_id, ended.c.ended_at <= at))
        .where(made.c.scope == scope, made.c.from_at <= at, made.c.until_at > at, ended.c.entry_id.is_(None))
        .order_by(made.c.entry_id)
    )
    return [from_row(OverrideEntry, row) for row in connection.execute(query).mappings()]
