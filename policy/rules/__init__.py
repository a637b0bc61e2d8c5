"""Rule sets: each turns the evidence of one symbol into a decision, by parameters that are recorded with it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from policy.errors import RouterPolicyError
from policy.evidence import Evidence
from policy.rules import seed
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

    def parameters_text(self) -> str:
        """Write the parameters as the JSON text that is stored and that the digest is taken of."""
        return json.dumps(asdict(self.parameters), allow_nan=False, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """Return the SHA-256 of name, version and parameters, in hex."""
        return hashlib.sha256(f"{self.name}\n{self.version}\n{self.parameters_text()}".encode()).hexdigest()


RULE_SET_NAMES = (seed.NAME,)


def rule_set(name: str, parameters: Mapping[str, object] | None = None) -> RuleSet:
    """Return the rule set of this name; parameters that are not given keep their defaults.

    Raises UnknownRuleSetError for a name or a parameter that is not known.
    """
    if name != seed.NAME:
        raise UnknownRuleSetError(f"there is no rule set {name!r}; choose one of: {', '.join(RULE_SET_NAMES)}")
    try:
        return RuleSet(name=name, version=seed.VERSION, parameters=seed.Parameters(**dict(parameters or {})))  # type: ignore[arg-type]  # TypeError is the check
    except TypeError as error:
        raise UnknownRuleSetError(f"rule set {name!r}: {error}") from error


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


__all__ = ["RULE_SET_NAMES", "Decision", "RuleSet", "UnknownRuleSetError", "rule_set", "rule_set_from_text"]
