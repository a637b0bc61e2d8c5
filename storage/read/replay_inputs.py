"""The evidence of past runs as it was stored, run by run, for a replay."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from policy import Effectiveness, Evidence, Expectancy, TakerBias, Volatility
from policy.rules import RecordedRules, RuleSet, State, recorded_rules
from policy.streaks import Streak
from storage.read.rows import evidence_of_route, plain_rows, state_before
from storage.records import Origin
from storage.schema.tables import policy_breaker, policy_rule_set, policy_run, policy_snapshot

_SNAPSHOTS_AT_ONCE = 5000
_RUNS_AT_ONCE = 500
_BREAKER, _SNAPSHOT = policy_breaker.c, policy_snapshot.c
_DECIDED = (_SNAPSHOT.run_id, _SNAPSHOT.symbol, _SNAPSHOT.maker_first, _SNAPSHOT.taker_bias)
_FIGURES = tuple(_SNAPSHOT[name] for part in (Effectiveness, Volatility, Expectancy) for name in part.__slots__)
# What a rule set with state chooses a route by; then what each kind of it asks for in addition.
_OF_ROUTES = (
    _SNAPSHOT.survivor_count,
    *(_SNAPSHOT[name] for name in Volatility.__slots__),
    _BREAKER.state_before,
    _BREAKER.fee_gap_bps,
    _BREAKER.is_one_tick,
    _BREAKER.reject_streak,
)
_STREAKS = tuple(_BREAKER[f"{prefix}{name}"] for prefix in ("", "pool_") for name in Streak.__slots__)
_OUTAGES = (_BREAKER.outage_evidence, _BREAKER.pool_outage_evidence)
_COSTS = (_BREAKER.cost_evidence, _BREAKER.pool_cost_evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayableRun:
    """A run, valid until the next run's slot (`until`, None for the newest).

    `rule_sets` are those that decided in it, by name.
    """

    run_id: int
    slot: datetime
    until: datetime | None
    symbol_count: int
    rule_sets: Mapping[str, RecordedRules]


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
    stored = connection.execute(select(policy_rule_set))
    recorded = {row.digest: recorded_rules(row.name, row.version, row.parameters) for row in stored}
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
                name: recorded[digest]
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
    connection: Connection, runs: Sequence[ReplayableRun], rules: RuleSet, breaker: str | None = None
) -> dict[int, list[ReplayInput]]:
    """Return what the rules decide on in each of these runs, by run, in order of symbols.

    `breaker` names the rule set with state whose record is used: only the symbols that it recorded are there, and the
    evidence has only what these rules choose a route by, and its reason. With None it has no order of events.
    """
    slots = {run.run_id: run.slot for run in runs}
    inputs: dict[int, list[ReplayInput]] = {run_id: [] for run_id in slots}
    if breaker is None:
        for row in _rows(connection, slots, select(*_DECIDED, *_FIGURES)):
            figures = Evidence(symbol=row.symbol, effectiveness=row, volatility=row, expectancy=row)
            inputs[row.run_id].append(_input(row, figures, None))
        return inputs
    remembered = and_(
        policy_breaker.c.run_id == policy_snapshot.c.run_id, policy_breaker.c.symbol == policy_snapshot.c.symbol
    )
    has_outages, has_costs = rules.outage_parameters is not None, rules.cost_parameters is not None
    columns = [*_DECIDED, *_OF_ROUTES, *(_OUTAGES if has_outages else _STREAKS), *(_COSTS if has_costs else ())]
    query = select(*columns).join(policy_breaker, remembered).where(policy_breaker.c.rule_set == breaker)
    for row in _rows(connection, slots, query):
        evidence = evidence_of_route(row, slots[row.run_id], has_outages=has_outages, has_costs=has_costs)
        inputs[row.run_id].append(_input(row, evidence, state_before(row)))
    return inputs


def _rows(connection: Connection, slots: Iterable[int], query: Select[Any]) -> list[Any]:
    snapshot = policy_snapshot
    return plain_rows(
        connection, query.where(snapshot.c.run_id.in_(slots)).order_by(snapshot.c.run_id, snapshot.c.symbol)
    )


def _input(row: Any, evidence: Evidence, before: State | None) -> ReplayInput:
    return ReplayInput(
        evidence=evidence, maker_first=row.maker_first, taker_bias=TakerBias(row.taker_bias), before=before
    )
