"""Execution health of one symbol: its effectiveness, its policy, its volatility, and how fresh they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from policy.effective import EffectivePolicy, Override
from policy.enums import Quality, Regime, TakerBias
from policy.evidence import Effectiveness, Evidence
from policy.freshness import Freshness, FreshnessLimits, Status, judge_freshness
from policy.health_warnings import HealthWarning, health_warnings
from policy.numbers import finite_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterHealth:
    """The effectiveness of the maker-first router and its policy; the offset is in bps from the mid.

    A figure is None if it was not measured, and the policy is None if there is none. `policy_maker_first` and
    `policy_taker_bias` are in force, an override included; `policy_quality` is always the computed one.
    `policy_maker_posts` is how many posts the full wait is divided into, None: 1. `policy_probe_share` is the share of
    every order that rests as maker while the rest is held back, None: no slivers.
    """

    maker_fill_ratio: float | None
    fallback_ratio: float | None
    slip_q25: float | None
    slip_q50: float | None
    slip_q75: float | None
    maker_offset_bps: float | None
    policy_quality: Quality | None
    policy_maker_first: bool | None
    policy_taker_bias: TakerBias | None
    policy_maker_posts: int | None
    policy_probe_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityHealth:
    """Mean true ranges in percent of the last close over 50 and 500 bars, their ratio, and its regime."""

    atr_short_pct: float | None
    atr_long_pct: float | None
    atr_ratio: float | None
    regime: Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessHealth:
    """The age of the policy, and the counts of its evidence; slot and age are None if there is no policy."""

    slot: datetime | None
    age_seconds: float | None
    status: Status
    outcome_count: int
    maker_started_count: int
    slippage_count: int
    bar_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionHealth:
    """Execution health of one symbol; `run_id` None means that there is no policy."""

    symbol: str
    run_id: int | None
    router: RouterHealth
    volatility: VolatilityHealth
    freshness: FreshnessHealth
    override: Override | None
    warnings: tuple[HealthWarning, ...]


def execution_health(
    evidence: Evidence,
    policy: EffectivePolicy | None,
    *,
    now: datetime,
    limits: FreshnessLimits,
    source_notes: Sequence[str] = (),
) -> ExecutionHealth:
    """Return the health of one symbol from its policy and the evidence of that; `policy` None means that there is none.

    `source_notes` are what the sources of the policy cannot tell, in sentences.

    Total: no combination of figures raises.
    """
    freshness = judge_freshness(policy.snapshot.slot if policy else None, now, limits)
    return ExecutionHealth(
        symbol=evidence.symbol,
        run_id=policy.snapshot.run_id if policy else None,
        router=_router(evidence.effectiveness, policy),
        volatility=_volatility(evidence, policy),
        freshness=_freshness(evidence, freshness),
        override=policy.override if policy else None,
        warnings=health_warnings(evidence.effectiveness, policy, freshness, limits, source_notes),
    )


def severity(health: ExecutionHealth) -> tuple[int, float, str]:
    """Return a sort key, worst first, as `severity_of` does."""
    return severity_of(health.router.policy_quality, health.router.fallback_ratio, health.symbol)


def severity_of(quality: Quality | None, fallback_ratio: float | None, symbol: str) -> tuple[int, float, str]:
    """Return a sort key: by quality, then by fallback ratio, worst first, then by name.

    Symbols without a fallback ratio follow those with one; symbols without a policy follow all others.
    """
    worst_first = tuple(reversed(Quality))
    rank = len(worst_first) if quality is None else worst_first.index(quality)
    return rank, 1.0 if fallback_ratio is None else -fallback_ratio, symbol


def _router(figures: Effectiveness, policy: EffectivePolicy | None) -> RouterHealth:
    return RouterHealth(
        maker_fill_ratio=finite_or_none(figures.maker_fill_ratio),
        fallback_ratio=finite_or_none(figures.fallback_ratio),
        slip_q25=finite_or_none(figures.slip_q25),
        slip_q50=finite_or_none(figures.slip_q50),
        slip_q75=finite_or_none(figures.slip_q75),
        maker_offset_bps=policy.snapshot.maker_offset_bps if policy else None,
        policy_quality=policy.snapshot.quality if policy else None,
        policy_maker_first=policy.snapshot.maker_first if policy else None,
        policy_taker_bias=policy.snapshot.taker_bias if policy else None,
        policy_maker_posts=policy.snapshot.maker_posts if policy else None,
        policy_probe_share=policy.snapshot.probe_share if policy else None,
    )


def _volatility(evidence: Evidence, policy: EffectivePolicy | None) -> VolatilityHealth:
    figures = evidence.volatility
    return VolatilityHealth(
        atr_short_pct=finite_or_none(figures.atr_short_pct),
        atr_long_pct=finite_or_none(figures.atr_long_pct),
        atr_ratio=finite_or_none(figures.atr_ratio),
        regime=policy.snapshot.regime if policy else Regime.UNKNOWN,
    )


def _freshness(evidence: Evidence, freshness: Freshness) -> FreshnessHealth:
    return FreshnessHealth(
        slot=freshness.slot,
        age_seconds=freshness.age_seconds,
        status=freshness.status,
        outcome_count=evidence.effectiveness.outcome_count,
        maker_started_count=evidence.effectiveness.maker_started_count,
        slippage_count=evidence.effectiveness.slippage_count,
        bar_count=evidence.volatility.bar_count,
    )
