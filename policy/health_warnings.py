"""What a person should look at in a symbol's execution health, each with the measured figure and its threshold."""

from dataclasses import dataclass
from datetime import timedelta

from policy.effective import EffectivePolicy
from policy.enums import Regime
from policy.evidence import Effectiveness
from policy.freshness import Freshness, FreshnessLimits, Status
from policy.numbers import finite_or_none

HIGH_FALLBACK_RATIO = 0.5
HIGH_SLIP_Q50_BPS = 4.0
FEW_MAKER_STARTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthWarning:
    """Something to look at: a word for programs, a sentence for people.

    `value` is None where the figure was not measured, `threshold` where there is none.
    """

    code: str
    value: float | None = None
    threshold: float | None = None
    message: str


def health_warnings(
    figures: Effectiveness, policy: EffectivePolicy | None, freshness: Freshness, limits: FreshnessLimits
) -> tuple[HealthWarning, ...]:
    """Return what is wrong with the policy itself first, then with the figures, then with what they rest on.

    Without a policy that alone is said. A figure that is NaN or infinite was not measured.
    """
    if policy is None:
        return _about_age(freshness, limits)
    return (
        *_about_age(freshness, limits),
        *_about_fallback(figures),
        *_about_slippage(figures),
        *_about_maker_starts(figures),
        *_about_regime(policy),
    )


def _about_age(freshness: Freshness, limits: FreshnessLimits) -> tuple[HealthWarning, ...]:
    age = freshness.age_seconds
    if freshness.status is Status.FRESH:
        return ()
    if age is None:
        said = "no policy: nothing was computed for this symbol yet, so the router goes by its own choice"
        return (HealthWarning(code="policy_missing", message=said),)
    if freshness.status is Status.CLOCK_SKEW:
        ahead = limits.clock_tolerance.total_seconds()
        said = f"the policy is from the future, by {_whole(-age)}: a clock is wrong, and its age cannot be known"
        return (HealthWarning(code="policy_clock_skew", value=age, threshold=-ahead, message=said),)
    is_expired = freshness.status is Status.EXPIRED
    limit = (limits.expired_after if is_expired else limits.stale_after).total_seconds()
    said = f"the policy is {freshness.status}: {_whole(age)} old > {_whole(limit)}; is the schedule running?"
    return (HealthWarning(code=f"policy_{freshness.status}", value=age, threshold=limit, message=said),)


def _whole(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))


def _about_fallback(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    fallback, starts = finite_or_none(figures.fallback_ratio), figures.maker_started_count
    if fallback is None or fallback <= HIGH_FALLBACK_RATIO:
        return ()
    said = f"fallback {fallback:.4g} > {HIGH_FALLBACK_RATIO:g}, over {starts} maker starts"
    return (HealthWarning(code="fallback_ratio_high", value=fallback, threshold=HIGH_FALLBACK_RATIO, message=said),)


def _about_slippage(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    median, count = finite_or_none(figures.slip_q50), figures.slippage_count
    if median is None:
        said = "no order of the seven days has a slippage: its quartiles cannot be told"
        return (HealthWarning(code="slip_q50_missing", message=said),)
    if median <= HIGH_SLIP_Q50_BPS:
        return ()
    said = f"median slippage {median:.4g} bps > {HIGH_SLIP_Q50_BPS:g} bps, over {count} orders"
    return (HealthWarning(code="slip_q50_high", value=median, threshold=HIGH_SLIP_Q50_BPS, message=said),)


def _about_maker_starts(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    starts = figures.maker_started_count
    if finite_or_none(figures.maker_fill_ratio) is None or finite_or_none(figures.fallback_ratio) is None:
        said = "no order of the seven days is known to have started as maker: neither ratio can be told"
        return (HealthWarning(code="maker_start_missing", message=said),)
    if starts >= FEW_MAKER_STARTS:
        return ()
    said = f"only {starts} maker starts < {FEW_MAKER_STARTS}: the ratios rest on little"
    return (
        HealthWarning(code="maker_start_few", value=float(starts), threshold=float(FEW_MAKER_STARTS), message=said),
    )


def _about_regime(policy: EffectivePolicy) -> tuple[HealthWarning, ...]:
    """The decision's own codes know why a regime is unknown."""
    if policy.regime is not Regime.UNKNOWN:
        return ()
    said = "the regime is unknown and treated as normal"
    for one in policy.codes:
        if one.code in _WHY_UNKNOWN and one.value is not None and one.threshold is not None:
            why = _WHY_UNKNOWN[one.code].format(one.value, one.threshold)
            said = f"{said}: {why}"
            return (HealthWarning(code=one.code, value=one.value, threshold=one.threshold, message=said),)
    return (HealthWarning(code="regime_unknown", message=said),)


_WHY_UNKNOWN = {
    "regime_unknown_too_few_bars": "{:.0f} closed candles < {:.0f}",
    "regime_unknown_candles_too_old": "the last candle closed {:.0f} s before the slot > {:.0f} s",
}
