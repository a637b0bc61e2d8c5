"""The use case: compute every symbol's policy as of one slot, ready to be published."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version

from jobs.engines.measure import measure
from jobs.engines.measurement import Measurement
from jobs.engines.streaks import States
from jobs.plan import Plan
from policy import Evidence
from policy.fee_gap import FeeGap
from policy.rules import Judgement, RuleSet, State
from policy.window import Window
from storage.records import Origin, RunResult

_NO_STATES: States = {}


def recompute(
    plan: Plan,
    as_of: datetime,
    *,
    origin: Origin,
    started_at: datetime,
    known_symbols: Iterable[str] = (),
    states: States = _NO_STATES,
) -> RunResult:
    """Measure and decide for every traded symbol, from what had happened by `as_of`; nothing is written.

    Traded symbols are those with an outcome in the window, those of the plan and the `known_symbols`, which had a
    policy before: one that went quiet keeps getting decisions that say so. `states` are what rule sets remember from
    the run before. The same plan, sources, states and `as_of` give the same decisions. Raises SourceError or
    EngineError where nothing can be computed, and SourceError where rows of orders were rejected as unreadable and none
    gives an outcome.
    """
    measurement = measure(plan, window_of(plan, as_of), states)
    return decide(
        plan,
        measurement,
        as_of,
        origin=origin,
        started_at=started_at,
        known_symbols=known_symbols,
        states=states,
    )


def window_of(plan: Plan, as_of: datetime) -> Window:
    """Return what a run of the plan may see at a time."""
    return Window(as_of=as_of, bar_interval=plan.candles.interval if plan.candles else None)


def decide(
    plan: Plan,
    measurement: Measurement,
    as_of: datetime,
    *,
    origin: Origin,
    started_at: datetime,
    known_symbols: Iterable[str] = (),
    states: States = _NO_STATES,
) -> RunResult:
    """Decide on what was measured as of this time, as `recompute` does; raises SourceError as that does for orders."""
    measurement.require_readable_orders()
    symbols = sorted(measurement.traded_symbols.union(plan.symbols, known_symbols))
    evidence = [_evidence(measurement, plan, symbol) for symbol in symbols]
    live = _judged(plan.rule_set, evidence, measurement, states, as_of)
    return RunResult(
        origin=origin,
        rule_set=plan.rule_set,
        engine=measurement.engine,
        code_version=version("router-policy"),
        started_at=started_at,
        event_count=measurement.event_count,
        sources=json.dumps(measurement.sources, sort_keys=True, separators=(",", ":")),
        decisions=tuple((one.evidence, one.decision) for one in live),
        rejects=measurement.rejects,
        judgements=live if plan.rule_set.has_state else (),
        shadows=tuple((rules, _judged(rules, evidence, measurement, states, as_of)) for rules in plan.shadows),
    )


def _evidence(measurement: Measurement, plan: Plan, symbol: str) -> Evidence:
    found = measurement.evidence.get(symbol, Evidence(symbol=symbol))
    gap_bps = plan.fee_gap_bps(symbol)
    if gap_bps is None:
        return found
    return replace(found, fee_gap=FeeGap(gap_bps=gap_bps, is_one_tick=measurement.is_one_tick.get(symbol)))


def _judged(
    rules: RuleSet, evidence: Sequence[Evidence], measurement: Measurement, states: States, as_of: datetime
) -> tuple[Judgement, ...]:
    if not rules.has_state:
        return tuple(rules.decide_with_state(one, None) for one in evidence)
    before: Mapping[str, State] = states.get(rules.name, {})
    newcomer = rules.newcomer(before.values())
    streaks = measurement.streaks[rules.name]
    return tuple(
        rules.decide_with_state(
            replace(one, streaks=streaks.streaks(one.symbol, as_of)), before.get(one.symbol, newcomer)
        )
        for one in evidence
    )
