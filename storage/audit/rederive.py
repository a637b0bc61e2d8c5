"""Rederiving decisions: from the figures in their rows, by the rule set of that day."""

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from policy import Evidence
from policy.experiment.experiment import Experiment, experiment_from_text
from policy.reason_codes import codes_to_text
from policy.rules import Decision, RuleSet
from storage.audit.difference import raise_tampered
from storage.read.rows import evidence_with_streaks, state_before
from storage.write.rows import state_columns

_DECISION = (
    "maker_first taker_bias quality regime maker_offset_bps codes reason probe_every maker_posts probe_share".split()
)
_decision = attrgetter(*_DECISION)
_LIVE = ["scope", "slot", "rule_set"]
_live = attrgetter(*_LIVE)
_HOLDOUT = ["holdout_share", "holdout_salt"]
_holdout = attrgetter(*_HOLDOUT)
Rows = Sequence[Any]


def rederive_run(
    name: str, run: Any, rules: Mapping[str, RuleSet], snapshots: Rows, shadows: Rows, breakers: Rows
) -> None:
    """Derive every decision of a run again, live and in the shadow, and compare it with the stored one.

    Rows are named tuples of their tables. `rules` are by digest. Raises TamperedError at the first difference.
    """
    live, experiment = _rule_set(name, run.rule_set_digest, rules), experiment_from_text(run.experiment)
    unused = {(row.rule_set, row.symbol): row for row in breakers}
    for row in snapshots:
        _compare(name, row, _LIVE, _live(row), (run.scope, run.slot, live.name))
        decision = _derive(name, row, live, _evidence(row), unused, run.slot)
        _compare(name, row, _HOLDOUT, _holdout(row), _derived_holdout(experiment, decision))
    if run.shadows or shadows:
        _derive_shadows(name, run, rules, snapshots, shadows, unused)
    for rule_set, symbol in unused:
        raise_tampered(name, "policy_breaker.rule_set", rule_set, None, symbol)


def _derive_shadows(
    name: str,
    run: Any,
    rules: Mapping[str, RuleSet],
    snapshots: Rows,
    shadows: Rows,
    unused: dict[tuple[str, str], Any],
) -> None:
    digests = json.loads(run.shadows or "{}")
    evidence = {row.symbol: _evidence(row) for row in snapshots}
    expected = {(symbol, rule_set) for symbol in evidence for rule_set in digests}
    stored = {(row.symbol, row.rule_set) for row in shadows}
    for symbol, rule_set in sorted(expected ^ stored):
        raise_tampered(
            name, "policy_shadow.rule_set", rule_set if (symbol, rule_set) in stored else None, rule_set, symbol
        )
    for row in shadows:
        rule_set = _rule_set(name, digests[row.rule_set], rules)
        _derive(name, row, rule_set, evidence[row.symbol], unused, run.slot)


def _rule_set(name: str, digest: str, rules: Mapping[str, RuleSet]) -> RuleSet:
    rule_set = rules.get(digest)
    if rule_set is None:
        raise_tampered(name, "rule_set_digest", digest, None)
    return rule_set


def _evidence(row: Any) -> Evidence:
    """Let the row itself stand for each part of the evidence: its columns have the names of their fields.

    Building the parts would take as long as deciding.
    """
    return Evidence(symbol=row.symbol, effectiveness=row, volatility=row, expectancy=row)


def _derive(
    name: str, row: Any, rules: RuleSet, evidence: Evidence, breakers: dict[tuple[str, str], Any], slot: Any
) -> Decision:
    if not rules.has_state:
        decision = rules.decide(evidence)
        _compare(name, row, _DECISION, _decision(row), _derived(decision))
        return decision
    breaker = breakers.pop((rules.name, row.symbol), None)
    if breaker is None:
        raise_tampered(name, "policy_breaker.rule_set", None, rules.name, row.symbol)
    before = state_before(breaker)
    judged = rules.decide_with_state(evidence_with_streaks(evidence, breaker, slot), before)
    _compare(name, row, _DECISION, _decision(row), _derived(judged.decision))
    assert judged.after is not None
    state = state_columns(judged.after)
    _compare(name, breaker, list(state), tuple(getattr(breaker, column) for column in state), tuple(state.values()))
    return judged.decision


def _derived(decision: Decision) -> tuple[object, ...]:
    policy = decision.policy
    return (
        policy.maker_first,
        policy.taker_bias,
        policy.quality,
        decision.regime,
        decision.maker_offset_bps,
        codes_to_text(policy.codes),
        policy.reason,
        decision.probe_every,
        decision.maker_posts,
        decision.probe_share,
    )


def _derived_holdout(experiment: Experiment, decision: Decision) -> tuple[object, ...]:
    holdout = experiment.holdout(decision)
    return (None, None) if holdout is None else (holdout.share, holdout.salt)


def _compare(
    name: str, row: Any, columns: Sequence[str], stored: tuple[object, ...], derived: tuple[object, ...]
) -> None:
    if stored != derived:
        column, value, expected = next(t for t in zip(columns, stored, derived, strict=True) if t[1] != t[2])
        raise_tampered(name, column, value, str(expected) if isinstance(expected, str) else expected, row.symbol)
