"""The seed's decision table: the policy for each quality and volatility regime."""

from collections.abc import Mapping
from functools import cache

from policy.enums import Quality, Regime, TakerBias
from policy.evidence import Effectiveness
from policy.quality import SEED_THRESHOLDS, QualityThresholds, judge_quality
from policy.reason_codes import Code
from policy.rules.decision import RouterPolicy
from policy.rules.seed_reason import seed_sentence

_BIAS = {
    Quality.GOOD: TakerBias.PREFER_MAKER,
    Quality.OK: TakerBias.BALANCED,
    Quality.DEGRADED: TakerBias.PREFER_TAKER,
    Quality.BROKEN: TakerBias.PREFER_TAKER,
}


def router_policy(
    effectiveness: Mapping[str, object] | Effectiveness,
    regime: Regime | str,
    thresholds: QualityThresholds = SEED_THRESHOLDS,
    regime_codes: tuple[Code, ...] = (),
) -> RouterPolicy:
    """Decide for one symbol from its effectiveness and its regime; an unknown regime is treated as normal.

    `regime_codes` give the reason of the regime; they come last among the codes. Raises ValueError for another text
    than a regime.
    """
    return policy_of(Effectiveness.of(effectiveness), Regime(regime), thresholds, regime_codes)


def policy_of(
    effectiveness: Effectiveness, regime: Regime, thresholds: QualityThresholds, regime_codes: tuple[Code, ...]
) -> RouterPolicy:
    """Decide as `router_policy` does, for values of these types."""
    quality, quality_codes = judge_quality(effectiveness, thresholds)
    maker_first, taker_bias, table_codes = _look_up(quality, regime)
    return RouterPolicy(
        maker_first=maker_first,
        taker_bias=taker_bias,
        quality=quality,
        reason=seed_sentence(quality, regime, quality_codes),
        codes=quality_codes + table_codes + regime_codes,
    )


@cache
def _look_up(quality: Quality, regime: Regime) -> tuple[bool, TakerBias, tuple[Code, ...]]:
    panic = regime is Regime.PANIC
    weak = quality in (Quality.DEGRADED, Quality.BROKEN)
    maker_first = quality is not Quality.BROKEN and not (panic and weak)
    taker_bias = TakerBias.PREFER_TAKER if panic else _BIAS[quality]
    codes = []
    if quality is Quality.BROKEN:
        codes.append(Code(code="broken_disables_maker"))
    if panic and quality is Quality.DEGRADED:
        codes.append(Code(code="panic_disables_maker"))
    if panic and not weak:
        codes.append(Code(code="panic_prefers_taker"))
    return maker_first, taker_bias, tuple(codes)
