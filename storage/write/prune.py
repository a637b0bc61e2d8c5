"""Retention: the oldest entries of the chain are removed, whole runs only; the chain goes on from an anchor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, or_, select, text, tuple_

from storage.audit.chain import advance_head, reserve_next_entry
from storage.audit.digest import DIGEST_FORM, entry_digest, values_in_schema_order
from storage.database.transaction import database_now, transaction
from storage.schema.tables import (
    policy_breaker,
    policy_override,
    policy_override_end,
    policy_prune,
    policy_reject,
    policy_run,
    policy_saving,
    policy_shadow,
    policy_slot,
    policy_snapshot,
)
from storage.write.day_figures import forget_days

RUNS_AT_ONCE = 200
_PAGES_AT_ONCE = 2000
# Rows that refer to others go first.
_NUMBERED = (
    (policy_saving, "run_id"),
    (policy_breaker, "run_id"),
    (policy_shadow, "run_id"),
    (policy_snapshot, "run_id"),
    (policy_reject, "run_id"),
    (policy_run, "run_id"),
    (policy_override_end, "entry_id"),
    (policy_override, "entry_id"),
    (policy_prune, "entry_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """One batch: how many runs were removed, and the entry up to which everything is removed now."""

    run_count: int
    through_entry_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """What a prune would remove: how many runs, when the last of them was published, and its entry."""

    run_count: int
    last_published_at: datetime
    through_entry_id: int


def prunable(connection: Connection, keep: timedelta) -> Prunable | None:
    """Return what `prune` would remove now, None if nothing is old enough."""
    now = database_now(connection)
    through = _last_removable(connection, now - keep, now)
    if through is None:
        return None
    removed = select(func.count(), func.max(policy_run.c.published_at)).where(policy_run.c.run_id <= through)
    run_count, last_published_at = connection.execute(removed).one()
    return Prunable(run_count=run_count, last_published_at=last_published_at, through_entry_id=through)


def prune(engine: Engine, keep: timedelta, through_entry_id: int | None = None) -> Iterator[Pruned]:
    """Remove what was published longer ago than `keep`, oldest first, one transaction per batch; then free the space.

    With `through_entry_id`, nothing after that entry is removed, even if it is old enough by now.

    The longest beginning of the chain that is old enough is removed. It stops before the newest run of any scope, which
    readers may need, and before an override that still lasts or lasted in a slot that stays. If it is interrupted
    between batches, the store is consistent. The figures of days that ended longer ago go as well.
    """
    while (batch := _prune_batch(engine, keep, through_entry_id)) is not None:
        yield batch
    with transaction(engine) as connection:
        forget_days(connection, database_now(connection) - keep)
    _free_space(engine)


def _prune_batch(engine: Engine, keep: timedelta, limit: int | None) -> Pruned | None:
    with transaction(engine) as connection:
        now = database_now(connection)
        through = _end_of_batch(connection, now - keep, now, limit)
        if through is None:
            return None
        entry_id, previous_digest = reserve_next_entry(connection)
        removed = select(func.count()).select_from(policy_run).where(policy_run.c.run_id <= through)
        row: dict[str, Any] = {
            "entry_id": entry_id,
            "through_entry_id": through,
            "anchor_digest": _digest_of(connection, through),
            "run_count": connection.execute(removed).scalar_one(),
            "pruned_at": now,
            "previous_digest": previous_digest,
            "digest_form": DIGEST_FORM,
        }
        row["digest"] = entry_digest(policy_prune, values_in_schema_order(policy_prune, row))
        connection.execute(policy_prune.insert(), row)
        advance_head(connection, row["digest"])
        _delete_through(connection, through)
        return Pruned(run_count=row["run_count"], through_entry_id=through)


def _end_of_batch(connection: Connection, before: datetime, now: datetime, limit: int | None) -> int | None:
    """Return the number of the last entry of the next batch, or None if nothing is old enough.

    A batch that would cut through an override includes the runs of the next one.
    """
    last = _last_removable(connection, before, now, limit)
    if last is None:
        return None
    old = select(policy_run.c.run_id).where(policy_run.c.run_id <= last).order_by(policy_run.c.run_id)
    numbers: list[int] = list(connection.scalars(old))
    cuts = (*numbers[RUNS_AT_ONCE - 1 :: RUNS_AT_ONCE], last)
    return next(cut for cut in cuts if _first_override_to_keep(connection, cut, now) is None)


def _last_removable(connection: Connection, before: datetime, now: datetime, limit: int | None = None) -> int | None:
    first_kept = _first_run_to_keep(connection, before)
    last = _last_run_before(connection, first_kept if limit is None else min(first_kept, limit + 1))
    while last is not None and (override := _first_override_to_keep(connection, last, now)) is not None:
        last = _last_run_before(connection, override)
    return last


def _first_run_to_keep(connection: Connection, before: datetime) -> int:
    """Return the first run that is young, or the newest of its scope; 0 before the first run."""
    run = policy_run
    young = select(func.min(run.c.run_id)).where(run.c.published_at >= before)
    newer = run.alias("newer")
    has_newer = select(1).where(newer.c.scope == run.c.scope, newer.c.slot > run.c.slot).exists()
    newest = select(func.min(run.c.run_id)).where(~has_newer)
    numbers = [connection.execute(query).scalar_one_or_none() for query in (young, newest)]
    return min((number for number in numbers if number is not None), default=0)


def _last_run_before(connection: Connection, entry_id: int) -> int | None:
    query = select(func.max(policy_run.c.run_id)).where(policy_run.c.run_id < entry_id)
    number: int | None = connection.execute(query).scalar_one_or_none()
    return number


def _first_override_to_keep(connection: Connection, through: int, now: datetime) -> int | None:
    """Return the first override up to `through` that is still needed, or None.

    It is needed if it lasts, if it lasted in a slot that stays, or if its early end stays and refers to it.
    """
    made, ended, run = policy_override, policy_override_end, policy_run
    end_at = func.coalesce(ended.c.ended_at, made.c.until_at, type_=made.c.until_at.type)
    first_slot = select(func.min(run.c.slot)).where(run.c.scope == made.c.scope, run.c.run_id > through)
    is_needed = or_(end_at > now, end_at > first_slot.scalar_subquery(), ended.c.entry_id > through)
    query = select(func.min(made.c.entry_id)).outerjoin(ended, ended.c.override_id == made.c.entry_id)
    number: int | None = connection.execute(query.where(made.c.entry_id <= through, is_needed)).scalar_one_or_none()
    return number


def _digest_of(connection: Connection, run_id: int) -> str:
    digest: str = connection.execute(select(policy_run.c.digest).where(policy_run.c.run_id == run_id)).scalar_one()
    return digest


def _delete_through(connection: Connection, through: int) -> None:
    removed = select(policy_run.c.scope, policy_run.c.slot).where(policy_run.c.run_id <= through)
    connection.execute(delete(policy_slot).where(tuple_(policy_slot.c.scope, policy_slot.c.slot).in_(removed)))
    for table, number in _NUMBERED:
        connection.execute(delete(table).where(table.c[number] <= through))


def _free_space(engine: Engine) -> None:
    """Shrink the file on SQLite, some pages per transaction; on Postgres, let the space be used again."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table, _ in _NUMBERED:
                connection.execute(text(f"vacuum (analyze) {table.name}"))
        return
    while True:
        with transaction(engine) as connection:
            free = connection.execute(text("pragma freelist_count")).scalar_one()
            if free == 0 or connection.execute(text("pragma auto_vacuum")).scalar_one() != 2:  # 2: incremental
                return
            # The driver frees one page per row that is fetched, although the statement returns no rows.
            connection.connection.cursor().execute(f"pragma incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
