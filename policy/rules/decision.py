"""What a rule set gives for one symbol."""

from dataclasses import dataclass

from policy.decision import RouterPolicy
from policy.words import Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The policy for one symbol, the regime that it was decided in, and the maker offset in bps from the mid."""

    policy: RouterPolicy
    regime: Regime
    maker_offset_bps: float
