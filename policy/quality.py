"""How healthy the router is for one symbol: good, ok, degraded or broken, and by which figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from policy.codes import Code
from policy.evidence import Effectiveness
from policy.words import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityThresholds:
    """Where one quality ends and the next begins; every bound is inclusive. Slippage in basis points."""

    broken_fallback_ratio: float = 0.9
    broken_slip_q50_bps: float = 20.0
    degraded_fallback_ratio: float = 0.6
    degraded_slip_q50_bps: float = 8.0
    good_maker_fill_ratio: float = 0.7
    good_fallback_ratio: float = 0.4
    good_slip_q50_bps: float = 4.0


SEED_THRESHOLDS = QualityThresholds()
JUDGED_FIGURES = ("maker_fill_ratio", "fallback_ratio", "slip_q50")


def known(value: float | None) -> float | None:
    """Return a finite value as it is, and None for None, NaN and the infinities."""
    return value if value is not None and math.isfinite(value) else None


def classify_router_quality(
    effectiveness: Mapping[str, object] | Effectiveness, thresholds: QualityThresholds = SEED_THRESHOLDS
) -> Quality:
    """Classify a router as broken, degraded, good or ok; the first that fits, in this order.

    Broken and degraded at or above either of their bounds; good with enough maker fills and at most so much fallback
    and slippage; ok otherwise. A missing figure (None, NaN, infinite) counts as 0.
    """
    return judge_quality(Effectiveness.of(effectiveness), thresholds)[0]


def judge_quality(effectiveness: Effectiveness, thresholds: QualityThresholds) -> tuple[Quality, tuple[Code, ...]]:
    """Classify, and name every figure that decided it with its threshold, the missing ones first.

    A code's value is None where the figure is missing, though it was judged as 0.
    """
    maker = known(effectiveness.maker_fill_ratio)
    fallback = known(effectiveness.fallback_ratio)
    slippage = known(effectiveness.slip_q50)
    judged = (maker, fallback, slippage)
    absent = tuple(Code.missing(n) for n, v in zip(JUDGED_FIGURES, judged, strict=True) if v is None)
    bad = _bounds_met("broken", fallback, thresholds.broken_fallback_ratio, slippage, thresholds.broken_slip_q50_bps)
    if bad:
        return Quality.BROKEN, absent + bad
    bad = _bounds_met(
        "degraded", fallback, thresholds.degraded_fallback_ratio, slippage, thresholds.degraded_slip_q50_bps
    )
    if bad:
        return Quality.DEGRADED, absent + bad
    checks = _good_checks(maker, fallback, slippage, thresholds)
    failed = tuple(code for passed, code in checks if not passed)
    if failed:
        return Quality.OK, absent + failed
    return Quality.GOOD, absent + tuple(code for _, code in checks)


def _bounds_met(
    word: str, fallback: float | None, fallback_bound: float, slippage: float | None, slippage_bound: float
) -> tuple[Code, ...]:
    met: tuple[Code, ...] = ()
    if (fallback or 0.0) >= fallback_bound:
        met += (Code(code=f"fallback_ratio_{word}", value=fallback, threshold=fallback_bound),)
    if (slippage or 0.0) >= slippage_bound:
        met += (Code(code=f"slip_q50_{word}", value=slippage, threshold=slippage_bound),)
    return met


def _good_checks(
    maker: float | None, fallback: float | None, slippage: float | None, thresholds: QualityThresholds
) -> tuple[tuple[bool, Code], ...]:
    enough_fills = (maker or 0.0) >= thresholds.good_maker_fill_ratio
    little_fallback = (fallback or 0.0) <= thresholds.good_fallback_ratio
    little_slippage = (slippage or 0.0) <= thresholds.good_slip_q50_bps
    return (
        _check("maker_fill_ratio", maker, enough_fills, thresholds.good_maker_fill_ratio),
        _check("fallback_ratio", fallback, little_fallback, thresholds.good_fallback_ratio),
        _check("slip_q50", slippage, little_slippage, thresholds.good_slip_q50_bps),
    )


def _check(name: str, value: float | None, passed: bool, bound: float) -> tuple[bool, Code]:
    return passed, Code(code=f"{name}_{'good' if passed else 'not_good'}", value=value, threshold=bound)
