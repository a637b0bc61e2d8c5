"""What the API returns about policies: the columns of the store by their names, and what follows from them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.effective import EffectivePolicy, Override
from policy.enums import Quality, Regime, TakerBias
from policy.freshness import FreshnessLimits
from policy.health import ExecutionHealth
from policy.snapshot import Snapshot
from storage.records import PolicyChange, PolicyPeriod

_SLOT = "2026-04-26T00:15:00Z"


class CodeRecord(BaseModel):
    """One reason of a decision: its code, the measured value and the threshold."""

    code: str = Field(examples=["maker_fill_ratio_good"])
    value: float | None = Field(examples=[0.9])
    threshold: float | None = Field(examples=[0.7])


class OverrideRecord(BaseModel):
    """A person's decision that is in force instead of the computed one, up to `until_at`, exclusive."""

    override_id: int = Field(examples=[7])
    author: str = Field(examples=["ann"])
    reason: str = Field(examples=["venue maintenance"])
    until_at: AwareDatetime = Field(examples=["2026-04-26T02:20:00Z"])


class SnapshotRecord(BaseModel):
    """A policy for one symbol as of one slot, with every figure that it was decided on; null: not measured."""

    run_id: int = Field(examples=[1])
    scope: str = Field(examples=["default"])
    slot: AwareDatetime = Field(examples=[_SLOT])
    symbol: str = Field(examples=["BTCUSDT"])
    maker_first: bool = Field(description="What is in force; false: skip the maker attempt and cross.")
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    reason: str = Field(examples=["the maker-first router is good: try maker first and wait the full time"])
    codes: list[CodeRecord]
    maker_fill_ratio: float | None = Field(examples=[0.9])
    fallback_ratio: float | None = Field(examples=[0.1])
    slip_q25: float | None = Field(description="Basis points against the mid, + is worse.", examples=[-0.5])
    slip_q50: float | None = Field(description="Basis points against the mid, + is worse.", examples=[1.0])
    slip_q75: float | None = Field(description="Basis points against the mid, + is worse.", examples=[2.5])
    outcome_count: int = Field(examples=[120])
    maker_started_count: int = Field(examples=[110])
    slippage_count: int = Field(examples=[118])
    atr_short_pct: float | None = Field(examples=[0.21])
    atr_long_pct: float | None = Field(examples=[0.2])
    atr_ratio: float | None = Field(examples=[1.05])
    bar_count: int = Field(examples=[500])
    bar_age_seconds: float | None = Field(examples=[0.0])
    expectancy: float | None = Field(examples=[0.0003])
    expectancy_count: int = Field(examples=[6])
    maker_offset_bps: float = Field(examples=[1.5])
    rule_set: str = Field(examples=["seed"])
    probe_every: int | None = Field(description="One order in so many may probe; null: no probes.", examples=[None])
    survivor_count: int | None = Field(
        description="Maker starts of a kind whose misses the source does not keep; null if there are none.",
        examples=[None],
    )
    maker_posts: int | None = Field(description="Posts that the full wait is divided into; null: 1.", examples=[4])
    probe_share: float | None = Field(
        description="Share of every order that rests as maker while the rest crosses; null: none.", examples=[None]
    )
    holdout_share: float | None = Field(
        description="Share of orders that go the other way, chosen by their ids; null: none.", examples=[0.02]
    )
    holdout_salt: str | None = Field(
        description="What their ids are hashed with; null: no holdout.", examples=["default"]
    )

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Self:
        """Return the record of a snapshot."""
        return cls.model_construct(**_snapshot_values(snapshot))


