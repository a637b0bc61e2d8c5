"""The rule set `seed`: quality by fallback, fills and median slippage; panic volatility makes it more cautious."""

from dataclasses import dataclass, replace

from policy.decision import router_policy
from policy.evidence import Evidence
from policy.offset import maker_offset_bps
from policy.quality import QualityThresholds
from policy.regime import judge_regime
from policy.rules.decision import Decision

NAME = "seed"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters(QualityThresholds):
    """The thresholds of quality, and how old the last closed candle may be before the regime counts as unknown."""

    max_bar_age_seconds: float | None = None


def decide(evidence: Evidence, parameters: Parameters) -> Decision:
    """Decide for one symbol; the codes name the regime last."""
    regime, regime_codes = judge_regime(evidence.volatility, parameters.max_bar_age_seconds)
    policy = router_policy(evidence.effectiveness, regime, parameters)
    return Decision(
        policy=replace(policy, codes=policy.codes + regime_codes),
        regime=regime,
        maker_offset_bps=maker_offset_bps(evidence, regime),
    )
