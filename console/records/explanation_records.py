"""What the API returns as an explanation: a policy, its rules, its breaker and its shadows."""

from dataclasses import asdict
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from console.records.policy_records import SnapshotRecord, effective_values
from console.records.run_records import RejectRecord
from jobs.analysis.explain import Explanation
from jobs.analysis.outage_explanation import OutageExplanation
from policy.effective import Override
from policy.enums import Quality, Regime, TakerBias
from policy.maker_cost import CostRoute
from storage.read.breaker_events import BreakerLevel
from storage.read.explanation import BreakerDecision, ShadowDecision


class CheckRecord(BaseModel):
    """One comparison of a rule; `holds` is null if it was not evaluated."""

    rule: str = Field(examples=["broken"])
    figure: str = Field(examples=["fallback_ratio"])
    value: float | None = Field(examples=[0.1])
    sign: str = Field(examples=[">="])
    threshold: float = Field(examples=[0.9])
    holds: bool | None = Field(examples=[False])


class LastChangeRecord(BaseModel):
    """When the decision last changed, and what it was before."""

    slot: AwareDatetime
    previous_slot: AwareDatetime
    previous_maker_first: bool
    previous_taker_bias: TakerBias
    previous_quality: Quality
    previous_regime: Regime


class BreakerSideRecord(BaseModel):
    """The time since which a breaker is open, null while closed, and from which evidence counts, null for all."""

    opened_at: AwareDatetime | None
    restarted_at: AwareDatetime | None


class StableQualityRecord(BaseModel):
    """The quality as shown, and the one that the last runs measured instead."""

    quality: Quality
    candidate: Quality
    candidate_count: int


class StateRecord(BaseModel):
    """The state of a breaker: of the symbol's own, of the scope's, and the quality that is shown.

    `cost_route` is the way that cost less when the evidence of `measured` was last clear, null if it was not.
    """

    own: BreakerSideRecord
    pool: BreakerSideRecord
    stable_quality: StableQualityRecord | None
    cost_route: CostRoute | None


class StreakRecord(BaseModel):
    """Maker orders in a row, as the breaker counts them."""

    miss_streak: int
    start_count: int
    miss_count: int
    probe_count: int
    probe_filled_count: int
    last_probe_at: AwareDatetime | None
    reject_streak: int | None = Field(default=None, description="Of the symbol's own orders only.")


class OpeningRecord(BaseModel):
    """The time since which a breaker is open, and the reason given then, null if that row was removed."""

    level: BreakerLevel = Field(examples=["own"])
    opened_at: AwareDatetime
    reason: str | None


class BreakerRecord(BaseModel):
    """What a breaker rested on, and its state before the run, null in a symbol's first, and after it."""

    before: StateRecord | None
    after: StateRecord
    openings: list[OpeningRecord]
    own: StreakRecord | None
    pool: StreakRecord | None

    @classmethod
    def of(cls, breaker: BreakerDecision) -> Self:
        """Return the record of a breaker."""
        streaks = breaker.evidence.streaks
        values = {
            "before": breaker.before,
            "after": breaker.after,
            "openings": breaker.openings,
            "own": {**asdict(streaks.own), "reject_streak": streaks.reject_streak} if streaks is not None else None,
            "pool": streaks.pool if streaks is not None else None,
        }
        return cls.model_validate(values, from_attributes=True)


class ShadowRecord(BaseModel):
    """What a rule set in the shadow would have decided instead."""

    rule_set: str = Field(examples=["breaker"])
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    reason: str
    breaker: BreakerRecord | None

    @classmethod
    def of(cls, shadow: ShadowDecision) -> Self:
        """Return the record of a shadow."""
        return cls(
            rule_set=shadow.rule_set,
            maker_first=shadow.maker_first,
            taker_bias=shadow.taker_bias,
            quality=shadow.quality,
            reason=shadow.reason,
            breaker=BreakerRecord.of(shadow.breaker) if shadow.breaker is not None else None,
        )


class SumMoveRecord(BaseModel):
    """One order, and how much it speaks for an outage; negative: against one."""

    symbol: str = Field(examples=["BTCUSDT"])
    order_id: str | None = Field(examples=["sig_1"])
    ended_at: AwareDatetime
    went_through: bool | None = Field(description="Whether the market traded through its price; null: not known.")
    is_filled: bool
    increment: float = Field(examples=[4.57])


class OutageRecord(BaseModel):
    """The sum of the evidence of an outage, and the newest orders, those that moved it most first."""

    level: BreakerLevel = Field(examples=["own"])
    outage_sum: float | None = Field(examples=[9.16])
    order_count: int = Field(examples=[100])
    moves: list[SumMoveRecord]

    @classmethod
    def of(cls, outage: OutageExplanation) -> Self:
        """Return the record of one breaker's evidence."""
        moves = [
            SumMoveRecord(
                symbol=move.order.symbol,
                order_id=move.order.order_id,
                ended_at=move.order.ended_at,
                went_through=move.order.went_through,
                is_filled=move.order.is_filled,
                increment=move.increment,
            )
            for move in outage.moves
        ]
        return cls(level=outage.level, outage_sum=outage.outage_sum, order_count=outage.order_count, moves=moves)


class ExplanationRecord(SnapshotRecord):
    """The policy in force, and everything that it rests on."""

    valid_from: AwareDatetime
    valid_to: AwareDatetime | None
    published_at: AwareDatetime
    computed_maker_first: bool
    computed_taker_bias: TakerBias
    override_id: int | None
    override_author: str | None
    override_reason: str | None
    override_until_at: AwareDatetime | None
    rules: list[CheckRecord] = Field(description="In the order in which they are tried.")
    rejects: list[RejectRecord]
    last_change: LastChangeRecord | None
    breaker: BreakerRecord | None
    outages: list[OutageRecord]
    shadows: list[ShadowRecord]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """Return the record of an explanation."""
        period, breaker = explanation.period, explanation.breaker
        values = {
            **effective_values(period.policy),
            **_override_values(period.policy.override),
            "valid_from": period.valid_from,
            "valid_to": period.valid_to,
            "rules": explanation.checks,
            "rejects": explanation.rejects,
            "last_change": explanation.last_change,
            "breaker": BreakerRecord.of(breaker) if breaker is not None else None,
            "outages": [OutageRecord.of(outage) for outage in explanation.outages],
            "shadows": [ShadowRecord.of(shadow) for shadow in explanation.shadows],
        }
        return cls.model_validate(values, from_attributes=True)


def _override_values(override: Override | None) -> dict[str, object]:
    return {
        "override_id": override.override_id if override is not None else None,
        "override_author": override.author if override is not None else None,
        "override_reason": override.reason if override is not None else None,
        "override_until_at": override.until_at if override is not None else None,
    }
