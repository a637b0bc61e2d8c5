"""The reason of a decision of the rule set `seed`: its codes as a sentence for people."""

from functools import cache, lru_cache

from policy.enums import Quality, Regime
from policy.reason_codes import Code

_ADVICE = {
    Quality.GOOD: "the maker-first router is good: try maker first and wait the full time",
    Quality.OK: "the maker-first router is ok: try maker first and wait half the time",
    Quality.DEGRADED: "the maker-first router is degraded: try maker first, but wait a quarter of the time",
    Quality.BROKEN: "the maker-first router is broken: go straight to taker",
}
_PHRASES = {
    "fallback_ratio_broken": "fallback %.4g >= {:g}",
    "slip_q50_broken": "median slippage %.4g bps >= {:g}",
    "fallback_ratio_degraded": "fallback %.4g >= {:g}",
    "slip_q50_degraded": "median slippage %.4g bps >= {:g}",
    "maker_fill_ratio_good": "maker fills %.4g >= {:g}",
    "fallback_ratio_good": "fallback %.4g <= {:g}",
    "slip_q50_good": "median slippage %.4g bps <= {:g}",
    "maker_fill_ratio_not_good": "maker fills %.4g < {:g}",
    "fallback_ratio_not_good": "fallback %.4g > {:g}",
    "slip_q50_not_good": "median slippage %.4g bps > {:g}",
    "survivor_count_not_good": "%.4g maker starts of a kind whose misses the source does not keep > {:g}",
}


@lru_cache(maxsize=1024)
def _phrase(code: str, threshold: float | None) -> str | None:
    """Return the phrase of a code with a placeholder for its value, None if it has none; cached, as few exist."""
    return _PHRASES[code].format(threshold) if code in _PHRASES else None


def seed_sentence(quality: Quality, regime: Regime, codes: tuple[Code, ...]) -> str:
    """Return the quality with the figures that decided it, the effect of the regime, and what was not measured."""
    return "; ".join([_ADVICE[quality] + _because(codes), _volatility(quality, regime), *_not_measured(codes)])


def _because(codes: tuple[Code, ...]) -> str:
    measured = [(_phrase(code.code, code.threshold), code.value) for code in codes if code.value is not None]
    grounds = [phrase % value for phrase, value in measured if phrase is not None]
    return f" ({', '.join(grounds)})" if grounds else ""


@cache
def _volatility(quality: Quality, regime: Regime) -> str:
    if regime is Regime.UNKNOWN:
        return "volatility is unknown and treated as normal"
    if regime is not Regime.PANIC or quality is Quality.BROKEN:
        return f"volatility is {regime}"
    if quality is Quality.DEGRADED:
        return "volatility is panic and the router weak: go straight to taker"
    return "volatility is panic: wait a quarter of the time only"


def _not_measured(codes: tuple[Code, ...]) -> list[str]:
    absent = [code.code for code in codes if code.value is None]
    names = [word.removesuffix("_missing") for word in absent if word.endswith("_missing")]
    return [f"not measured and counted as 0: {', '.join(names)}"] if names else []
