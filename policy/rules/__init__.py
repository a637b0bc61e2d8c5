"""Rule sets: each turns the evidence of one symbol into a decision, by parameters that are recorded with it."""

from policy.rules.breaker_state import State
from policy.rules.checks import Check
from policy.rules.decision import Decision
from policy.rules.rule_set import (
    RULE_SET_NAMES,
    Judgement,
    RecordedRules,
    RuleSet,
    UnknownRuleSetError,
    recorded_rules,
    rule_set,
    rule_set_digest,
    rule_set_from_text,
)

__all__ = [
    "RULE_SET_NAMES",
    "Check",
    "Decision",
    "Judgement",
    "RecordedRules",
    "RuleSet",
    "State",
    "UnknownRuleSetError",
    "recorded_rules",
    "rule_set",
    "rule_set_digest",
    "rule_set_from_text",
]
