"""What programs get and send of overrides: those that were made, what one would change, and what to write."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from console.records.request_limits import LARGEST_NUMBER, LONGEST_OVERRIDE_SECONDS, MarketName
from policy.enums import Quality, TakerBias
from storage.read.overrides import OverridePeriod, overrides_at
from storage.store import Connection

_UNTIL = "2026-04-26T02:20:00Z"
# A reason has one line: control characters have no place in a table or a log.
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class OverrideState(StrEnum):
    """What became of an override: in force, covered by a later one of its symbol, ended by a person, or expired."""

    IN_FORCE = "in_force"
    COVERED = "covered"
    ENDED = "ended"
    EXPIRED = "expired"


def state_of(period: OverridePeriod, now: datetime, in_force: Collection[int]) -> OverrideState:
    """Return the state of an override; `in_force` are the numbers of those that readers act on now."""
    if period.entry_id in in_force:
        return OverrideState.IN_FORCE
    if period.to_at > now:
        return OverrideState.COVERED
    return OverrideState.ENDED if period.end_author is not None else OverrideState.EXPIRED


class OverrideHistoryRecord(BaseModel):
    """An override as it was made, and the time in which it was in force: `from_at <= t < to_at`.

    `end_author` and `end_reason` are those of the person who ended it before `until_at`.
    """

    override_id: int = Field(examples=[7])
    symbol: str = Field(examples=["BTCUSDT"])
    state: OverrideState
    maker_first: bool
    taker_bias: TakerBias
    author: str = Field(examples=["ann"])
    reason: str = Field(examples=["venue maintenance"])
    from_at: AwareDatetime = Field(examples=["2026-04-26T00:20:00Z"])
    until_at: AwareDatetime = Field(examples=[_UNTIL])
    to_at: AwareDatetime = Field(examples=[_UNTIL])
    end_author: str | None = Field(examples=[None])
    end_reason: str | None = Field(examples=[None])

    @classmethod
    def of(cls, period: OverridePeriod, now: datetime, in_force: Collection[int]) -> Self:
        """Return the record of an override at a time."""
        own = {"override_id", "state"}
        shared = {name: getattr(period, name) for name in cls.model_fields if name not in own}
        return cls(override_id=period.entry_id, state=state_of(period, now, in_force), **shared)


def override_records(
    connection: Connection, scope: str, periods: Sequence[OverridePeriod], now: datetime
) -> list[OverrideHistoryRecord]:
    """Return the records of overrides of a scope, each with its state at a time."""
    in_force = {entry.symbol: entry.entry_id for entry in overrides_at(connection, scope, now)}  # the later one counts
    return [OverrideHistoryRecord.of(period, now, in_force.values()) for period in periods]


class OverrideHistoryPage(BaseModel):
    """Overrides, the newest first; `next` is the address of the next page, null on the last."""

    items: list[OverrideHistoryRecord]
    next: str | None


class OverridePreview(BaseModel):
    """What an override would change, if it were made now: nothing is written.

    Send `newest_entry_id` back when you make it. It changes with each override of the symbol, so that no request counts
    twice and nobody overrides what somebody else has just decided.
    """

    symbol: str = Field(examples=["BTCUSDT"])
    maker_first: bool
    taker_bias: TakerBias
    until_at: AwareDatetime = Field(examples=[_UNTIL])
    quality: Quality = Field(description="The computed one.")
    maker_first_now: bool = Field(description="What is in force now, an override included.")
    taker_bias_now: TakerBias
    override_id_now: int | None = Field(description="The override in force now.", examples=[None])
    newest_entry_id: int = Field(examples=[0])


class NewOverride(BaseModel):
    """An override to be made; without `taker_bias` it is balanced for maker first, else prefer_taker."""

    model_config = ConfigDict(extra="forbid")

    symbol: MarketName = Field(examples=["BTCUSDT"])
    maker_first: StrictBool
    taker_bias: TakerBias | None = None
    lasting_seconds: StrictInt = Field(
        ge=1, le=LONGEST_OVERRIDE_SECONDS, description="At most `overrides.longest`.", examples=[7200]
    )
    reason: Reason = Field(examples=["venue maintenance"])
    newest_entry_id: StrictInt = Field(ge=0, le=LARGEST_NUMBER, description="From the preview.", examples=[0])


class OverrideEnd(BaseModel):
    """Why an override is ended before its time."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["venue is back"])
