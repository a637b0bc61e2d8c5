"""Rule sets: each turns the evidence of one symbol into a decision, by parameters that are recorded with it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from policy.errors import RouterPolicyError
from policy.evidence import Evidence
from policy.rules import seed
from policy.rules.checks import Check
from policy.rules.decision import Decision


class UnknownRuleSetError(RouterPolicyError, LookupError):
    """A rule set was asked for by a name that none has, or with parameters that it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A rule set with its parameters: what its name meant on that day.

    Two rule sets with the same digest decide alike; a change of the code that changes decisions changes `version`.
    """

    name: str
    version: int
    parameters: seed.Parameters

    def decide(self, evidence: Evidence) -> Decision:
        """Decide for one symbol. Total: every evidence gives a decision."""
        return seed.decide(evidence, self.parameters)

    def explain(self, evidence: Evidence) -> tuple[Check, ...]:
        """Return every comparison that the decision may rest on, in the order in which the rules are tried."""
        return seed.explain(evidence, self.parameters)

    def parameters_text(self) -> str:
        """Write the parameters as the JSON text that is stored and that the digest is taken of."""
        return json.dumps(asdict(self.parameters), allow_nan=False, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """Return the SHA-256 of name, version and parameters, in hex."""
        return rule_set_digest(self.name, self.version, self.parameters_text())


def rule_set_digest(name: str, version: int, parameters_text: str) -> str:
    """Return the SHA-256 of a rule set's name, version and parameters as JSON, in hex; it need not be known here."""
    return hashlib.sha256(f"{name}\n{version}\n{parameters_text}".encode()).hexdigest()


RULE_SET_NAMES = (seed.NAME,)


def rule_set(name: str, parameters: Mapping[str, object] | None = None) -> RuleSet:
    """Return the rule set of this name; parameters that are not given keep their defaults.

    Raises UnknownRuleSetError for a name or a parameter that is not known and for a value that is no finite number.
    """
    if name != seed.NAME:
        raise UnknownRuleSetError(f"there is no rule set {name!r}; choose one of: {', '.join(RULE_SET_NAMES)}")
    numbers: dict[str, Any] = {key: _number(key, value) for key, value in (parameters or {}).items()}
    return RuleSet(name=name, version=seed.VERSION, parameters=replace(seed.Parameters(), **numbers))


def _number(key: str, value: object) -> float | None:
    """Return a parameter as the one float that 20 and 20.0 are, so that both have the same digest."""
    defaults = asdict(seed.Parameters())
    if key not in defaults:
        raise UnknownRuleSetError(f"the rules have no parameter {key!r}; they have {', '.join(defaults)}")
    if value is None and defaults[key] is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UnknownRuleSetError(f"parameter {key} must be a finite number, was {value!r}")
    return float(value)


def rule_set_from_text(name: str, version: int, parameters: str) -> RuleSet:
    """Return the rule set that was stored under this name and version with these parameters.

    Raises UnknownRuleSetError where this program does not know it any more, or not yet.
    """
    found = rule_set(name, json.loads(parameters))
    if found.version != version:
        raise UnknownRuleSetError(
            f"rule set {name!r} is at version {found.version} in this program and was at {version} then; "
            "derive its decisions with the router-policy of that day (policy_run.code_version says which)"
        )
    return found


__all__ = [
    "RULE_SET_NAMES",
    "Check",
    "Decision",
    "RuleSet",
    "UnknownRuleSetError",
    "rule_set",
    "rule_set_digest",
    "rule_set_from_text",
]
