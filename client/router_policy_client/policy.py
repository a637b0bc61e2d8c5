"""What the store says about a symbol, and what a router reads of it at a moment."""

from dataclasses import dataclass
from datetime import datetime

from router_policy_client.enums import Quality, Status, TakerBias


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One symbol's policy as the store has it in force, an override included. Times are aware and UTC.

    `override_id` is None where no override is in force. `probe_every` n lets every n-th order, chosen by its id, go
    out as a maker probe while `maker_first` is off; None means no probes.
    """

    scope: str
    symbol: str
    run_id: int
    slot: datetime
    published_at: datetime
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: str
    reason: str
    maker_offset_bps: float
    override_id: int | None
    probe_every: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What to act on for one symbol at one moment; where `status` asks for the fallback, this is the fallback.

    `age_seconds` counts from the policy's slot; it is negative for a slot further in the future than the clocks of two
    machines may differ, and None where nothing is known. `run_id` and `slot` are those of the policy last known, also
    when it is not acted on, and None without one. `maker_offset_bps` None leaves the distance from the mid to the
    router. `policy` is what was last known, None only with the status MISSING.
    """

    symbol: str
    status: Status
    age_seconds: float | None
    run_id: int | None
    slot: datetime | None
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: str
    reason: str
    maker_offset_bps: float | None
    probe_every: int | None
    policy: Policy | None
