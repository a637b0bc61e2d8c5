"""What the API returns for a picture: one symbol's figures over time."""

from collections.abc import Sequence
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.enums import Quality, Regime, TakerBias
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


class SeriesRecord(BaseModel):
    """One symbol's figures over time for a picture, thinned if there are many points; every change stays.

    `thresholds` are those of the newest run's rule set, by the names of its parameters, and the regimes' upper bounds.
    """

    symbol: str = Field(examples=["BTCUSDT"])
    since: AwareDatetime
    until: AwareDatetime
    points: Points
    thresholds: dict[str, float] = Field(examples=[{"broken_fallback_ratio": 0.9, "panic_atr_ratio": 2.5}])
