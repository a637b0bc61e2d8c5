"""What had been published when: for judging what was done at a time by what could be known then."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, not_, or_, select

from storage.schema.tables import policy_override, policy_override_end, policy_prune, policy_run, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSlot:
    """A run by the time at which readers could first see it."""

    run_id: int
    slot: datetime
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideSpan:
    """An override as it was in force, with `from_at <= t < end_at`; of two that overlap the one made later counts."""

    override_id: int
    symbol: str
    maker_first: bool
    from_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisiblePolicies:
    """What a scope's readers could see from a time on until another, and the runs that were named beside it.

    `taker` are the run and symbol of each policy that said taker, where they were asked for. Runs up to
    `pruned_through` were removed for their age, 0 where none was.
    """

    runs: tuple[PublishedSlot, ...]
    taker: tuple[tuple[int, str], ...]
    overrides: tuple[OverrideSpan, ...]
    pruned_through: int


def visible_policies(
    connection: Connection,
    scope: str,
    start: datetime,
    end: datetime,
    named: Collection[int] = (),
    *,
    with_taker: bool = True,
) -> VisiblePolicies:
    """Return what readers could see at any time with `start <= t < end`, and those of the `named` runs that exist.

    `taker` is looked up in every snapshot of the time, and stays empty without `with_taker`.
    """
    return VisiblePolicies(
        runs=_runs(connection, scope, start, end, named),
        taker=_taker(connection, scope, start, end) if with_taker else (),
        overrides=_overrides(connection, scope, start, end),
        pruned_through=connection.scalar(select(func.max(policy_prune.c.through_entry_id))) or 0,
    )


def visible_runs(scope: str, start: datetime, end: datetime) -> Select[tuple[int]]:
    """Select the runs published between, and the one that readers saw at the start: the newest slot by then."""
    run = policy_run
    at_start = select(run.c.run_id).where(run.c.scope == scope, run.c.published_at <= start)
    newest = at_start.order_by(run.c.slot.desc()).limit(1).scalar_subquery()
    is_later = and_(run.c.scope == scope, run.c.published_at > start, run.c.published_at < end)
    return select(run.c.run_id).where(or_(is_later, run.c.run_id == newest))


def _runs(
    connection: Connection, scope: str, start: datetime, end: datetime, named: Collection[int]
) -> tuple[PublishedSlot, ...]:
    """Named runs are looked for as one range of numbers: there may be more of them than a query takes values."""
    run, visible = policy_run, set(connection.scalars(visible_runs(scope, start, end)))
    wanted = visible.union(named)
    if not wanted:
        return ()
    query = select(run.c.run_id, run.c.slot, run.c.published_at).where(
        run.c.scope == scope, run.c.run_id.between(min(wanted), max(wanted))
    )
    return tuple(PublishedSlot(**row) for row in connection.execute(query).mappings() if row["run_id"] in wanted)


def _taker(connection: Connection, scope: str, start: datetime, end: datetime) -> tuple[tuple[int, str], ...]:
    snapshot = policy_snapshot
    query = select(snapshot.c.run_id, snapshot.c.symbol).where(
        snapshot.c.run_id.in_(visible_runs(scope, start, end)), not_(snapshot.c.maker_first)
    )
    return tuple((run_id, symbol) for run_id, symbol in connection.execute(query))


def _overrides(connection: Connection, scope: str, start: datetime, end: datetime) -> tuple[OverrideSpan, ...]:
    made, ended = policy_override, policy_override_end
    end_at = func.coalesce(ended.c.ended_at, made.c.until_at, type_=made.c.until_at.type)
    query = (
        select(made.c.entry_id.label("override_id"), made.c.symbol, made.c.maker_first, made.c.from_at)
        .add_columns(end_at.label("end_at"))
        .outerjoin(ended, ended.c.override_id == made.c.entry_id)
        .where(made.c.scope == scope, made.c.from_at < end, end_at > start)
    )
    return tuple(OverrideSpan(**row) for row in connection.execute(query).mappings())
