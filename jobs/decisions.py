"""The decisions on one measurement, for every traded symbol, by the live rule set and by its shadows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.engines.measurement import Measurement
from jobs.engines.streaks import States
from jobs.plan import Plan
from policy import Evidence
from policy.fee_gap import FeeGap
from policy.rules import Judgement, RuleSet, State

NO_STATES: States = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The judgement of each traded symbol, by symbol: of the live rule set, and of each shadow of the plan."""

    live: tuple[Judgement, ...]
    shadows: tuple[tuple[RuleSet, tuple[Judgement, ...]], ...]


def decide_symbols(
    plan: Plan,
    measurement: Measurement,
    as_of: datetime,
    known_symbols: Iterable[str] = (),
    states: States = NO_STATES,
) -> Decisions:
    """Decide for every traded symbol on what was measured as of a time.

    Traded symbols are those with an outcome in the window, those of the plan and the `known_symbols`, which had a
    policy before: a symbol that is no longer traded still gets a decision. `states` are what rule sets remember
    from the run before. Raises SourceError if rows of orders were rejected as unreadable and none gives an outcome.
    """
    measurement.require_readable_orders()
    symbols = sorted(measurement.traded_symbols.union(plan.symbols, known_symbols))
    evidence = [_evidence(measurement, plan, symbol) for symbol in symbols]
    return Decisions(
        live=_judge(plan.rule_set, evidence, measurement, states, as_of),
        shadows=tuple((rules, _judge(rules, evidence, measurement, states, as_of)) for rules in plan.shadows),
    )


def _evidence(measurement: Measurement, plan: Plan, symbol: str) -> Evidence:
    measured = measurement.evidence.get(symbol, Evidence(symbol=symbol))
    gap_bps, is_one_tick = plan.fee_gap_bps(symbol), measurement.is_one_tick.get(symbol)
    if gap_bps is None and is_one_tick is None:
        return measured
    return replace(measured, fee_gap=FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick))


def _judge(
    rules: RuleSet, evidence: Sequence[Evidence], measurement: Measurement, states: States, as_of: datetime
) -> tuple[Judgement, ...]:
    if not rules.has_state:
        return tuple(rules.decide_with_state(figures, None) for figures in evidence)
    before: Mapping[str, State] = states.get(rules.name, {})
    newcomer = rules.newcomer(before.values())
    streaks, costs = measurement.streaks[rules.name], measurement.costs.get(rules.name)
    return tuple(
        rules.decide_with_state(
            replace(
                figures,
                streaks=streaks.streaks(figures.symbol, as_of),
                cost=costs.of(figures.symbol) if costs is not None else None,
            ),
            before.get(figures.symbol, newcomer),
        )
        for figures in evidence
    )
