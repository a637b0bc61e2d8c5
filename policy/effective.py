"""The policy that the router gets for a symbol: the computed one, or a person's override."""

from dataclasses import dataclass
from datetime import datetime

from policy.enums import TakerBias
from policy.snapshot import Snapshot


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
    """The policy in force for a symbol, as routers read it from `published_at` on.

    `maker_first` and `taker_bias` of `snapshot` are the override's if there is one; quality, codes, reason and figures
    are always those that were computed.
    """

    snapshot: Snapshot
    published_at: datetime
    override: Override | None = None

    @property
    def symbol(self) -> str:
        """The market that the policy is for."""
        return self.snapshot.symbol

    @property
    def computed_maker_first(self) -> bool:
        """What the rules decided, an override aside."""
        return self.override.computed_maker_first if self.override is not None else self.snapshot.maker_first

    @property
    def computed_taker_bias(self) -> TakerBias:
        """How patient the rules decided to be, an override aside."""
        return self.override.computed_taker_bias if self.override is not None else self.snapshot.taker_bias
