"""Warnings about a symbol's execution health, each with the measured figure and its threshold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from policy.effective import EffectivePolicy
from policy.enums import Regime
from policy.evidence import Effectiveness
from policy.freshness import WHAT_ROUTERS_DO, Freshness, FreshnessLimits, Status
from policy.numbers import finite_or_none
from policy.time_text import age_words

HIGH_FALLBACK_RATIO = 0.5
HIGH_SLIP_Q50_BPS = 4.0
FEW_MAKER_STARTS = 20
MANY_PERFECT_STARTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthWarning:
    """A warning: `code` is for programs, `message` for people.

    `value` is None if the figure was not measured, `threshold` if there is none.
    """

    code: str
    value: float | None = None
    threshold: float | None = None
    message: str


def health_warnings(
    figures: Effectiveness,
    policy: EffectivePolicy | None,
    freshness: Freshness,
    limits: FreshnessLimits,
    source_notes: Sequence[str] = (),
) -> tuple[HealthWarning, ...]:
    """Return the warnings about the policy itself first, then about the figures, their counts, and their sources.

    `source_notes` are what the sources of the policy cannot tell, in sentences.

    Without a policy, that is the only warning. A figure that is NaN or infinite was not measured.
    """
    if policy is None:
        return _about_age(freshness, limits)
    return (
        *_about_age(freshness, limits),
        *_about_fallback(figures),
        *_about_slippage(figures),
        *_about_maker_starts(figures),
        *_about_survivors(figures),
        *_about_regime(policy),
        *(HealthWarning(code="source_note", message=note) for note in source_notes),
    )


def survivors_only(figures: Effectiveness) -> str | None:
    """Return a warning if every one of many maker starts filled: the log likely leaves out those that did not."""
    starts = figures.maker_started_count
    if starts < MANY_PERFECT_STARTS or figures.maker_fill_ratio != 1 or figures.fallback_ratio != 0:
        return None
    return (
        f"all {starts} maker starts filled and none fell back, as in data that leaves out orders that never filled: "
        "log those as well"
    )


def _about_age(freshness: Freshness, limits: FreshnessLimits) -> tuple[HealthWarning, ...]:
    age = freshness.age_seconds
    if freshness.status is Status.FRESH:
        return ()
    if age is None:
        message = f"no policy: nothing was computed for this symbol yet; {WHAT_ROUTERS_DO[Status.MISSING]}"
        return (HealthWarning(code="policy_missing", message=message),)
    if freshness.status is Status.CLOCK_SKEW:
        ahead = limits.clock_tolerance.total_seconds()
        by = age_words(timedelta(seconds=-age))
        message = f"the policy is from the future, by {by}: a clock is wrong; {WHAT_ROUTERS_DO[freshness.status]}"
        return (HealthWarning(code="policy_clock_skew", value=age, threshold=-ahead, message=message),)
    is_expired = freshness.status is Status.EXPIRED
    limit = limits.expired_after if is_expired else limits.stale_after
    message = f"the policy is {freshness.status}: more than {age_words(limit)} old; {_consequence(freshness)}"
    code = f"policy_{freshness.status}"
    return (HealthWarning(code=code, value=age, threshold=limit.total_seconds(), message=message),)


def _consequence(freshness: Freshness) -> str:
    return f"{WHAT_ROUTERS_DO[freshness.status]}; is the schedule running?"


def _about_fallback(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    fallback, starts = finite_or_none(figures.fallback_ratio), figures.maker_started_count
    if fallback is None or fallback <= HIGH_FALLBACK_RATIO:
        return ()
    message = f"fallback {fallback:.4g} > {HIGH_FALLBACK_RATIO:g}, over {starts} maker starts"
    return (HealthWarning(code="fallback_ratio_high", value=fallback, threshold=HIGH_FALLBACK_RATIO, message=message),)


def _about_slippage(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    median, count = finite_or_none(figures.slip_q50), figures.slippage_count
    if median is None:
        message = "no order of the seven days has a slippage: its quartiles are unknown"
        return (HealthWarning(code="slip_q50_missing", message=message),)
    if median <= HIGH_SLIP_Q50_BPS:
        return ()
    message = f"median slippage {median:.4g} bps > {HIGH_SLIP_Q50_BPS:g} bps, over {count} orders"
    return (HealthWarning(code="slip_q50_high", value=median, threshold=HIGH_SLIP_Q50_BPS, message=message),)


def _about_maker_starts(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    starts = figures.maker_started_count
    if finite_or_none(figures.maker_fill_ratio) is None or finite_or_none(figures.fallback_ratio) is None:
        message = "no order of the seven days is known to have started as maker: both ratios are unknown"
        return (HealthWarning(code="maker_start_missing", message=message),)
    if starts >= FEW_MAKER_STARTS:
        return ()
    message = f"only {starts} maker starts < {FEW_MAKER_STARTS}: the ratios rest on little"
    return (
        HealthWarning(code="maker_start_few", value=float(starts), threshold=float(FEW_MAKER_STARTS), message=message),
    )


def _about_survivors(figures: Effectiveness) -> tuple[HealthWarning, ...]:
    warnings = []
    if count := figures.survivor_count:
        message = (
            f"{count} of {figures.maker_started_count} maker starts are of a kind whose misses the source does not "
            "keep: the fill ratio is too high"
        )
        warnings.append(HealthWarning(code="survivors", value=float(count), threshold=0.0, message=message))
    if perfect := survivors_only(figures):
        warnings.append(HealthWarning(code="survivors_only", value=1.0, threshold=1.0, message=perfect))
    return tuple(warnings)


def _about_regime(policy: EffectivePolicy) -> tuple[HealthWarning, ...]:
    """Warn of an unknown regime, with the reason from the codes of the decision."""
    if policy.snapshot.regime is not Regime.UNKNOWN:
        return ()
    message = "the regime is unknown and treated as normal"
    for code in policy.snapshot.codes:
        if code.code in _WHY_UNKNOWN and code.value is not None and code.threshold is not None:
            message = f"{message}: {_WHY_UNKNOWN[code.code](code.value, code.threshold)}"
            return (HealthWarning(code=code.code, value=code.value, threshold=code.threshold, message=message),)
    return (HealthWarning(code="regime_unknown", message=message),)


_WHY_UNKNOWN: Mapping[str, Callable[[float, float], str]] = {
    "regime_unknown_too_few_bars": lambda bars, needed: f"{bars:.0f} closed candles < {needed:.0f}",
    "regime_unknown_candles_too_old": lambda _, longest: (
        f"the last candle closed more than {age_words(timedelta(seconds=longest))} before the slot"
    ),
}
