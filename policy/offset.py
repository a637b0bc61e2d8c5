"""The maker offset: the distance of the maker price from the mid in basis points, as execution health shows it."""

from policy.enums import Regime
from policy.evidence import Evidence
from policy.numbers import METRIC_DECIMALS, finite_or_none

START_BPS = 2.0
LOWEST_BPS = 0.5
HIGHEST_BPS = 8.0
_BY_REGIME = {Regime.QUIET: -0.5, Regime.HOT: 0.5, Regime.PANIC: 1.0}


def maker_offset_bps(evidence: Evidence, regime: Regime) -> float:
    """Return the offset from the mid in basis points, 0.5 to 8.0; a missing figure does not change it."""
    effectiveness = evidence.effectiveness
    offset = START_BPS + _BY_REGIME.get(regime, 0.0)
    offset += _for_fills(finite_or_none(effectiveness.maker_fill_ratio), finite_or_none(effectiveness.fallback_ratio))
    offset += _for_slippage(finite_or_none(effectiveness.slip_q50)) + _for_expectancy(
        finite_or_none(evidence.expectancy.expectancy)
    )
    return min(HIGHEST_BPS, max(LOWEST_BPS, round(offset, METRIC_DECIMALS)))


def _for_fills(maker: float | None, fallback: float | None) -> float:
    move = -0.5 if maker is not None and maker > 0.7 else 0.0
    if fallback is not None and fallback > 0.5:
        move += 2.5 if fallback > 0.8 else 1.0
    return move


def _for_slippage(slippage: float | None) -> float:
    if slippage is None:
        return 0.0
    return 0.8 if slippage > 5.0 else -0.2 if slippage < 1.0 else 0.0


def _for_expectancy(expectancy: float | None) -> float:
    if expectancy is None or expectancy == 0.0:
        return 0.0
    return -0.2 if expectancy > 0.0 else 0.2
