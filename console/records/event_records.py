"""What the API and the commands return about what happened in a scope."""

from dataclasses import asdict
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.activity_kind import ActivityKind
from storage.read.events import Event

EVENT_COLUMNS = ("at", "kind", "symbol", "run_id", "what", "author", "reason")


class EventRecord(BaseModel):
    """Something that happened: at its slot if a run decided it, else when a person or a process did it."""

    at: AwareDatetime = Field(examples=["2026-04-26T00:15:00Z"])
    kind: ActivityKind = Field(examples=[ActivityKind.TO_TAKER])
    symbol: str | None = Field(description="Null for what concerns all.", examples=["BTCUSDT"])
    run_id: int | None = Field(description="The run that decided it.", examples=[17])
    what: str = Field(examples=["taker, prefer taker, broken; before: maker first, prefer maker, good"])
    author: str | None = Field(description="The person or the process behind it.", examples=[None])
    reason: str | None = Field(examples=["the maker-first router is broken: go straight to taker"])

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the record of an event."""
        return cls(**asdict(event))


class EventPage(BaseModel):
    """Events, the newest first; `next` is the address of the next page, null on the last.

    All events of one moment are on one page, which may then have more than were asked for.
    """

    items: list[EventRecord]
    next: str | None
