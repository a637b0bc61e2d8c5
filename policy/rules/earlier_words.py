"""The words of the rule set `breaker` in stores from before 0.1.0, so that their history still verifies.

Only words differ: the same figures give the same decision. The names of its parameters show that a stored rule set is
of that time; its decisions then get the words that were stored.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policy.reason_codes import Code
from policy.rules.decision import Decision

_PARAMETERS = {
    "min_miss_run": "min_miss_streak",
    "open_reject_run": "open_reject_streak",
    "label_runs": "hysteresis_runs",
}
_EARLIER_PARAMETERS = {name: earlier for earlier, name in _PARAMETERS.items()}
_EARLIER_CODES = {
    "own_miss_streak": "own_miss_run",
    "own_miss_streak_probability": "own_miss_run_probability",
    "pool_miss_streak": "pool_miss_run",
    "pool_miss_streak_probability": "pool_miss_run_probability",
    "reject_streak": "reject_run",
}
_STABLE_QUALITY = {"quality": "quality", "next_quality": "candidate", "next_count": "candidate_count"}
_MISSES = re.compile(r"(\S+) misses in a row")


def has_earlier_words(parameters: Mapping[str, object]) -> bool:
    """Return whether stored parameters have names of that time."""
    return not _PARAMETERS.keys().isdisjoint(parameters)


def parameters_now(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return stored parameters by their names of today."""
    return {_PARAMETERS.get(name, name): value for name, value in parameters.items()}


def parameters_then(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return parameters by their names of that time."""
    return {_EARLIER_PARAMETERS.get(name, name): value for name, value in parameters.items()}


def state_now(parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stored state by the names of today; a state of today is returned as it is."""
    if "label" not in parts:
        return parts
    label = parts["label"]
    stable_quality = label and {_STABLE_QUALITY[name]: value for name, value in label.items()}
    return {"own": parts["own"], "pool": parts["pool"], "stable_quality": stable_quality}


def decision_then(decision: Decision) -> Decision:
    """Return the decision with its codes and its reason in the words of that time."""
    policy = decision.policy
    codes = tuple(_code_then(code) for code in policy.codes)
    return replace(
        decision, policy=replace(policy, codes=codes, reason=_MISSES.sub(r"run of \1 misses", policy.reason))
    )


def _code_then(code: Code) -> Code:
    return replace(code, code=_EARLIER_CODES.get(code.code, code.code))
