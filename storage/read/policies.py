"""The policies in force, now and at a time, and the runs that they are of."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, func, or_, select

from policy.effective import EffectivePolicy
from policy.reject import Reject
from policy.rules import RuleSet, rule_set_from_text
from policy.snapshot import Snapshot
from storage.read.overrides import overrides_at
from storage.read.rows import effective_policy, from_row, policy_period
from storage.records import PolicyChange, PolicyPeriod, PublishedRun
from storage.schema.tables import policy_reject, policy_rule_set, policy_run, policy_snapshot
from storage.schema.views import policy_change, policy_gap, policy_history, policy_latest


def latest(connection: Connection, scope: str, symbol: str | None = None) -> list[EffectivePolicy]:
    """Return the policies of the newest slot by symbol, overrides included; empty before the first run."""
    query = select(policy_latest).where(policy_latest.c.scope == scope).order_by(policy_latest.c.symbol)
    if symbol is not None:
        query = query.where(policy_latest.c.symbol == symbol)
    return [effective_policy(row) for row in connection.execute(query).mappings()]


def history(
    connection: Connection, scope: str, symbol: str, since: datetime | None = None, until: datetime | None = None
) -> list[PolicyPeriod]:
    """Return one symbol's policies with `since <= valid_from < until`, oldest first; None: no bound."""
    view = policy_history
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol).order_by(view.c.valid_from)
    if since is not None:
        query = query.where(view.c.valid_from >= since)
    if until is not None:
        query = query.where(view.c.valid_from < until)
    return [policy_period(row) for row in connection.execute(query).mappings()]


def in_force(connection: Connection, scope: str, symbol: str, at: datetime) -> PolicyPeriod | None:
    """Return the policy with `valid_from <= at < valid_to`, or None if none was in force."""
    view = policy_history
    query = select(view).where(
        view.c.scope == scope,
        view.c.symbol == symbol,
        view.c.slot <= at,
        view.c.valid_from <= at,
        or_(view.c.valid_to.is_(None), view.c.valid_to > at),
    )
    row = connection.execute(query.order_by(view.c.valid_from.desc()).limit(1)).mappings().one_or_none()
    return policy_period(row) if row is not None else None


def all_in_force(connection: Connection, scope: str, at: datetime) -> list[PolicyPeriod]:
    """Return every symbol's policy with `valid_from <= at < valid_to`, by symbol; empty before the first slot."""
    view, run = policy_history, policy_run
    newest = select(run.c.run_id).where(run.c.scope == scope, run.c.slot <= at).order_by(run.c.slot.desc()).limit(1)
    query = select(view).where(
        view.c.scope == scope,
        view.c.run_id == newest.scalar_subquery(),
        view.c.valid_from <= at,
        or_(view.c.valid_to.is_(None), view.c.valid_to > at),
    )
    return [policy_period(row) for row in connection.execute(query.order_by(view.c.symbol)).mappings()]


def last_change(connection: Connection, scope: str, symbol: str, until: datetime) -> PolicyChange | None:
    """Return the last change of a symbol's decision with `slot <= until`, or None if it never changed."""
    view = policy_change
    query = select(view).where(view.c.scope == scope, view.c.symbol == symbol, view.c.slot <= until)
    row = connection.execute(query.order_by(view.c.slot.desc()).limit(1)).mappings().one_or_none()
    return from_row(PolicyChange, row) if row is not None else None


def rule_set_of_run(connection: Connection, run_id: int) -> RuleSet:
    """Return the rule set that decided a run. Raises UnknownRuleSetError if this program does not have it."""
    rules, run = policy_rule_set, policy_run
    query = select(rules).join(run, run.c.rule_set_digest == rules.c.digest).where(run.c.run_id == run_id)
    row = connection.execute(query).one()
    return rule_set_from_text(row.name, row.version, row.parameters)


def symbols_before(connection: Connection, scope: str, slot: datetime) -> list[str]:
    """Return the symbols that have a policy in the newest run before `slot`; empty without such a run."""
    newest = _newest_run_before(scope, slot).scalar_subquery()
    return list(connection.scalars(select(policy_snapshot.c.symbol).where(policy_snapshot.c.run_id == newest)))


