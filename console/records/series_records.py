"""What the API returns for a picture: one symbol's figures over time."""

from collections.abc import Sequence
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.enums import Quality, Regime, TakerBias
from storage.read.overrides import OverridePeriod
from storage.read.time_series import SeriesPoint


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

    @classmethod
    def of(cls, points: Sequence[SeriesPoint]) -> Self:
        """Return a list for each figure of the points."""
        return cls(**{name: [getattr(point, name) for point in points] for name in cls.model_fields})


class OverridePeriodRecord(BaseModel):
    """A person's decision, in force instead of the computed one with `from_at <= t < to_at`."""

    override_id: int = Field(examples=[7])
    maker_first: bool
    taker_bias: TakerBias
    author: str = Field(examples=["ann"])
    reason: str = Field(examples=["venue maintenance"])
    from_at: AwareDatetime = Field(examples=["2026-04-26T00:20:00Z"])
    to_at: AwareDatetime = Field(examples=["2026-04-26T02:20:00Z"])

    @classmethod
    def of(cls, period: OverridePeriod) -> Self:
        """Return the record of an override."""
        shared = {name: getattr(period, name) for name in cls.model_fields if name != "override_id"}
        return cls(override_id=period.entry_id, **shared)


class SeriesRecord(BaseModel):
    """One symbol's figures over time for a picture, thinned if there are many points; every change stays.

    The points are as they were computed; `overrides` were in force instead of them.

    `gaps` are the slots that have no run, from the first point on; the newest if there are many.
    `thresholds` are those of the newest run's rule set, by the names of its parameters, and the regimes' upper bounds.
    """

    symbol: str = Field(examples=["BTCUSDT"])
    since: AwareDatetime
    until: AwareDatetime
    points: Points
    overrides: list[OverridePeriodRecord]
    gaps: list[AwareDatetime]
    thresholds: dict[str, float] = Field(examples=[{"broken_fallback_ratio": 0.9, "panic_atr_ratio": 2.5}])
