"""Policies visible to readers at a given time, for judging orders without hindsight."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, or_, select

from policy.enums import Quality, Regime
from storage.read.rows import from_row
from storage.schema.tables import policy_override, policy_override_end, policy_prune, policy_run, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSlot:
    """A run, and the time from which readers could see it."""

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
class PolicyHoldout:
    """A policy that holds out `share` of the orders of its symbol, chosen by `salt`: they go the other way."""

    run_id: int
    symbol: str
    share: float
    salt: str
    maker_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VisiblePolicies:
    """What a scope's readers could see from one time until another, and the named runs.

    `taker` holds run and symbol of each policy that skips the maker attempt, if they were asked for, and `holdouts` the
    policies of the named runs that hold orders out. Runs up to `pruned_through` were removed for their age, 0 if none
    was.

    `policies_from` is the time from which on readers could see a policy of the scope: None without a run, and the time
    that was asked for after a prune, which removed the first runs.
    """

    runs: tuple[PublishedSlot, ...]
    taker: tuple[tuple[int, str], ...]
    overrides: tuple[OverrideSpan, ...]
    holdouts: tuple[PolicyHoldout, ...]
    pruned_through: int
    policies_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChange:
    """A symbol's computed decision as readers could see it from `published_at` on, until its next change."""

    symbol: str
    published_at: datetime
    maker_first: bool
    quality: Quality
    regime: Regime


def visible_policies(
    connection: Connection,
    scope: str,
    start: datetime,
    end: datetime,
    named: Collection[int] = (),
    *,
    with_taker: bool = True,
    as_if_live: bool = False,
) -> VisiblePolicies:
    """Return what readers could see at any time with `start <= t < end`, and those of the `named` runs that exist.

    `taker` takes a look at every snapshot of the time; without `with_taker` it stays empty. `as_if_live` takes each run
    as published at its slot, for runs that were computed later, as over the orders of a backtest.
    """
    seen_at = _seen_at(as_if_live=as_if_live)
    pruned_through = connection.scalar(select(func.max(policy_prune.c.through_entry_id))) or 0
    first_seen = select(func.min(seen_at)).where(policy_run.c.scope == scope)
    return VisiblePolicies(
        runs=_runs(connection, scope, start, end, named, seen_at),
        taker=_taker(connection, scope, start, end, seen_at) if with_taker else (),
        overrides=_overrides(connection, scope, start, end),
        holdouts=_holdouts(connection, scope, named),
        pruned_through=pruned_through,
        policies_from=start if pruned_through else connection.scalar(first_seen),
    )


def decision_changes(
    connection: Connection, scope: str, start: datetime, end: datetime, *, as_if_live: bool = False
) -> tuple[DecisionChange, ...]:
    """Return the changes of decisions that readers could see at any time with `start <= t < end`, overrides aside.

    The first decision of each symbol counts as a change. Readers see the newest slot, so a run that was published after
    a later slot was never visible. `as_if_live` is as in `visible_policies`.
    """
    run, snapshot, seen_at = policy_run, policy_snapshot, _seen_at(as_if_live=as_if_live)
    newest = func.max(run.c.slot).over(order_by=seen_at)
    in_turn = select(
        run.c.run_id, run.c.slot, seen_at.label("published_at"), (run.c.slot == newest).label("is_visible")
    )
    runs = in_turn.where(run.c.run_id.in_(_visible_runs(scope, start, end, seen_at))).subquery()
    decided = {name: snapshot.c[name] for name in ("maker_first", "quality", "regime")}
    before = {
        name: func.lag(column).over(partition_by=snapshot.c.symbol, order_by=runs.c.slot).label(f"{name}_before")
        for name, column in decided.items()
    }
    visible = (
        select(snapshot.c.symbol, runs.c.published_at, *decided.values(), *before.values())
        .join(runs, runs.c.run_id == snapshot.c.run_id)
        .where(runs.c.is_visible)
        .subquery()
    )
    has_changed = or_(*(visible.c[name].is_distinct_from(visible.c[f"{name}_before"]) for name in decided))
    query = select(visible.c.symbol, visible.c.published_at, *(visible.c[name] for name in decided)).where(has_changed)
    return tuple(from_row(DecisionChange, row) for row in connection.execute(query).mappings())


def _seen_at(*, as_if_live: bool) -> ColumnElement[datetime]:
    """Return the column with the time from which readers saw a run."""
    return policy_run.c.slot if as_if_live else policy_run.c.published_at


def _visible_runs(scope: str, start: datetime, end: datetime, seen_at: ColumnElement[datetime]) -> Select[tuple[int]]:
    """Select the runs published between, and the one that readers saw at the start: the newest slot by then."""
    run = policy_run
    at_start = select(run.c.run_id).where(run.c.scope == scope, seen_at <= start)
    newest = at_start.order_by(run.c.slot.desc()).limit(1).scalar_subquery()
    is_later = and_(run.c.scope == scope, seen_at > start, seen_at < end)
    return select(run.c.run_id).where(or_(is_later, run.c.run_id == newest))


def _runs(
    connection: Connection,
    scope: str,
    start: datetime,
    end: datetime,
    named: Collection[int],
    seen_at: ColumnElement[datetime],
) -> tuple[PublishedSlot, ...]:
    """Named runs are looked for as one range of numbers: there may be more of them than a query takes values."""
    run, visible = policy_run, set(connection.scalars(_visible_runs(scope, start, end, seen_at)))
    wanted = visible.union(named)
    if not wanted:
        return ()
    query = select(run.c.run_id, run.c.slot, seen_at.label("published_at")).where(
        run.c.scope == scope, run.c.run_id.between(min(wanted), max(wanted))
    )
    return tuple(PublishedSlot(**row) for row in connection.execute(query).mappings() if row["run_id"] in wanted)


def _taker(
    connection: Connection, scope: str, start: datetime, end: datetime, seen_at: ColumnElement[datetime]
) -> tuple[tuple[int, str], ...]:
    snapshot = policy_snapshot
    query = select(snapshot.c.run_id, snapshot.c.symbol).where(
        snapshot.c.run_id.in_(_visible_runs(scope, start, end, seen_at)), not_(snapshot.c.maker_first)
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


def _holdouts(connection: Connection, scope: str, named: Collection[int]) -> tuple[PolicyHoldout, ...]:
    """Named runs are looked for as one range of numbers, as in `_runs`."""
    if not named:
        return ()
    snapshot, wanted = policy_snapshot, set(named)
    query = select(
        snapshot.c.run_id,
        snapshot.c.symbol,
        snapshot.c.holdout_share.label("share"),
        snapshot.c.holdout_salt.label("salt"),
        snapshot.c.maker_first,
    ).where(
        snapshot.c.scope == scope,
        snapshot.c.run_id.between(min(wanted), max(wanted)),
        snapshot.c.holdout_share.is_not(None),
    )
    return tuple(PolicyHoldout(**row) for row in connection.execute(query).mappings() if row["run_id"] in wanted)
