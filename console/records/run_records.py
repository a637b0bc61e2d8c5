"""What the API returns about runs, slots without a run, and the head of the chain."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.reject import Reject
from storage.read.pages import SlotGap
from storage.records import PublishedRun

_SLOT = "2026-04-26T00:15:00Z"


class RejectRecord(BaseModel):
    """Rows of one source that a run rejected for one reason; `sample` says where one of them is."""

    source: str = Field(examples=["orders"])
    reason: str = Field(examples=["zero_fill"])
    reject_count: int = Field(examples=[3])
    sample: str = Field(examples=["order_metrics.jsonl:7"])


class RunRecord(BaseModel):
    """A run as it was published, with the rows that it rejected."""

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
    def of(cls, run: PublishedRun, rejects: Sequence[Reject]) -> Self:
        """Return the record of a run with its rejected rows."""
        records = [RejectRecord(**asdict(reject)) for reject in rejects]
        return cls(**asdict(run), duration_seconds=run.duration_seconds, rejects=records)


class RunPage(BaseModel):
    """Runs, the newest slot first; `next` is the address of the next page, null on the last."""

    items: list[RunRecord]
    next: str | None


class GapRecord(BaseModel):
    """A slot that should have been published: it was missed, every try failed, or its owner died."""

    scope: str
    slot: AwareDatetime = Field(examples=[_SLOT])
    state: str = Field(examples=["missed"])
    owner: str
    failure_count: int
    last_error: str | None

    @classmethod
    def of(cls, gap: SlotGap) -> Self:
        """Return the record of a slot without a run."""
        return cls(**asdict(gap))


class GapPage(BaseModel):
    """Slots without a run, newest first; `next` is the address of the next page, null on the last."""

    items: list[GapRecord]
    next: str | None


class HeadRecord(BaseModel):
    """The end of the chain: keep the digest elsewhere, for `router-policy verify --anchor`."""

    entry_id: int
    digest: str
