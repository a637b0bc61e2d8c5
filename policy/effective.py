"""What the router is told for a symbol at a moment: the policy that was computed, or a person's decision instead."""

from dataclasses import dataclass
from datetime import datetime

from policy.enums import Quality, Regime, TakerBias
from policy.reason_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's decision that is in force until `until_at`, exclusive, and what the rules said beneath it."""

    override_id: int
    author: str
    reason: str
    until_at: datetime
    computed_maker_first: bool
    computed_taker_bias: TakerBias


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePolicy:
    """What the router is told for a symbol, overrides included, and the slot that it was decided in.

    `codes` are the grounds of the decision that was computed; `override` None means that this one is in force.
    """

    run_id: int
    slot: datetime
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    maker_offset_bps: float
    codes: tuple[Code, ...] = ()
    override: Override | None = None