def symbols_without_orders(connection: Connection, scope: str, slot: datetime, since: datetime) -> list[str]:
    """Return those of `symbols_before` of which no run from `since` on had an order in its window.

    A symbol whose policy a person overrides at the slot is not among them: the override is to stay in force.
    """
    snapshot = policy_snapshot
    earlier = snapshot.alias("earlier")
    has_orders = select(1).where(
        earlier.c.scope == scope,
        earlier.c.symbol == snapshot.c.symbol,
        earlier.c.slot >= since,
        earlier.c.slot < slot,
        earlier.c.outcome_count > 0,
    )
    newest = _newest_run_before(scope, slot).scalar_subquery()
    query = select(snapshot.c.symbol).where(snapshot.c.run_id == newest, ~has_orders.exists())
    overridden = {entry.symbol for entry in overrides_at(connection, scope, slot)}
    return sorted(symbol for symbol in connection.scalars(query) if symbol not in overridden)


def slot_of_leaving(connection: Connection, scope: str, symbol: str) -> datetime | None:
    """Return the slot from which on a symbol that once had a policy has none, None if it still has one or never had."""
    of_symbol = select(func.max(policy_snapshot.c.slot)).where(
        policy_snapshot.c.scope == scope, policy_snapshot.c.symbol == symbol
    )
    run = policy_run
    query = select(func.min(run.c.slot)).where(run.c.scope == scope, run.c.slot > of_symbol.scalar_subquery())
    slot: datetime | None = connection.scalar(query)
    return slot


def _newest_run_before(scope: str, slot: datetime) -> Select[tuple[int]]:
    run = policy_run
    return select(run.c.run_id).where(run.c.scope == scope, run.c.slot < slot).order_by(run.c.slot.desc()).limit(1)


def run_of_slot(connection: Connection, scope: str, slot: datetime) -> PublishedRun | None:
    """Return the run that was published for a slot, or None."""
    query = select(policy_run).where(policy_run.c.scope == scope, policy_run.c.slot == slot)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(PublishedRun, row) if row is not None else None


def first_run(connection: Connection, scope: str) -> PublishedRun | None:
    """Return the run of the earliest slot of a scope that is kept, or None before the first."""
    query = select(policy_run).where(policy_run.c.scope == scope).order_by(policy_run.c.slot).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(PublishedRun, row) if row is not None else None


def newest_run(connection: Connection, scope: str) -> PublishedRun | None:
    """Return the run of the newest slot of a scope, or None before the first."""
    query = select(policy_run).where(policy_run.c.scope == scope).order_by(policy_run.c.slot.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(PublishedRun, row) if row is not None else None


def newest_run_with_policies(connection: Connection, scope: str) -> PublishedRun | None:
    """Return the run of the newest slot of a scope that found a symbol, or None."""
    run = policy_run
    query = select(run).where(run.c.scope == scope, run.c.symbol_count > 0).order_by(run.c.slot.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(PublishedRun, row) if row is not None else None


def snapshots_of_run(connection: Connection, run_id: int) -> list[Snapshot]:
    """Return a run's snapshots by symbol, as they were computed."""
    query = select(policy_snapshot).where(policy_snapshot.c.run_id == run_id).order_by(policy_snapshot.c.symbol)
    return [from_row(Snapshot, row) for row in connection.execute(query).mappings()]


def source_notes_of_run(connection: Connection, run_id: int) -> tuple[str, ...]:
    """Return what the sources of a run cannot tell, a sentence each, as the run recorded it."""
    text = connection.scalar(select(policy_run.c.sources).where(policy_run.c.run_id == run_id))
    notes = json.loads(text).get("notes", []) if text is not None else []
    return tuple(map(str, notes))


def rejects_of_run(connection: Connection, run_id: int) -> list[Reject]:
    """Return the rejected rows of a run, by source and reason."""
    return rejects_of_runs(connection, [run_id])[run_id]


def rejects_of_runs(connection: Connection, run_ids: Sequence[int]) -> dict[int, list[Reject]]:
    """Return the rejected rows of each of these runs, by source and reason; a run without any has an empty list."""
    table = policy_reject
    query = select(table).where(table.c.run_id.in_(run_ids)).order_by(table.c.run_id, table.c.source, table.c.reason)
    rejects: dict[int, list[Reject]] = {run_id: [] for run_id in run_ids}
    for row in connection.execute(query).mappings():
        rejects[row["run_id"]].append(from_row(Reject, row))
    return rejects


def oldest_gap(connection: Connection, scope: str, before: datetime) -> datetime | None:
    """Return the oldest slot before this one that was missed or abandoned, or None; failed ones stay failed."""
    gap = policy_gap
    query = select(gap.c.slot).where(
        gap.c.scope == scope, gap.c.slot < before, gap.c.state.in_(("missed", "abandoned"))
    )
    return connection.scalar(query.order_by(gap.c.slot).limit(1))
