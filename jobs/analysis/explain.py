"""Explain: what was in force for a symbol at a time, and everything that the decision rested on."""

from dataclasses import dataclass
from datetime import datetime

from jobs.analysis.outage_explanation import OutageExplanation, explain_outages
from policy.reject import Reject
from policy.rules import Check, RuleSet
from policy.snapshot import Snapshot
from storage.read import explanation, policies
from storage.read.explanation import BreakerDecision, ShadowDecision
from storage.records import PolicyChange, PolicyPeriod
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The policy in force for a symbol at a time, and what it rested on.

    `checks` are the rules in the order in which they are tried. `breaker` is None for a rule set without state,
    `last_change` if the decision never changed. `outages` are the symbol's and the scope's evidence of an outage,
    empty if the rule set does not use it.
    """

    period: PolicyPeriod
    checks: tuple[Check, ...]
    breaker: BreakerDecision | None
    outages: tuple[OutageExplanation, ...]
    shadows: tuple[ShadowDecision, ...]
    rejects: tuple[Reject, ...]
    last_change: PolicyChange | None


def explain_policy(store: Store, scope: str, symbol: str, at: datetime) -> Explanation | None:
    """Return what was in force for a symbol at a time and why, or None if nothing was.

    All of it is read from one snapshot of the database, so a run that is published or pruned meanwhile is in it whole
    or not at all. Raises UnknownRuleSetError if this program does not have the rules that decided.
    """
    with store.reading() as connection:
        period = policies.in_force(connection, scope, symbol, at)
        if period is None:
            return None
        snapshot = period.policy.snapshot
        breaker = explanation.breaker_of(connection, snapshot, snapshot.rule_set)
        rule_set = policies.rule_set_of_run(connection, snapshot.run_id)
        return Explanation(
            period=period,
            checks=_checks(rule_set, snapshot, breaker),
            breaker=breaker,
            outages=explain_outages(breaker.evidence.streaks if breaker else None, rule_set.outage_parameters),
            shadows=tuple(explanation.shadows_of(connection, snapshot)),
            rejects=tuple(policies.rejects_of_run(connection, snapshot.run_id)),
            last_change=policies.last_change(connection, scope, symbol, snapshot.slot),
        )


def _checks(rule_set: RuleSet, snapshot: Snapshot, breaker: BreakerDecision | None) -> tuple[Check, ...]:
    if breaker is None:
        return rule_set.explain(snapshot.evidence)
    return rule_set.explain(breaker.evidence, breaker.before)
