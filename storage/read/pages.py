"""Lists a page at a time: one symbol's history, policies as of a moment, changes, runs, and slots without a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from storage.read.policies import policy_gap, policy_history
from storage.schema.tables import (
    policy_head,
    policy_override,
    policy_override_end,
    policy_reject,
    policy_run,
    policy_run_failure,
    policy_shadow,
    policy_snapshot,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryVersion:
    """What the latest policies depend on: two equal versions have equal policies, and a later one may too.

    It moves when anything is published and when an override begins or ends, also by itself.
    """

    scope: str
    entry_id: int
    digest: str
    override_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBounds:
    """Which part of a list is wanted: `since <= time < until`, None for no bound, and at most `limit` rows."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int

    def holds(self, time: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that a time lies in the window."""
        bounds = [time >= self.since] if self.since is not None else []
        bounds += [time < self.until] if self.until is not None else []
        return and_(True, *bounds)


def version(connection: Connection, scope: str) -> tuple[HistoryVersion, datetime]:
    """Return the version of the latest policies, and the database's clock at which it was asked for.

    Read it before the policies: they are then as new as it says, or newer.
    """
    rows = connection.execute(_version_query(connection.dialect.name), {"scope": scope}).all()
    now = rows[0].now if isinstance(rows[0].now, datetime) else datetime.fromisoformat(rows[0].now).replace(tzinfo=UTC)
    in_force = tuple(row.override_id for row in rows if row.override_id is not None)
    found = HistoryVersion(scope=scope, entry_id=rows[0].entry_id, digest=rows[0].digest, override_ids=in_force)
    return found, now.astimezone(UTC)


@cache
def _version_query(dialect: str) -> Select[*tuple[object, ...]]:
    """One statement, made once: it is asked with every request. The clock is written as the views write it."""
    clock = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'" if dialect == "sqlite" else "clock_timestamp()"
    now: ColumnElement[datetime] = literal_column(clock)
    made, ended = policy_override, policy_override_end
    is_ended = select(ended.c.entry_id).where(ended.c.override_id == made.c.entry_id, ended.c.ended_at <= now).exists()
    lasts = and_(made.c.scope == bindparam("scope"), made.c.from_at <= now, made.c.until_at > now, not_(is_ended))
    return (
        select(policy_head.c.entry_id, policy_head.c.digest, now.label("now"), made.c.entry_id.label("override_id"))
        .select_from(policy_head)
        .outerjoin(made, lasts)
        .order_by(made.c.entry_id)
    )


def history_page(connection: Connection, scope: str, symbol: str, window: PageBounds) -> Sequence[RowMapping]:
    """Return one symbol's rows of policy_history with `valid_from` in the window, oldest first."""
    view = policy_history
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol, window.holds(view.c.valid_from))
    return connection.execute(query.order_by(view.c.valid_from).limit(window.limit)).mappings().all()


def policies_at(connection: Connection, scope: str, at: datetime) -> Sequence[RowMapping]:
    """Return the rows of policy_history that were in force at a moment, by symbol; empty before the first slot."""
    view, run = policy_history, policy_run
    newest = select(run.c.run_id).where(run.c.scope == scope, run.c.slot <= at).order_by(run.c.slot.desc()).limit(1)
    query = select(view).where(
        view.c.scope == scope,
        view.c.run_id == newest.scalar_subquery(),
        view.c.valid_from <= at,
        or_(view.c.valid_to.is_(None), view.c.valid_to > at),
    )
    return connection.execute(query.order_by(view.c.symbol)).mappings().all()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCursor:
    """Where a page of changes ended: the next begins after this symbol of this slot."""

    slot: datetime
    symbol: str


def changes(
    connection: Connection,
    scope: str,
    window: PageBounds,
    *,
    symbol: str | None = None,
    after: PageCursor | None = None,
) -> Sequence[RowMapping]:
    """Return what changed, as policy_change says it, at slots in the window: the newest first, then by symbol.

    Asked of the tables and not of the view, so that a page ends the search.
    """
    run, now = _RUN, _NOW
    query = _changed().where(run.c.scope == scope, window.holds(run.c.slot))
    if symbol is not None:
        query = query.where(now.c.symbol == symbol)
    if after is not None:
        rest = and_(run.c.slot == after.slot, now.c.symbol > after.symbol)
        query = query.where(or_(run.c.slot < after.slot, rest))
    return connection.execute(query.order_by(run.c.slot.desc(), now.c.symbol).limit(window.limit)).mappings().all()


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
    """Select each symbol's decision beside that of the run before, where the two differ."""
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


def runs(connection: Connection, scope: str, window: PageBounds) -> Sequence[RowMapping]:
    """Return the runs whose slot is in the window, newest first."""
    run = policy_run
    query = select(run).where(run.c.scope == scope, window.holds(run.c.slot))
    return connection.execute(query.order_by(run.c.slot.desc()).limit(window.limit)).mappings().all()


def run_by_id(connection: Connection, scope: str, run_id: int) -> RowMapping | None:
    """Return a run of a scope by its number, or None."""
    query = select(policy_run).where(policy_run.c.scope == scope, policy_run.c.run_id == run_id)
    return connection.execute(query).mappings().one_or_none()


def rejects_of_runs(connection: Connection, run_ids: Sequence[int]) -> Sequence[RowMapping]:
    """Return the rejected rows of several runs, by run, source and reason."""
    table = policy_reject
    query = select(table).where(table.c.run_id.in_(run_ids))
    return connection.execute(query.order_by(table.c.run_id, table.c.source, table.c.reason)).mappings().all()


def gaps(connection: Connection, scope: str, window: PageBounds) -> Sequence[RowMapping]:
    """Return the rows of policy_gap whose slot is in the window, newest first."""
    view = policy_gap
    query = select(view).where(view.c.scope == scope, window.holds(view.c.slot))
    return connection.execute(query.order_by(view.c.slot.desc()).limit(window.limit)).mappings().all()


def failures(connection: Connection, scope: str, window: PageBounds) -> Sequence[RowMapping]:
    """Return the tries that published nothing, for slots in the window, newest first."""
    table = policy_run_failure
    query = select(table).where(table.c.scope == scope, window.holds(table.c.slot))
    return (
        connection.execute(query.order_by(table.c.slot.desc(), table.c.fencing_token.desc()).limit(window.limit))
        .mappings()
        .all()
    )


def disagreements(connection: Connection, run_id: int, limit: int) -> Sequence[RowMapping]:
    """Return where a rule set in the shadow told a run's symbol otherwise than the live one, by rule set and symbol."""
    live, shadow = policy_snapshot, policy_shadow
    query = (
        select(shadow.c.rule_set, shadow.c.symbol, shadow.c.maker_first, shadow.c.taker_bias, shadow.c.reason)
        .add_columns(*(live.c[name].label(f"live_{name}") for name in ("maker_first", "taker_bias", "reason")))
        .join(live, and_(live.c.run_id == shadow.c.run_id, live.c.symbol == shadow.c.symbol))
        .where(shadow.c.run_id == run_id)
        .where(or_(*(live.c[name] != shadow.c[name] for name in ("maker_first", "taker_bias"))))
    )
    return connection.execute(query.order_by(shadow.c.rule_set, shadow.c.symbol).limit(limit)).mappings().all()
