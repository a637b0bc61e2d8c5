"""What probes return: whether this process is alive, and whether its policies can be relied on."""

from pydantic import AwareDatetime, BaseModel, Field


class ReadinessRecord(BaseModel):
    """That the policies can be relied on: the newest slot, and how old it is."""

    is_ready: bool = True
    slot: AwareDatetime = Field(examples=["2026-04-26T00:15:00Z"])
    age_seconds: float = Field(examples=[42.0])


class LivenessRecord(BaseModel):
    """That this process answers."""

    is_alive: bool = True
