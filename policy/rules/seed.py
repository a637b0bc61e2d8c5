"""The rule set `seed`: quality by fallback, fills and median slippage; panic volatility makes it more cautious."""

from dataclasses import dataclass, replace
from operator import ge, le, lt

from policy.evidence import Evidence
from policy.numbers import finite_or_none
from policy.offset import maker_offset_bps
from policy.quality import QualityThresholds
from policy.regime import LONG_BAR_COUNT, UPPER_BOUNDS, judge_regime
from policy.rules.breaker_state import State
from policy.rules.checks import Check
from policy.rules.decision import Decision
from policy.rules.routed import DecideOnRoute, Routed
from policy.rules.seed_table import policy_of

NAME = "seed"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedParameters(QualityThresholds):
    """The thresholds of quality, and how old the last closed candle may be before the regime counts as unknown."""

    max_bar_age_seconds: float | None = None


def decide(evidence: Evidence, state: None, parameters: SeedParameters) -> tuple[Decision, None]:  # noqa: ARG001
    """Decide for one symbol; the codes name the regime last. This rule set has no state."""
    regime, regime_codes = judge_regime(evidence.volatility, parameters.max_bar_age_seconds)
    decision = Decision(
        policy=policy_of(evidence.effectiveness, regime, parameters, regime_codes),
        regime=regime,
        maker_offset_bps=maker_offset_bps(evidence, regime),
    )
    return decision, None


def deciding_on_route(parameters: SeedParameters) -> DecideOnRoute:
    """Return a function that decides on the route alone: see `RuleSet.deciding_on_route`."""

    def decide_on_route(evidence: Evidence, state: State | None) -> tuple[Routed, None]:  # noqa: ARG001 - it has none
        policy = decide(evidence, None, parameters)[0].policy
        return (policy.maker_first, policy.taker_bias, policy.codes), None

    return decide_on_route


def explain(evidence: Evidence, state: None, parameters: SeedParameters) -> tuple[Check, ...]:  # noqa: ARG001
    """Return every comparison that the decision may rest on, in the order of the rules.

    The first verdict that holds decides: broken and degraded hold if one of their lines does, good if all do, and a
    regime by its one line. Lines after it were not compared.
    """
    return _quality_checks(evidence, parameters) + _regime_checks(evidence, parameters)


def _quality_checks(evidence: Evidence, parameters: SeedParameters) -> tuple[Check, ...]:
    figures = evidence.effectiveness
    bounds = (
        ("broken", "fallback_ratio", ">=", parameters.broken_fallback_ratio),
        ("broken", "slip_q50", ">=", parameters.broken_slip_q50_bps),
        ("degraded", "fallback_ratio", ">=", parameters.degraded_fallback_ratio),
        ("degraded", "slip_q50", ">=", parameters.degraded_slip_q50_bps),
        ("good", "maker_fill_ratio", ">=", parameters.good_maker_fill_ratio),
        ("good", "fallback_ratio", "<=", parameters.good_fallback_ratio),
        ("good", "slip_q50", "<=", parameters.good_slip_q50_bps),
    )
    checks = [
        _check(rule, figure, finite_or_none(getattr(figures, figure)), sign, threshold)
        for rule, figure, sign, threshold in bounds
    ]
    if figures.survivor_count is not None:
        checks.append(_check("good", "survivor_count", float(figures.survivor_count), "<=", 0.0))
    verdict = next((check.rule for check in checks if check.holds and check.rule != "good"), "good")
    last = max(index for index, check in enumerate(checks) if check.rule == verdict)
    return (*checks[: last + 1], *(replace(check, holds=None) for check in checks[last + 1 :]))


def _regime_checks(evidence: Evidence, parameters: SeedParameters) -> tuple[Check, ...]:
    figures = evidence.volatility
    checks = [_check("regime known", "bar_count", float(figures.bar_count), ">=", float(LONG_BAR_COUNT))]
    if parameters.max_bar_age_seconds is not None:
        age, limit = figures.bar_age_seconds, parameters.max_bar_age_seconds
        checks.append(_check("regime known", "bar_age_seconds", age, "<=", limit, judged_when_missing=False))
    ratio = finite_or_none(figures.atr_ratio)
    is_decided = any(check.holds is False for check in checks)
    for bound, regime in UPPER_BOUNDS:
        check = _check(regime.value, "atr_ratio", ratio, "<", bound, judged_when_missing=False)
        checks.append(replace(check, holds=None) if is_decided else check)
        is_decided = is_decided or bool(check.holds)
    return tuple(checks)


_COMPARE = {">=": ge, "<=": le, "<": lt}


def _check(
    rule: str, figure: str, value: float | None, sign: str, threshold: float, *, judged_when_missing: bool = True
) -> Check:
    holds = _COMPARE[sign](value or 0.0, threshold) if value is not None or judged_when_missing else None
    return Check(rule=rule, figure=figure, value=value, sign=sign, threshold=threshold, holds=holds)
