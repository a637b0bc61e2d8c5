"""What the API says of runs, of what they rest on, and of what was decided by which rule."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import RowMapping

from console.web.api.policy_records import SnapshotRecord
from policy.enums import Quality, Regime, TakerBias

_SLOT = "2026-04-26T00:15:00Z"


class RejectRecord(BaseModel):
    """Rows of one source that a run did not use, for one reason; `sample` says where one of them is."""

    source: str = Field(examples=["orders"])
    reason: str = Field(examples=["zero_fill"])
    reject_count: int = Field(examples=[3])
    sample: str = Field(examples=["order_metrics.jsonl:7"])


class RunRecord(BaseModel):
    """A run as it was published, with what it did not use."""

    run_id: int = Field(examples=[1])
    scope: str = Field(examples=["default"])
    slot: AwareDatetime = Field(examples=[_SLOT])
    origin: str = Field(examples=["schedule"])
    rule_set: str = Field(examples=["seed"])
    engine: str = Field(examples=["duckdb 2.0.0"])
    code_version: str = Field(examples=["0.1.0"])
    owner: str = Field(examples=["host:77@1764000000"])
    started_at: AwareDatetime = Field(examples=["2026-04-26T00:15:01Z"])
    published_at: AwareDatetime = Field(examples=["2026-04-26T00:15:02Z"])
    duration_seconds: float = Field(description="From its start to its publication.", examples=[1.0])
    symbol_count: int = Field(examples=[24])
    event_count: int = Field(examples=[2400])
    reject_count: int = Field(examples=[3])
    digest: str
    previous_digest: str
    rejects: list[RejectRecord]

    @classmethod
    def of(cls, row: RowMapping, rejects: list[RowMapping]) -> "RunRecord":
        """Return a row of policy_run with its rows of policy_reject."""
        shown = {name: row[name] for name in cls.model_fields if name in row}
        told = [RejectRecord(**{name: one[name] for name in RejectRecord.model_fields}) for one in rejects]
        return cls(**shown, duration_seconds=duration_seconds(row), rejects=told)


def duration_seconds(run: RowMapping) -> float:
    """Return how long a run took, from its start to its publication."""
    started_at: datetime = run["started_at"]
    published_at: datetime = run["published_at"]
    return (published_at - started_at).total_seconds()


class RunPage(BaseModel):
    """Runs, the newest slot first; `next` is the address of the next page, null on the last."""

    items: list[RunRecord]
    next: str | None


class GapRecord(BaseModel):
    """A slot that should have been published and was not: nobody ran, every try failed, or its holder died."""

    scope: str
    slot: AwareDatetime = Field(examples=[_SLOT])
    state: str = Field(examples=["missed"])
    owner: str
    failure_count: int
    last_error: str | None


class GapPage(BaseModel):
    """Slots without a run, newest first; `next` is the address of the next page, null on the last."""

    items: list[GapRecord]
    next: str | None


class CheckRecord(BaseModel):
    """One comparison of a rule; `holds` null: it was not judged."""

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
    """Since when a breaker is open, null while closed, and from when on evidence counts, null for all of it."""

    opened_at: AwareDatetime | None
    restarted_at: AwareDatetime | None


class StableQualityRecord(BaseModel):
    """The quality as shown, and what the last runs found instead."""

    quality: Quality
    candidate: Quality
    candidate_count: int


class StateRecord(BaseModel):
    """What the breaker remembers: the symbol's own side, the one of the scope, and the quality that is shown."""

    own: BreakerSideRecord
    pool: BreakerSideRecord
    stable_quality: StableQualityRecord | None


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
    """Since when a breaker is open, and the reason given then; null where that row is no longer there."""

    which: str = Field(examples=["own"])
    opened_at: AwareDatetime
    reason: str | None


class BreakerRecord(BaseModel):
    """What a breaker rested on and remembered before the run, null for a symbol's first, and after it."""

    before: StateRecord | None
    after: StateRecord
    openings: list[OpeningRecord]
    own: StreakRecord | None
    pool: StreakRecord | None


class ShadowRecord(BaseModel):
    """What a rule set in the shadow would have decided instead."""

    rule_set: str = Field(examples=["breaker"])
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    reason: str
    breaker: BreakerRecord | None


class ExplanationRecord(SnapshotRecord):
    """What was in force, and everything that it rests on."""

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
    shadows: list[ShadowRecord]

    @classmethod
    def of(cls, record: dict[str, Any]) -> "ExplanationRecord":
        """Return what `console.commands.explain.explanation_record` says."""
        return cls.model_validate(record)


class Points(BaseModel):
    """Figures over time, a list for each, all equally long; null: not measured."""

    slot: list[AwareDatetime]
    quality: list[Quality]
    maker_first: list[bool]
    taker_bias: list[TakerBias]
    regime: list[Regime]
    maker_fill_ratio: list[float | None]
    fallback_ratio: list[float | None]
    slip_q25: list[float | None]
    slip_q50: list[float | None]
    slip_q75: list[float | None]
    atr_ratio: list[float | None]
    maker_offset_bps: list[float]
    outcome_count: list[int]
    maker_started_count: list[int]


class SeriesRecord(BaseModel):
    """One symbol's figures over time for a picture, thinned where there are many; every change stays.

    `thresholds` are those of the newest run's rule set, by the names of its parameters, and the regimes' upper bounds.
    """

    symbol: str = Field(examples=["BTCUSDT"])
    since: AwareDatetime
    until: AwareDatetime
    points: Points
    thresholds: dict[str, float] = Field(examples=[{"broken_fallback_ratio": 0.9, "panic_atr_ratio": 2.5}])


class HeadRecord(BaseModel):
    """The end of the chain: keep the digest elsewhere, for `router-policy verify --anchor`."""

    entry_id: int
    digest: str


class ReadinessRecord(BaseModel):
    """That the policies can be relied on: the newest slot, and how old it is."""

    is_ready: bool = True
    slot: AwareDatetime = Field(examples=[_SLOT])
    age_seconds: float = Field(examples=[42.0])


class LivenessRecord(BaseModel):
    """That this process answers."""

    is_alive: bool = True
