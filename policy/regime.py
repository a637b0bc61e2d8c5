"""The volatility regime of a market, from the ratio of its short to its long average true range."""

from policy.enums import Regime
from policy.evidence import Volatility
from policy.numbers import finite_or_none
from policy.reason_codes import Code

LONG_BAR_COUNT = 500
SHORT_BAR_COUNT = 50
UPPER_BOUNDS = ((0.5, Regime.QUIET), (1.5, Regime.NORMAL), (2.5, Regime.HOT))
_CODES = {regime: (f"regime_{regime}", bound) for bound, regime in (*UPPER_BOUNDS, (UPPER_BOUNDS[-1][0], Regime.PANIC))}


def classify_atr_regime(ratio: float | None) -> Regime:
    """Classify ATR%(50) / ATR%(500): below 0.5 quiet, below 1.5 normal, below 2.5 hot, else panic.

    None, NaN and the infinities are unknown.
    """
    value = finite_or_none(ratio)
    if value is None:
        return Regime.UNKNOWN
    for bound, regime in UPPER_BOUNDS:
        if value < bound:
            return regime
    return Regime.PANIC


def judge_regime(volatility: Volatility, max_bar_age_seconds: float | None) -> tuple[Regime, tuple[Code, ...]]:
    """Classify, and return a code with the ratio and the bound that it is below (panic: above), or why it is unknown.

    Unknown with fewer than 500 closed bars, and if the last closed bar is older than `max_bar_age_seconds` (None: any
    age): a regime of the past never counts as today's.
    """
    if volatility.bar_count < LONG_BAR_COUNT:
        return Regime.UNKNOWN, (_unknown("too_few_bars", volatility.bar_count, LONG_BAR_COUNT),)
    age = volatility.bar_age_seconds
    if max_bar_age_seconds is not None and age is not None and age > max_bar_age_seconds:
        return Regime.UNKNOWN, (_unknown("candles_too_old", age, max_bar_age_seconds),)
    regime = classify_atr_regime(volatility.atr_ratio)
    if regime is Regime.UNKNOWN:
        return regime, (Code.missing("atr_ratio"),)
    word, bound = _CODES[regime]
    return regime, (Code(code=word, value=volatility.atr_ratio, threshold=bound),)


def _unknown(word: str, value: float, threshold: float) -> Code:
    return Code(code=f"regime_unknown_{word}", value=float(value), threshold=float(threshold))
