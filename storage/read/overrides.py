"""The overrides in force at a time, and those of one symbol over time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridePeriod:
    """An override and the time in which it was in force, or will be: `from_at <= t < to_at`.

    `end_author` and `end_reason` are those of the person who ended it before `until_at`, else None.
    """

    entry_id: int
    maker_first: bool
    taker_bias: TakerBias
    author: str
    reason: str
    from_at: datetime
    to_at: datetime
    end_author: str | None
    end_reason: str | None


def override_periods(
    connection: Connection, scope: str, symbol: str, since: datetime, until: datetime
) -> list[OverridePeriod]:
    """Return one symbol's overrides that were in force at any time with `since <= t < until`, oldest first."""
    made, ended = policy_override, policy_override_end
    to_at = func.coalesce(ended.c.ended_at, made.c.until_at)
    query = (
        select(*(made.c[name] for name in ("entry_id", "maker_first", "taker_bias", "author", "reason", "from_at")))
        .add_columns(to_at.label("to_at"), ended.c.author.label("end_author"), ended.c.reason.label("end_reason"))
        .outerjoin_from(made, ended, ended.c.override_id == made.c.entry_id)
        .where(made.c.scope == scope, made.c.symbol == symbol, made.c.from_at < until, to_at > since)
        .order_by(made.c.entry_id)
    )
    return [from_row(OverridePeriod, row) for row in connection.execute(query).mappings()]


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
