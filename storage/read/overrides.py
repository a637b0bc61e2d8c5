"""The overrides in force at a time, those of one symbol over time, and all that were made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from policy import TakerBias
from storage.read.pages import PageBounds
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
    """An override and the time in which it was in force, or will be: `from_at <= t < to_at`, at most until `until_at`.

    `end_author` and `end_reason` are those of the person who ended it before `until_at`, else None.
    """

    entry_id: int
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    author: str
    reason: str
    from_at: datetime
    until_at: datetime
    to_at: datetime
    end_author: str | None
    end_reason: str | None


def override_periods(
    connection: Connection, scope: str, symbol: str, since: datetime, until: datetime
) -> list[OverridePeriod]:
    """Return one symbol's overrides that were in force at any time with `since <= t < until`, oldest first."""
    made = policy_override
    query = _periods(scope).where(made.c.symbol == symbol, made.c.from_at < until, since < _TO_AT)
    return [from_row(OverridePeriod, row) for row in connection.execute(query.order_by(made.c.entry_id)).mappings()]


def override_history(
    connection: Connection,
    scope: str,
    bounds: PageBounds,
    *,
    symbol: str | None = None,
    before_entry_id: int | None = None,
) -> list[OverridePeriod]:
    """Return the overrides that were made within the bounds, of one symbol or of all, the newest first.

    A page goes on before the entry that ended the page before.
    """
    made = policy_override
    query = _periods(scope).where(bounds.holds(made.c.from_at))
    if symbol is not None:
        query = query.where(made.c.symbol == symbol)
    if before_entry_id is not None:
        query = query.where(made.c.entry_id < before_entry_id)
    newest_first = query.order_by(made.c.entry_id.desc()).limit(bounds.limit)
    return [from_row(OverridePeriod, row) for row in connection.execute(newest_first).mappings()]


def override_by_id(connection: Connection, scope: str, entry_id: int) -> OverridePeriod | None:
    """Return an override of a scope by its number, None if there is none."""
    row = connection.execute(_periods(scope).where(policy_override.c.entry_id == entry_id)).mappings().first()
    return from_row(OverridePeriod, row) if row is not None else None


_TO_AT = func.coalesce(policy_override_end.c.ended_at, policy_override.c.until_at)


def _periods(scope: str) -> Select[Any]:
    made, ended = policy_override, policy_override_end
    own = ("entry_id", "symbol", "maker_first", "taker_bias", "author", "reason", "from_at", "until_at")
    return (
        select(*(made.c[name] for name in own))
        .add_columns(_TO_AT.label("to_at"), ended.c.author.label("end_author"), ended.c.reason.label("end_reason"))
        .outerjoin_from(made, ended, ended.c.override_id == made.c.entry_id)
        .where(made.c.scope == scope)
    )


def newest_override_entry(connection: Connection, scope: str, symbol: str) -> int:
    """Return the entry with which a symbol was last overridden, or an override of it ended; 0 if neither happened."""
    made, ended = policy_override, policy_override_end
    query = (
        select(func.max(made.c.entry_id), func.max(ended.c.entry_id))
        .outerjoin_from(made, ended, ended.c.override_id == made.c.entry_id)
        .where(made.c.scope == scope, made.c.symbol == symbol)
    )
    newest_made, newest_ended = connection.execute(query).one()
    return max(newest_made or 0, newest_ended or 0)


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
