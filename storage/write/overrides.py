"""Overrides: a person's temporary decision, in force at once for readers and kept like everything else."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table

from policy import TakerBias
from storage.audit.chain import advance_head, reserve_next_entry
from storage.audit.digest import DIGEST_FORM, entry_digest, values_in_schema_order
from storage.database.transaction import database_now
from storage.errors import StoreError
from storage.read.overrides import OverrideEntry, newest_override_entry, overrides_at
from storage.read.policies import latest
from storage.schema.tables import policy_override, policy_override_end


class OverrideError(StoreError, ValueError):
    """An override that cannot be made or ended."""


class NothingToOverrideError(OverrideError, LookupError):
    """There is no policy that could be overridden, or no override that could be ended."""


class OverrideOutdatedError(OverrideError):
    """Somebody overrode the symbol, or ended an override of it, after what the person had seen."""


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
    seen_entry_id: int | None = None,
) -> OverrideEntry:
    """Put a decision in force from now on, for as long as `lasting`; of two overrides the later one counts.

    `seen_entry_id` is the `newest_override_entry` that the person had seen, None if that does not matter. So the same
    request, sent twice, is written once. Raises OverrideOutdatedError if it is another by now,
    NothingToOverrideError if the symbol has no policy in the scope, and OverrideError if author or reason is empty.
    """
    if not author.strip() or not reason.strip():
        raise OverrideError("an override needs an author and a reason; the history keeps both")
    entry_id, previous_digest = reserve_next_entry(connection)
    if not latest(connection, scope, symbol):
        raise NothingToOverrideError(f"{symbol!r} has no policy in scope {scope!r} to override")
    if seen_entry_id is not None and newest_override_entry(connection, scope, symbol) != seen_entry_id:
        raise OverrideOutdatedError(
            f"{symbol!r} was overridden, or an override of it ended, since you looked; look again, then decide"
        )
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
    return OverrideEntry(**{**row, "taker_bias": taker_bias})


def end_override(
    connection: Connection, scope: str, symbol: str, *, author: str, reason: str, override_id: int | None = None
) -> OverrideEntry:
    """End the override that is in force for a symbol; an earlier one that still lasts is in force again.

    Raises OverrideOutdatedError if `override_id` is given and not in force, and NothingToOverrideError if none
    is in force.
    """
    entry_id, previous_digest = reserve_next_entry(connection)
    now = database_now(connection)
    in_force = [entry for entry in overrides_at(connection, scope, now) if entry.symbol == symbol]
    if override_id is not None and override_id not in {entry.entry_id for entry in in_force[-1:]}:
        raise OverrideOutdatedError(
            f"override {override_id} of {symbol!r} is not in force now; look again, then decide"
        )
    if not in_force:
        raise NothingToOverrideError(f"no override is in force for {symbol!r} in scope {scope!r}")
    row = {
        "entry_id": entry_id,
        "override_id": in_force[-1].entry_id,
        "author": author,
        "reason": reason,
        "ended_at": now,
    }
    _write(connection, policy_override_end, row, previous_digest)
    return in_force[-1]


def _write(connection: Connection, table: Table, row: dict[str, Any], previous_digest: str) -> None:
    row = {**row, "previous_digest": previous_digest, "digest_form": DIGEST_FORM}
    digest = entry_digest(table, values_in_schema_order(table, row))
    connection.execute(table.insert(), {**row, "digest": digest})
    advance_head(connection, digest)
