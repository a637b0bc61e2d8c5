"""What a router policy is and how it is decided: pure functions of the evidence, standard library only."""

from policy.enums import Quality, Regime, TakerBias
from policy.errors import RouterPolicyError
from policy.evidence import Effectiveness, Evidence, Expectancy, Volatility
from policy.offset import maker_offset_bps
from policy.quality import classify_router_quality
from policy.reason_codes import Code
from policy.regime import classify_atr_regime
from policy.rules.decision import RouterPolicy
from policy.rules.seed_table import router_policy

__all__ = [
    "Code",
    "Effectiveness",
    "Evidence",
    "Expectancy",
    "Quality",
    "Regime",
    "RouterPolicy",
    "RouterPolicyError",
    "TakerBias",
    "Volatility",
    "classify_atr_regime",
    "classify_router_quality",
    "maker_offset_bps",
    "router_policy",
]
