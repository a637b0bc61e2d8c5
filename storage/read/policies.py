"""Reading: the latest policies, one symbol's history, and runs, through the public views."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, MetaData, RowMapping, Select, Table, Text, or_, select

from policy.rules import RuleSet, rule_set_from_text
from storage.records import PublishedRun, Reject, Snapshot
from storage.schema.column_types import COUNT, Flag, UtcTimestamp
from storage.schema.tables import policy_reject, policy_rule_set, policy_run, policy_snapshot

_views = MetaData()


def _view(name: str, *more: Column[object]) -> Table:
    columns: list[Column[object]] = [Column(column.name, column.type) for column in policy_snapshot.columns]
    return Table(name, _views, *columns, *more)


def _beside() -> tuple[Column[object], ...]:
    """Columns that stand beside a decision that is in force: what was computed, and the override where there is one."""
    return (
        Column("computed_maker_first", Flag),
        Column("computed_taker_bias", Text),
        Column("override_id", COUNT),
        Column("override_author", Text),
        Column("override_reason", Text),
        Column("override_until_at", UtcTimestamp),
    )


policy_latest = _view("policy_latest", Column("published_at", UtcTimestamp), *_beside())
policy_history = _view(
    "policy_history",
    Column("valid_from", UtcTimestamp),
    Column("valid_to", UtcTimestamp),
    Column("origin", Text),
    Column("published_at", UtcTimestamp),
    *_beside(),
)
policy_change = _view(
    "policy_change",
    Column("previous_slot", UtcTimestamp),
    Column("previous_maker_first", Flag),
    Column("previous_taker_bias", Text),
    Column("previous_quality", Text),
    Column("previous_regime", Text),
    Column("previous_reason", Text),
)


policy_gap = Table(
    "policy_gap",
    _views,
    Column("scope", Text),
    Column("slot", UtcTimestamp),
    Column("state", Text),
    Column("owner", Text),
    Column("failure_count", COUNT),
    Column("last_error", Text),
)


def oldest_gap(connection: Connection, scope: str, before: datetime) -> datetime | None:
    """Return the oldest slot before this one that was missed or abandoned, or None; failed ones stay failed."""
    gap = policy_gap
    query = select(gap.c.slot).where(
        gap.c.scope == scope, gap.c.slot < before, gap.c.state.in_(("missed", "abandoned"))
    )
    return connection.scalar(query.order_by(gap.c.slot).limit(1))


def latest(connection: Connection, scope: str, symbol: str | None = None) -> list[tuple[Snapshot, datetime]]:
    """Return the newest slot's snapshots by symbol, each with the time it was published; empty before the first run."""
    return [(Snapshot.from_row(row), row["published_at"]) for row in latest_rows(connection, scope, symbol)]


def latest_rows(connection: Connection, scope: str, symbol: str | None = None) -> Sequence[RowMapping]:
    """Return the rows of policy_latest by symbol, with what stands beside the decision; empty before the first run."""
    query = select(policy_latest).where(policy_latest.c.scope == scope).order_by(policy_latest.c.symbol)
    if symbol is not None:
        query = query.where(policy_latest.c.symbol == symbol)
    return connection.execute(query).mappings().all()


def history(
    connection: Connection, scope: str, symbol: str, since: datetime | None = None, until: datetime | None = None
) -> Sequence[RowMapping]:
    """Return one symbol's rows of policy_history with `since <= valid_from < until`, oldest first."""
    view = policy_history
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol).order_by(view.c.valid_from)
    if since is not None:
        query = query.where(view.c.valid_from >= since)
    if until is not None:
        query = query.where(view.c.valid_from < until)
    return connection.execute(query).mappings().all()


def in_force(connection: Connection, scope: str, symbol: str, at: datetime) -> RowMapping | None:
    """Return the row of policy_history with `valid_from <= at < valid_to`, or None where no policy was in force."""
    view = policy_history
    query = select(view).where(
        view.c.scope == scope,
        view.c.symbol == symbol,
        view.c.slot <= at,
        view.c.valid_from <= at,
        or_(view.c.valid_to.is_(None), view.c.valid_to > at),
    )
    return connection.execute(query.order_by(view.c.valid_from.desc()).limit(1)).mappings().one_or_none()


def last_change(connection: Connection, scope: str, symbol: str, until: datetime) -> RowMapping | None:
    """Return the last row of policy_change with `slot <= until`, or None where the decision never changed."""
    view = policy_change
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol, view.c.slot <= until)
    return connection.execute(query.order_by(view.c.slot.desc()).limit(1)).mappings().one_or_none()


def rule_set_of_run(connection: Connection, run_id: int) -> RuleSet:
    """Return the rule set that decided a run. Raises UnknownRuleSetError where this program does not have it."""
    rules, run = policy_rule_set, policy_run
    query = select(rules).join(run, run.c.rule_set_digest == rules.c.digest).where(run.c.run_id == run_id)
    row = connection.execute(query).one()
    return rule_set_from_text(row.name, row.version, row.parameters)


def symbols_before(connection: Connection, scope: str, slot: datetime) -> list[str]:
    """Return the symbols that the newest run before `slot` had a policy for; empty without such a run."""
    return list(
        connection.scalars(
            select(policy_snapshot.c.symbol).where(
                policy_snapshot.c.run_id == _newest_run_before(scope, slot).scalar_subquery()
            )
        )
    )


def _newest_run_before(scope: str, slot: datetime) -> Select[tuple[int]]:
    run = policy_run
    return select(run.c.run_id).where(run.c.scope == scope, run.c.slot < slot).order_by(run.c.slot.desc()).limit(1)


def run_of_slot(connection: Connection, scope: str, slot: datetime) -> PublishedRun | None:
    """Return the run that was published for a slot, or None."""
    query = select(policy_run).where(policy_run.c.scope == scope, policy_run.c.slot == slot)
    row = connection.execute(query).mappings().one_or_none()
    return PublishedRun.from_row(row) if row is not None else None


def newest_run(connection: Connection, scope: str) -> PublishedRun | None:
    """Return the run of the newest slot of a scope, or None before the first."""
    query = select(policy_run).where(policy_run.c.scope == scope).order_by(policy_run.c.slot.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return PublishedRun.from_row(row) if row is not None else None


def snapshots_of_run(connection: Connection, run_id: int) -> list[Snapshot]:
    """Return a run's snapshots by symbol."""
    query = select(policy_snapshot).where(policy_snapshot.c.run_id == run_id).order_by(policy_snapshot.c.symbol)
    return [Snapshot.from_row(row) for row in connection.execute(query).mappings()]


def rejects_of_run(connection: Connection, run_id: int) -> list[Reject]:
    """Return the rejected rows of a run, by source and reason."""
    table = policy_reject
    query = select(table.c.source, table.c.reason, table.c.reject_count, table.c.sample).where(table.c.run_id == run_id)
    return [Reject(**row) for row in connection.execute(query.order_by(table.c.source, table.c.reason)).mappings()]
