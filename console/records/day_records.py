"""What the API returns about the orders of days: what they cost, and how many drifted."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from storage.day_figures import DayCost, DayDrift

_DAY = "2026-04-26T00:00:00Z"


class DayCostRecord(BaseModel):
    """What a symbol's orders of one route cost on a UTC day: slippage and fee in bps of the notional, + is worse."""

    day: AwareDatetime = Field(description="The midnight that the day begins with.", examples=[_DAY])
    symbol: str = Field(examples=["BTCUSDT"])
    route: str = Field(examples=["maker"])
    order_count: int = Field(examples=[12])
    cost_count: int = Field(description="Of these, filled: their cost is known.", examples=[11])
    mean_bps: float | None = Field(examples=[1.25])
    money_count: int = Field(description="Of these, with a notional.", examples=[11])
    money: float | None = Field(description="What these cost, in the currency of the log.", examples=[0.34])

    @classmethod
    def of(cls, day: datetime, cost: DayCost) -> Self:
        """Return the record of one day, symbol and route."""
        return cls(day=day, **asdict(cost))


class DayDriftRecord(BaseModel):
    """How many orders of a symbol on a UTC day did not follow the policy of their time; one may be of several kinds."""

    day: AwareDatetime = Field(description="The midnight that the day begins with.", examples=[_DAY])
    symbol: str = Field(examples=["BTCUSDT"])
    order_count: int = Field(examples=[12])
    no_run_count: int = Field(examples=[0])
    unknown_run_count: int = Field(examples=[0])
    superseded_count: int = Field(examples=[1])
    expired_count: int = Field(examples=[0])
    maker_while_taker_count: int = Field(examples=[0])
    not_as_assigned_count: int = Field(examples=[0])

    @classmethod
    def of(cls, day: datetime, drift: DayDrift) -> Self:
        """Return the record of one day and symbol."""
        return cls(day=day, **asdict(drift))


class CostDays(BaseModel):
    """Costs by day, symbol and route, the oldest day first; orders before `as_of` are counted, null before any."""

    as_of: AwareDatetime | None
    items: list[DayCostRecord]


class DriftDays(BaseModel):
    """Drift by day and symbol, the oldest day first; orders before `as_of` are counted, null before any."""

    as_of: AwareDatetime | None
    items: list[DayDriftRecord]
