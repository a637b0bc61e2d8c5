"""The quality of the router for one symbol: good, ok, degraded or broken, and the figures that decide it."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy.enums import Quality
from policy.evidence import Effectiveness
from policy.numbers import finite_or_none
from policy.reason_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityThresholds:
    """The thresholds between qualities, each inclusive; slippage in basis points."""

    broken_fallback_ratio: float = 0.9
    broken_slip_q50_bps: float = 20.0
    degraded_fallback_ratio: float = 0.6
    degraded_slip_q50_bps: float = 8.0
    good_maker_fill_ratio: float = 0.7
    good_fallback_ratio: float = 0.4
    good_slip_q50_bps: float = 4.0


SEED_THRESHOLDS = QualityThresholds()
JUDGED_FIGURES = ("maker_fill_ratio", "fallback_ratio", "slip_q50")
_GOOD = {name: f"{name}_good" for name in JUDGED_FIGURES}
_NOT_GOOD = {name: f"{name}_not_good" for name in JUDGED_FIGURES}


def classify_router_quality(
    effectiveness: Mapping[str, object] | Effectiveness, thresholds: QualityThresholds = SEED_THRESHOLDS
) -> Quality:
    """Classify a router as broken, degraded, good or ok: the first that fits, in this order.

    Broken and degraded at or above either of their bounds; good with enough maker fills, at most so much fallback and
    slippage, and no survivors; ok otherwise. A missing figure (None, NaN, infinite) counts as 0.
    """
    return judge_quality(Effectiveness.of(effectiveness), thresholds)[0]


def judge_quality(effectiveness: Effectiveness, thresholds: QualityThresholds) -> tuple[Quality, tuple[Code, ...]]:
    """Classify, and return a code for every figure that decided, the missing ones first.

    The value of a code is None if the figure is missing, though it counted as 0.
    """
    maker = finite_or_none(effectiveness.maker_fill_ratio)
    fallback = finite_or_none(effectiveness.fallback_ratio)
    slippage = finite_or_none(effectiveness.slip_q50)
    judged = (maker, fallback, slippage)
    absent = _missing(judged) if None in judged else ()
    bad = _bounds_met("broken", fallback, thresholds.broken_fallback_ratio, slippage, thresholds.broken_slip_q50_bps)
    if bad:
        return Quality.BROKEN, absent + bad
    bad = _bounds_met(
        "degraded", fallback, thresholds.degraded_fallback_ratio, slippage, thresholds.degraded_slip_q50_bps
    )
    if bad:
        return Quality.DEGRADED, absent + bad
    quality, codes = _good_or_ok(maker, fallback, slippage, thresholds)
    if survivors := survivor_codes(effectiveness):
        return Quality.OK, absent + (codes if quality is Quality.OK else ()) + survivors
    return quality, absent + codes


def survivor_codes(effectiveness: Effectiveness) -> tuple[Code, ...]:
    """Return the code of a fill ratio that leaves out misses, which is never good; empty without survivors."""
    count = effectiveness.survivor_count
    return (Code(code="survivor_count_not_good", value=count, threshold=0),) if count else ()


def _missing(judged: tuple[float | None, ...]) -> tuple[Code, ...]:
    return tuple(Code.missing(name) for name, value in zip(JUDGED_FIGURES, judged, strict=True) if value is None)


def _bounds_met(
    word: str, fallback: float | None, fallback_bound: float, slippage: float | None, slippage_bound: float
) -> tuple[Code, ...]:
    met: tuple[Code, ...] = ()
    if (fallback or 0.0) >= fallback_bound:
        met += (Code(code=f"fallback_ratio_{word}", value=fallback, threshold=fallback_bound),)
    if (slippage or 0.0) >= slippage_bound:
        met += (Code(code=f"slip_q50_{word}", value=slippage, threshold=slippage_bound),)
    return met


def _good_or_ok(
    maker: float | None, fallback: float | None, slippage: float | None, thresholds: QualityThresholds
) -> tuple[Quality, tuple[Code, ...]]:
    enough, little, cheap = (
        thresholds.good_maker_fill_ratio,
        thresholds.good_fallback_ratio,
        thresholds.good_slip_q50_bps,
    )
    checks = (
        ((maker or 0.0) >= enough, "maker_fill_ratio", maker, enough),
        ((fallback or 0.0) <= little, "fallback_ratio", fallback, little),
        ((slippage or 0.0) <= cheap, "slip_q50", slippage, cheap),
    )
    failed = [check for check in checks if not check[0]]
    codes = [
        Code(code=_GOOD[name] if passed else _NOT_GOOD[name], value=value, threshold=bound)
        for passed, name, value, bound in failed or checks
    ]
    return Quality.OK if failed else Quality.GOOD, tuple(codes)
