"""Lists a page at a time: one symbol's history, changes, runs, slots without a run, failures and disagreements."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from policy import TakerBias
from storage.read.rows import from_row, policy_period
from storage.records import PolicyChange, PolicyPeriod, PublishedRun
from storage.schema.tables import policy_run, policy_run_failure, policy_shadow, policy_snapshot
from storage.schema.views import policy_gap, policy_history


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBounds:
    """Which part of a list is wanted: `since <= time < until`, None for no bound, and at most `limit` rows."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int

    def holds(self, time: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that a time lies within the bounds."""
        bounds = [time >= self.since] if self.since is not None else []
        bounds += [time < self.until] if self.until is not None else []
        return and_(True, *bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCursor:
    """Where a page of changes ended: the next begins after this symbol of this slot."""

    slot: datetime
    symbol: str


class GapState(StrEnum):
    """Why a slot has no run: nobody computed it, every try failed, or its owner died while computing it."""

    MISSED = "missed"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotGap:
    """A slot that has no run; `owner` is the last that tried, empty if nobody did, and `last_error` why it failed."""

    scope: str
    slot: datetime
    state: GapState
    owner: str
    failure_count: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailure:
    """A try at a slot that published nothing, and why."""

    scope: str
    slot: datetime
    fencing_token: int
    owner: str
    failed_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A symbol for which a rule set in the shadow decided otherwise than the live one."""

    rule_set: str
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    reason: str
    live_maker_first: bool
    live_taker_bias: TakerBias
    live_reason: str


def history_page(connection: Connection, scope: str, symbol: str, bounds: PageBounds) -> list[PolicyPeriod]:
    """Return one symbol's policies with `valid_from` within the bounds, oldest first."""
    view = policy_history
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol, bounds.holds(view.c.valid_from))
    rows = connection.execute(query.order_by(view.c.valid_from).limit(bounds.limit)).mappings()
    return [policy_period(row) for row in rows]


def changes(
    connection: Connection,
    scope: str,
    bounds: PageBounds,
    *,
    symbol: str | None = None,
    after: PageCursor | None = None,
) -> list[PolicyChange]:
    """Return the changes at slots within the bounds, as policy_change has them: the newest first, then by symbol.

    It reads the tables and not the view, so that a full page ends the search.
    """
    run, now = _RUN, _NOW
    query = _changed().where(run.c.scope == scope, bounds.holds(run.c.slot))
    if symbol is not None:
        query = query.where(now.c.symbol == symbol)
    if after is not None:
        rest = and_(run.c.slot == after.slot, now.c.symbol > after.symbol)
        query = query.where(or_(run.c.slot < after.slot, rest))
    rows = connection.execute(query.order_by(run.c.slot.desc(), now.c.symbol).limit(bounds.limit)).mappings()
    return [from_row(PolicyChange, row) for row in rows]


_RUN, _NOW, _THEN = policy_run.alias("run"), policy_snapshot.alias("now"), policy_snapshot.alias("then")
_DECIDED = ("maker_first", "taker_bias", "quality", "regime", "reason")


def changed_symbols(connection: Connection, scope: str, since: datetime) -> set[str]:
    """Return the symbols whose decision changed at a slot from this one on."""
    changed = _changed().where(_RUN.c.scope == scope, _RUN.c.slot >= since).subquery()
    return set(connection.scalars(select(changed.c.symbol).distinct()))


def changed_in_run(connection: Connection, run_id: int) -> int:
    """Return how many decisions changed in a run."""
    changed = _changed().where(_RUN.c.run_id == run_id).subquery()
    return connection.execute(select(func.count()).select_from(changed)).scalar_one()


def _changed() -> Select[*tuple[object, ...]]:
    """Select each symbol's decision beside that of the run before, if the two differ."""
    run, now, then, earlier = _RUN, _NOW, _THEN, policy_run.alias("earlier")
    before = (
        select(earlier.c.run_id)
        .where(earlier.c.scope == run.c.scope, earlier.c.slot < run.c.slot)
        .order_by(earlier.c.slot.desc())
        .limit(1)
        .correlate(run)
        .scalar_subquery()
    )
    differs = or_(*(now.c[name] != then.c[name] for name in ("maker_first", "taker_bias", "quality")))
    return (
        select(run.c.run_id, run.c.scope, run.c.slot, now.c.symbol, *(now.c[name] for name in _DECIDED))
        .add_columns(*(then.c[name].label(f"previous_{name}") for name in ("slot", *_DECIDED)))
        .select_from(run)
        .join(now, now.c.run_id == run.c.run_id)
        .join(then, and_(then.c.run_id == before, then.c.symbol == now.c.symbol))
        .where(differs)
    )


def runs(connection: Connection, scope: str, bounds: PageBounds) -> list[PublishedRun]:
    """Return the runs whose slot is within the bounds, newest first."""
    run = policy_run
    query = select(run).where(run.c.scope == scope, bounds.holds(run.c.slot))
    rows = connection.execute(query.order_by(run.c.slot.desc()).limit(bounds.limit)).mappings()
    return [from_row(PublishedRun, row) for row in rows]


def run_by_id(connection: Connection, scope: str, run_id: int) -> PublishedRun | None:
    """Return a run of a scope by its number, or None."""
    query = select(policy_run).where(policy_run.c.scope == scope, policy_run.c.run_id == run_id)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(PublishedRun, row) if row is not None else None


def gaps(connection: Connection, scope: str, bounds: PageBounds) -> list[SlotGap]:
    """Return the slots without a run within the bounds, newest first."""
    view = policy_gap
    query = select(view).where(view.c.scope == scope, bounds.holds(view.c.slot))
    rows = connection.execute(query.order_by(view.c.slot.desc()).limit(bounds.limit)).mappings()
    return [SlotGap(**{**row, "state": GapState(row["state"])}) for row in rows]


def failures(connection: Connection, scope: str, bounds: PageBounds) -> list[RunFailure]:
    """Return the tries that published nothing, for slots within the bounds, newest first."""
    table = policy_run_failure
    query = select(table).where(table.c.scope == scope, bounds.holds(table.c.slot))
    newest_first = query.order_by(table.c.slot.desc(), table.c.fencing_token.desc()).limit(bounds.limit)
    return [from_row(RunFailure, row) for row in connection.execute(newest_first).mappings()]


def disagreements(connection: Connection, run_id: int, limit: int) -> list[Disagreement]:
    """Return the symbols of a run for which a shadow decided otherwise than the live rule set, by rule set and symbol.

    They differ in `maker_first` or `taker_bias`; at most `limit` of them.
    """
    live, shadow = policy_snapshot, policy_shadow
    query = (
        select(shadow.c.rule_set, shadow.c.symbol, shadow.c.maker_first, shadow.c.taker_bias, shadow.c.reason)
        .add_columns(*(live.c[name].label(f"live_{name}") for name in ("maker_first", "taker_bias", "reason")))
        .join(live, and_(live.c.run_id == shadow.c.run_id, live.c.symbol == shadow.c.symbol))
        .where(shadow.c.run_id == run_id)
        .where(or_(*(live.c[name] != shadow.c[name] for name in ("maker_first", "taker_bias"))))
    )
    rows = connection.execute(query.order_by(shadow.c.rule_set, shadow.c.symbol).limit(limit)).mappings()
    return [from_row(Disagreement, row) for row in rows]
