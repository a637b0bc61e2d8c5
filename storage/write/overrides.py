"""Overrides: a person's temporary decision, in force at once for readers and kept like everything else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, select

from policy import TakerBias
from storage.audit.chain import advance_head, reserve_next_entry
from storage.audit.digest import entry_digest, values_in_schema_order
from storage.database.transaction import database_now
from storage.errors import StoreError
from storage.read.policies import latest
from storage.schema.tables import policy_override, policy_override_end


class OverrideError(StoreError, ValueError):
    """An override that cannot be made or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A decision that is in force instead of the computed one, with `from_at <= t < until_at`."""

    entry_id: int
    scope: str
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    author: str
    reason: str
    from_at: datetime
    until_at: datetime


def make_override(
    connection: Connection,
    scope: str,
    symbol: str,
    *,
    maker_first: bool,
    taker_bias: TakerBias,
    lasting: timedelta,
    author: str,
    reason: str,
) -> Override:
    """Put a decision in force from now on for a while, for a symbol that has a policy; a later one goes before it.

    Raises OverrideError where the symbol has no policy in the scope, or author or reason is empty.
    """
    if not author.strip() or not reason.strip():
        raise OverrideError("an override needs an author and a reason: they are what is left of it in the history")
    entry_id, previous_digest = reserve_next_entry(connection)
    if not latest(connection, scope, symbol):
        raise OverrideError(f"{symbol!r} has no policy in scope {scope!r} that could be overridden")
    now = database_now(connection)
    row: dict[str, Any] = {
        "entry_id": entry_id,
        "scope": scope,
        "symbol": symbol,
        "maker_first": maker_first,
        "taker_bias": taker_bias.value,
        "author": author,
        "reason": reason,
        "from_at": now,
        "until_at": now + lasting,
    }
    _write(connection, policy_override, row, previous_digest)
    return Override(**{**row, "taker_bias": taker_bias})


def end_override(connection: Connection, scope: str, symbol: str, *, author: str, reason: str) -> Override:
    """End the override that is in force for a symbol; the one before it, where it still lasts, is in force again.

    Raises OverrideError where none is.
    """
    entry_id, previous_digest = reserve_next_entry(connection)
    now = database_now(connection)
    in_force = [one for one in overrides_at(connection, scope, now) if one.symbol == symbol]
    if not in_force:
        raise OverrideError(f"no override is in force for {symbol!r} in scope {scope!r}")
    row = {
        "entry_id": entry_id,
        "override_id": in_force[-1].entry_id,
        "author": author,
        "reason": reason,
        "ended_at": now,
    }
    _write(connection, policy_override_end, row, previous_digest)
    return in_force[-1]


def overrides_at(connection: Connection, scope: str, at: datetime) -> list[Override]:
    """Return the overrides of a scope that had begun and not ended at a moment, in the order they were made."""
    made, ended = policy_override, policy_override_end
    query = (
        select(made)
        .outerjoin(ended, and_(ended.c.override_id == made.c.entry_id, ended.c.ended_at <= at))
        .where(made.c.scope == scope, made.c.from_at <= at, made.c.until_at > at, ended.c.entry_id.is_(None))
        .order_by(made.c.entry_id)
    )
    return [_override(row) for row in connection.execute(query).mappings()]


def _override(row: Any) -> Override:
    values = {name: row[name] for name in Override.__dataclass_fields__}
    return Override(**{**values, "taker_bias": TakerBias(row["taker_bias"])})


def _write(connection: Connection, table: Table, row: dict[str, Any], previous_digest: str) -> None:
    row = {**row, "previous_digest": previous_digest}
    digest = entry_digest(table, values_in_schema_order(table, row))
    connection.execute(table.insert(), {**row, "digest": digest})
    advance_head(connection, digest)
