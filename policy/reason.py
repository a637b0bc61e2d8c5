"""The sentence for people that stands beside a decision and says what its codes say."""

from policy.codes import Code
from policy.words import Quality, Regime

_ADVICE = {
    Quality.GOOD: "the maker-first router is good: try maker first and wait the full time",
    Quality.OK: "the maker-first router is ok: try maker first and wait half the time",
    Quality.DEGRADED: "the maker-first router is degraded: try maker first, but wait a quarter of the time",
    Quality.BROKEN: "the maker-first router is broken: go straight to taker",
}
_PHRASES = {
    "fallback_ratio_broken": "fallback {value:.4g} >= {threshold:g}",
    "slip_q50_broken": "median slippage {value:.4g} bps >= {threshold:g}",
    "fallback_ratio_degraded": "fallback {value:.4g} >= {threshold:g}",
    "slip_q50_degraded": "median slippage {value:.4g} bps >= {threshold:g}",
    "maker_fill_ratio_good": "maker fills {value:.4g} >= {threshold:g}",
    "fallback_ratio_good": "fallback {value:.4g} <= {threshold:g}",
    "slip_q50_good": "median slippage {value:.4g} bps <= {threshold:g}",
    "maker_fill_ratio_not_good": "maker fills {value:.4g} < {threshold:g}",
    "fallback_ratio_not_good": "fallback {value:.4g} > {threshold:g}",
    "slip_q50_not_good": "median slippage {value:.4g} bps > {threshold:g}",
}


def sentence(quality: Quality, regime: Regime, codes: tuple[Code, ...]) -> str:
    """Say the quality with the figures that decided it, what the regime adds, and what was not measured."""
    return "; ".join([_ADVICE[quality] + _because(codes), _volatility(quality, regime), *_not_measured(codes)])


def _because(codes: tuple[Code, ...]) -> str:
    grounds = [
        _PHRASES[code.code].format(value=code.value, threshold=code.threshold)
        for code in codes
        if code.code in _PHRASES and code.value is not None
    ]
    return f" ({', '.join(grounds)})" if grounds else ""


def _volatility(quality: Quality, regime: Regime) -> str:
    if regime is Regime.UNKNOWN:
        return "volatility is unknown and treated as normal"
    if regime is not Regime.PANIC or quality is Quality.BROKEN:
        return f"volatility is {regime}"
    if quality is Quality.DEGRADED:
        return "volatility is panic and the router weak: go straight to taker"
    return "volatility is panic: wait a quarter of the time only"


def _not_measured(codes: tuple[Code, ...]) -> list[str]:
    names = [code.code.removesuffix("_missing") for code in codes if code.code.endswith("_missing")]
    return [f"not measured and counted as 0: {', '.join(names)}"] if names else []