class PolicyRecord(SnapshotRecord):
    """A policy in force, an override included, beside what was computed. An override holds until its own end."""

    published_at: AwareDatetime = Field(examples=["2026-04-26T00:15:02Z"])
    computed_maker_first: bool = Field(description="What the rules decided, an override aside.")
    computed_taker_bias: TakerBias = Field(description="What the rules decided, an override aside.")
    override: OverrideRecord | None = None
    stale_at: AwareDatetime = Field(
        description="Older than it should be after this.", examples=["2026-04-26T00:45:00Z"]
    )
    expired_at: AwareDatetime = Field(
        description="After this, routers try maker first and wait a quarter of the time.",
        examples=["2026-04-26T02:15:00Z"],
    )

    @classmethod
    def of(cls, policy: EffectivePolicy, stale_at: datetime, expired_at: datetime) -> Self:
        """Return the record of a policy in force."""
        return cls.model_construct(**effective_values(policy), stale_at=stale_at, expired_at=expired_at)


def policy_records(
    policies: Sequence[EffectivePolicy], limits_of: Callable[[datetime], FreshnessLimits]
) -> list[PolicyRecord]:
    """Return the records of policies in force, all of one slot; `limits_of` returns its limits."""
    if not policies:
        return []
    slot = policies[0].snapshot.slot
    stale_at, expired_at = limits_of(slot).bounds(slot)
    return [PolicyRecord.of(policy, stale_at, expired_at) for policy in policies]


class PastPolicyRecord(SnapshotRecord):
    """A policy with the time that it was in force: `valid_from <= t < valid_to`, null for the newest."""

    valid_from: AwareDatetime = Field(examples=[_SLOT])
    valid_to: AwareDatetime | None = Field(examples=["2026-04-26T00:30:00Z"])
    origin: str = Field(examples=["schedule"])
    published_at: AwareDatetime = Field(examples=["2026-04-26T00:15:02Z"])
    computed_maker_first: bool
    computed_taker_bias: TakerBias
    override: OverrideRecord | None = None

    @classmethod
    def of(cls, period: PolicyPeriod) -> Self:
        """Return the record of a policy with its time."""
        return cls.model_construct(
            **effective_values(period.policy),
            valid_from=period.valid_from,
            valid_to=period.valid_to,
            origin=period.origin.value,
        )


class PolicyPage(BaseModel):
    """Policies by symbol; `next` is the address of the next page, null on the last."""

    items: list[PolicyRecord]
    next: str | None


class HistoryPage(BaseModel):
    """One symbol's policies, oldest first; `next` is the address of the next page, null on the last."""

    items: list[PastPolicyRecord]
    next: str | None


class ChangeRecord(BaseModel):
    """A decision that differs from that of the run before, with what it was; overrides do not count."""

    run_id: int
    scope: str
    slot: AwareDatetime = Field(examples=[_SLOT])
    symbol: str = Field(examples=["BTCUSDT"])
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    reason: str
    previous_slot: AwareDatetime = Field(examples=["2026-04-26T00:00:00Z"])
    previous_maker_first: bool
    previous_taker_bias: TakerBias
    previous_quality: Quality
    previous_regime: Regime
    previous_reason: str

    @classmethod
    def of(cls, change: PolicyChange) -> Self:
        """Return the record of a change."""
        return cls(**asdict(change))


class ChangePage(BaseModel):
    """Changes, the newest slot first, then by symbol; `next` is the address of the next page, null on the last."""

    items: list[ChangeRecord]
    next: str | None


class HealthPage(BaseModel):
    """Execution health, the worst first; `next` is the address of the next page, null on the last."""

    items: list[ExecutionHealth]
    next: str | None


def effective_values(policy: EffectivePolicy) -> dict[str, Any]:
    """Return the fields that every record of a policy in force shares."""
    return {
        **_snapshot_values(policy.snapshot),
        "published_at": policy.published_at,
        "computed_maker_first": policy.computed_maker_first,
        "computed_taker_bias": policy.computed_taker_bias,
        "override": _override(policy.override),
    }


def _override(override: Override | None) -> OverrideRecord | None:
    if override is None:
        return None
    return OverrideRecord(**{name: getattr(override, name) for name in OverrideRecord.model_fields})


def _snapshot_values(snapshot: Snapshot) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    values["codes"] = [
        CodeRecord.model_construct(code=code.code, value=code.value, threshold=code.threshold)
        for code in snapshot.codes
    ]
    return values
