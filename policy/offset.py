"""How far from the mid the maker price is placed, in basis points, as execution health shows it."""

from policy.evidence import Evidence, measured
from policy.quality import known
from policy.words import Regime

START_BPS = 2.0
LOWEST_BPS = 0.5
HIGHEST_BPS = 8.0
_BY_REGIME = {Regime.QUIET: -0.5, Regime.HOT: 0.5, Regime.PANIC: 1.0}


def maker_offset_bps(evidence: Evidence, regime: Regime) -> float:
    """Return the offset from the mid in basis points, 0.5 to 8.0; a missing figure moves it nowhere."""
    moves = (
        _BY_REGIME.get(regime, 0.0)
        + _for_fills(evidence.effectiveness.maker_fill_ratio, evidence.effectiveness.fallback_ratio)
        + _for_slippage(evidence.effectiveness.slip_q50)
        + _for_expectancy(evidence.expectancy.expectancy)
    )
    offset = measured(START_BPS + moves)
    assert offset is not None
    return min(HIGHEST_BPS, max(LOWEST_BPS, offset))


def _for_fills(maker_fill_ratio: float | None, fallback_ratio: float | None) -> float:
    maker, fallback = known(maker_fill_ratio), known(fallback_ratio)
    move = -0.5 if maker is not None and maker > 0.7 else 0.0
    if fallback is not None and fallback > 0.5:
        move += 1.0
    if fallback is not None and fallback > 0.8:
        move += 1.5
    return move


def _for_slippage(slip_q50: float | None) -> float:
    value = known(slip_q50)
    if value is None:
        return 0.0
    return 0.8 if value > 5.0 else -0.2 if value < 1.0 else 0.0


def _for_expectancy(expectancy: float | None) -> float:
    value = known(expectancy)
    if value is None or value == 0.0:
        return 0.0
    return -0.2 if value > 0.0 else 0.2
