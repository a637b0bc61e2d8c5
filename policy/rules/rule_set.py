"""Rule sets with their parameters, by name or from what was stored."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from policy.errors import RouterPolicyError
from policy.evidence import Evidence
from policy.maker_cost import CostParameters
from policy.outage_evidence import OutageParameters
from policy.rules import breaker, breaker1, earlier_words, measured, seed
from policy.rules.breaker_state import State, newcomer
from policy.rules.checks import Check
from policy.rules.decision import Decision
from policy.rules.routed import DecideOnRoute
from policy.window import OUTCOME_WINDOW

RuleSetParameters = (
    seed.SeedParameters | breaker1.Breaker1Parameters | breaker.BreakerParameters | measured.MeasuredParameters
)


class UnknownRuleSetError(RouterPolicyError, LookupError):
    """A rule set has an unknown name, or parameters that are unknown or not valid."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """A rule set's plain functions, each called with its own kind of parameters."""

    version: int
    defaults: RuleSetParameters
    decide: Callable[[Evidence, State | None, Any], tuple[Decision, State | None]]
    deciding_on_route: Callable[[Any], DecideOnRoute]
    explain: Callable[[Evidence, State | None, Any], tuple[Check, ...]]
    has_state: bool


_SEED = _Rules(seed.VERSION, seed.SeedParameters(), seed.decide, seed.deciding_on_route, seed.explain, has_state=False)  # type: ignore[arg-type]  # its state is always None
_BREAKER1 = _Rules(
    breaker1.VERSION,
    breaker1.Breaker1Parameters(),
    breaker1.decide,
    breaker1.deciding_on_route,
    breaker1.explain,
    has_state=True,
)
_BREAKER = _Rules(
    breaker.VERSION,
    breaker.BreakerParameters(),
    breaker.decide,
    breaker.deciding_on_route,
    breaker.explain,
    has_state=True,
)
_MEASURED = _Rules(
    measured.VERSION,
    measured.MeasuredParameters(),
    measured.decide,
    measured.deciding_on_route,
    measured.explain,
    has_state=True,
)
_REGISTERED = {seed.NAME: _SEED, breaker.NAME: _BREAKER, measured.NAME: _MEASURED, breaker1.NAME: _BREAKER1}
# Rule sets whose newest version has their name; a stored one keeps the rules of its own version.
_EARLIER = {(breaker.NAME, breaker1.VERSION): _BREAKER1}
RULE_SET_NAMES = tuple(_REGISTERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One decision with its evidence and the state of the rule set before and after it."""

    evidence: Evidence
    before: State | None
    decision: Decision
    after: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRules:
    """A rule set that decided in a run; `cost_parameters` are those of the costs that it recorded, None for none."""

    name: str
    version: int
    cost_parameters: CostParameters | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A rule set with its parameters.

    `breaker` is its newest version, and `breaker1` version 1. The name may have a variant after a colon, as in
    `breaker:calm`, so that one set can run beside itself with other parameters. Two rule sets with the same digest
    decide alike; a change of the code that changes decisions changes `version`. `has_earlier_words` marks one that was
    stored before 0.1.0: see `policy.rules.earlier_words`.
    """

    name: str
    version: int
    parameters: RuleSetParameters
    has_earlier_words: bool = False

    @property
    def has_state(self) -> bool:
        """Whether it remembers a state from run to run, and uses the order of events."""
        return _rules_of(self.name, self.version).has_state

    @property
    def kind(self) -> str:
        """The name without the variant."""
        return _kind(self.name)

    def can_decide_on_record_of(self, recorded: RecordedRules) -> bool:
        """Return whether a rule set with state can decide on what was measured for the recorded one.

        Version 1 of the breaker can on every record of a breaker, later ones only on one with the evidence of an
        outage, which `measured` records as well; that one only on its own, and on costs of its own days and clip.
        """
        kind = _kind(recorded.name)
        if self.cost_parameters is not None:
            return self.cost_parameters == recorded.cost_parameters
        if kind == measured.NAME:
            return True
        is_breaker = kind in (breaker.NAME, breaker1.NAME)
        return is_breaker and (self.outage_parameters is None or recorded.version > breaker1.VERSION)

    @property
    def outage_parameters(self) -> OutageParameters | None:
        """The parameters by which the evidence of an outage is summed; None if the rule set does not use it."""
        is_used = isinstance(self.parameters, breaker.BreakerParameters)
        return breaker.outage_parameters(self.parameters) if is_used else None

    @property
    def cost_parameters(self) -> CostParameters | None:
        """The parameters by which the cost of maker orders is measured; None if the rule set does not use it."""
        is_used = isinstance(self.parameters, measured.MeasuredParameters)
        return measured.cost_parameters(self.parameters) if is_used else None

    @property
    def evidence_length(self) -> timedelta:
        """How far back its evidence reaches: the window of outcomes, or the days of the costs if they are more."""
        costs = self.cost_parameters
        return max(OUTCOME_WINDOW, timedelta(days=costs.days)) if costs is not None else OUTCOME_WINDOW

    @property
    def holdout_shares(self) -> tuple[float, ...] | None:
        """The shares of orders that it holds out itself, while maker and while taker; None if it names none."""
        if not isinstance(self.parameters, measured.MeasuredParameters):
            return None
        return (self.parameters.holdout_while_maker, self.parameters.holdout_while_taker)

    def decide(self, evidence: Evidence, state: State | None = None) -> Decision:
        """Decide for one symbol. Total: every evidence gives a decision."""
        return self._decide(evidence, state)[0]

    def decide_with_state(self, evidence: Evidence, before: State | None) -> Judgement:
        """Decide for one symbol, and return the decision with the states before and after it."""
        decision, after = self._decide(evidence, before)
        return Judgement(evidence=evidence, before=before, decision=decision, after=after)

    def _decide(self, evidence: Evidence, state: State | None) -> tuple[Decision, State | None]:
        decision, after = _rules_of(self.name, self.version).decide(evidence, state, self.parameters)
        return earlier_words.decision_then(decision) if self.has_earlier_words else decision, after

    def deciding_on_route(self) -> DecideOnRoute:
        """Return a function that decides on the route alone, for the many rows of a replay.

        Its route is that of `decide_with_state`, and so are the breakers and the cost route of its state. The quality
        that a rule set with state shows decides nothing about them: it stays as it was.
        """
        return _rules_of(self.name, self.version).deciding_on_route(self.parameters)

    def newcomer(self, states: Iterable[State]) -> State | None:
        """Return the state of a new symbol, given the states of the others; None if the rule set has no state."""
        return newcomer(states) if self.has_state else None

    def explain(self, evidence: Evidence, state: State | None = None) -> tuple[Check, ...]:
        """Return every comparison that the decision may rest on, in the order of the rules."""
        return _rules_of(self.name, self.version).explain(evidence, state, self.parameters)

    def parameters_text(self) -> str:
        """Write the parameters as the JSON text that is stored and digested."""
        parameters = asdict(self.parameters)
        if self.has_earlier_words:
            parameters = earlier_words.parameters_then(parameters)
        return json.dumps(parameters, allow_nan=False, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """Return the SHA-256 of name, version and parameters, in hex."""
        return rule_set_digest(self.name, self.version, self.parameters_text())


def rule_set_digest(name: str, version: int, parameters_text: str) -> str:
    """Return the SHA-256 of a rule set's name, version and parameters in hex; it may be unknown to this program."""
    return hashlib.sha256(f"{name}\n{version}\n{parameters_text}".encode()).hexdigest()


def rule_set(name: str, parameters: Mapping[str, object] | None = None) -> RuleSet:
    """Return the rule set of this name; parameters that are not given keep their defaults.

    Raises UnknownRuleSetError for an unknown name or parameter, and for a value of the wrong type.
    """
    return _with_parameters(name, _rules_of(name), parameters or {})


def _with_parameters(name: str, rules: _Rules, parameters: Mapping[str, object]) -> RuleSet:
    defaults = asdict(rules.defaults)
    given: dict[str, Any] = {key: _value(name, key, value, defaults) for key, value in parameters.items()}
    return RuleSet(name=name, version=rules.version, parameters=replace(rules.defaults, **given))


@lru_cache(maxsize=64)
def _rules_of(name: str, version: int | None = None) -> _Rules:
    """Return the rules of a name, which may have a variant: of this version if an earlier one is still there."""
    kind = _kind(name)
    if kind not in _REGISTERED:
        raise UnknownRuleSetError(f"there is no rule set {name!r}; choose one of: {', '.join(RULE_SET_NAMES)}")
    newest = _REGISTERED[kind]
    return newest if version is None else _EARLIER.get((kind, version), newest)


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _value(name: str, key: str, value: object, defaults: Mapping[str, object]) -> object:
    """Return a parameter in the type of its default, so that 20 and 20.0 have the same digest."""
    if key not in defaults:
        raise UnknownRuleSetError(
            f"rule set {name!r} has no parameter {key!r}{_of_version_1(name, key)}; it has {', '.join(defaults)}"
        )
    default = defaults[key]
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UnknownRuleSetError(f"parameter {key} must be true or false, was {value!r}")
        return value
    if value is None and default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UnknownRuleSetError(f"parameter {key} must be a finite number, was {value!r}")
    if isinstance(default, int):
        if value != int(value) or value < 1:
            raise UnknownRuleSetError(f"parameter {key} must be a whole number of 1 or more, was {value!r}")
        return int(value)
    _require_in_range(key, value)
    return float(value)


def _of_version_1(name: str, key: str) -> str:
    is_earlier = _kind(name) == breaker.NAME and key in asdict(_BREAKER1.defaults)
    return f", which version 1 has: its name is {breaker1.NAME!r}" if is_earlier else ""


def _require_in_range(key: str, value: float) -> None:
    if key in (*breaker1.DIVISORS, *breaker.ABOVE_0, *breaker.BETWEEN_0_AND_1, *measured.COST_ABOVE_0) and value <= 0:
        raise UnknownRuleSetError(f"parameter {key} must be more than 0, was {value!r}")
    if key == "probe_share" and value > 1:
        raise UnknownRuleSetError(f"parameter {key} must be at most 1, was {value!r}")
    if key in breaker.BETWEEN_0_AND_1 and value >= 1:
        raise UnknownRuleSetError(f"parameter {key} must be less than 1, was {value!r}")
    if key in measured.HOLDOUT_SHARES and not 0 <= value <= 0.5:
        raise UnknownRuleSetError(f"parameter {key} must be from 0 to 0.5, was {value!r}")


def recorded_rules(name: str, version: int, parameters: str) -> RecordedRules:
    """Return the rule set that was stored under this name and version with these parameters, of whichever program."""
    costs = measured.stored_cost_parameters(json.loads(parameters)) if _kind(name) == measured.NAME else None
    return RecordedRules(name=name, version=version, cost_parameters=costs)


def rule_set_from_text(name: str, version: int, parameters: str) -> RuleSet:
    """Return the rule set that was stored under this name and version with these parameters.

    Raises UnknownRuleSetError if this program no longer has it, or does not have it yet.
    """
    stored = json.loads(parameters)
    has_earlier_words = earlier_words.has_earlier_words(stored)
    stored_now = earlier_words.parameters_now(stored) if has_earlier_words else stored
    rules = _rules_of(name, version)
    if rules.version != version:
        raise UnknownRuleSetError(
            f"rule set {name!r} is at version {rules.version} in this program and was at {version} then; "
            "derive its decisions with the router-policy of that time (policy_run.code_version has its version)"
        )
    return replace(_with_parameters(name, rules, stored_now), has_earlier_words=has_earlier_words)
