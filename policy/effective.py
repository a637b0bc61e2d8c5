"""The policy that the router gets for a symbol: the computed one, or a person's override."""

from dataclasses import dataclass
from datetime import datetime

from policy.enums import Quality, Regime, TakerBias
from policy.reason_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's decision, in force until `until_at`, exclusive, with the decision of the rules beneath it."""

    override_id: int
    author: str
    reason: str
    until_at: datetime
    computed_maker_first: bool
    computed_taker_bias: TakerBias


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePolicy:
    """The policy of a symbol that is in force, overrides included, and its slot.

    `codes` are the reasons of the computed decision; `override` None means that this decision is in force.
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
