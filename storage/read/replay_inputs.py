"""The evidence of past runs as it was stored, run by run, for a replay."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from policy import Evidence, TakerBias
from policy.rules import State
from storage.read.rows import evidence_with_streaks, plain_rows, state_before
from storage.records import Origin
from storage.schema.tables import policy_breaker, policy_rule_set, policy_run, policy_snapshot

_SNAPSHOTS_AT_ONCE = 5000
_RUNS_AT_ONCE = 500
_READ = [
    column for column in policy_snapshot.columns if column.name not in ("reason", "codes", "scope", "slot", "run_id")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayableRun:
    """A run, valid until the next run's slot (`until`, None for the newest).

    `rule_sets` are the names of those that decided in it, each with its version.
    """

    run_id: int
    slot: datetime
    until: datetime | None
    symbol_count: int
    rule_sets: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayInput:
    """What one symbol's decision rested on, and what the live rule set decided.

    `before` is the recorded breaker's state before the run, None without a breaker and in a symbol's first run.
    """

    evidence: Evidence
    maker_first: bool
    taker_bias: TakerBias
    before: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many runs there are, and how many of them were computed later, which no router could follow."""

    run_count: int
    backfilled_count: int


def run_counts(connection: Connection, scope: str, since: datetime | None = None) -> RunCounts:
    """Count the runs of a scope with slots from `since` on; None: all of them."""
    run = policy_run
    backfilled = func.count().filter(run.c.origin == Origin.BACKFILL)
    query = select(func.count().label("run_count"), backfilled.label("backfilled_count")).where(run.c.scope == scope)
    if since is not None:
        query = query.where(run.c.slot >= since)
    row = connection.execute(query).one()
    return RunCounts(run_count=row.run_count, backfilled_count=row.backfilled_count)


def replayable_runs(connection: Connection, scope: str, since: datetime | None = None) -> list[ReplayableRun]:
    """Return the runs of a scope with slots from `since` on, oldest first; None: all of them."""
    run = policy_run
    following = func.lead(run.c.slot, type_=run.c.slot.type).over(order_by=run.c.slot).label("until")
    stored = connection.execute(select(policy_rule_set.c.digest, policy_rule_set.c.version))
    versions = {row.digest: row.version for row in stored}
    query = select(
        run.c.run_id, run.c.slot, following, run.c.symbol_count, run.c.rule_set, run.c.rule_set_digest, run.c.shadows
    )
    query = query.where(run.c.scope == scope).order_by(run.c.slot)
    if since is not None:
        query = query.where(run.c.slot >= since)
    return [
        ReplayableRun(
            run_id=row.run_id,
            slot=row.slot,
            until=row.until,
            symbol_count=row.symbol_count,
            rule_sets={
                name: versions[digest]
                for name, digest in ((row.rule_set, row.rule_set_digest), *json.loads(row.shadows or "{}").items())
            },
        )
        for row in connection.execute(query)
    ]


def batches(runs: Sequence[ReplayableRun]) -> Iterator[Sequence[ReplayableRun]]:
    """Split runs into as many at once as have some thousands of snapshots."""
    batch: list[ReplayableRun] = []
    for run in runs:
        full = sum(member.symbol_count for member in batch) + run.symbol_count > _SNAPSHOTS_AT_ONCE
        if batch and (full or len(batch) == _RUNS_AT_ONCE):
            yield batch
            batch = []
        batch.append(run)
    if batch:
        yield batch


def replay_inputs(
    connection: Connection, runs: Sequence[ReplayableRun], breaker: str | None = None
) -> dict[int, list[ReplayInput]]:
    """Return what each of these runs rested on, by run, in order of symbols.

    `breaker` names the rule set with state whose record is used: only the symbols that it recorded are there. With None
    the evidence has no order of events.
    """
    slots = {run.run_id: run.slot for run in runs}
    query = select(policy_snapshot.c.run_id, *_READ).where(policy_snapshot.c.run_id.in_(slots))
    breakers = _breakers(connection, slots, breaker) if breaker is not None else {}
    inputs: dict[int, list[ReplayInput]] = {run_id: [] for run_id in slots}
    for row in plain_rows(connection, query.order_by(policy_snapshot.c.run_id, policy_snapshot.c.symbol)):
        if breaker is None:
            inputs[row.run_id].append(_input(row, _evidence(row), None))
        elif (remembered := breakers.get((row.run_id, row.symbol))) is not None:
            evidence = evidence_with_streaks(_evidence(row), remembered, slots[row.run_id])
            inputs[row.run_id].append(_input(row, evidence, state_before(remembered)))
    return inputs


def _breakers(connection: Connection, slots: Any, name: str) -> dict[tuple[int, str], Any]:
    breaker = policy_breaker
    query = select(breaker).where(and_(breaker.c.run_id.in_(slots), breaker.c.rule_set == name))
    return {(row.run_id, row.symbol): row for row in plain_rows(connection, query)}


def _input(row: Any, evidence: Evidence, before: State | None) -> ReplayInput:
    return ReplayInput(
        evidence=evidence, maker_first=row.maker_first, taker_bias=TakerBias(row.taker_bias), before=before
    )


def _evidence(row: Any) -> Evidence:
    """Let the row stand for each part of the evidence: its columns have the names of their fields."""
    return Evidence(symbol=row.symbol, effectiveness=row, volatility=row, expectancy=row)
