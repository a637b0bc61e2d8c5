"""What a rule set gives for one symbol."""

from dataclasses import dataclass

from policy.decision import RouterPolicy
from policy.words import Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The policy for one symbol, the regime that it was decided in, and the maker offset in bps from the mid.

    `probe_every` is set while maker orders are held back but for probes: of how many orders one may go out as a probe.
    """

    policy: RouterPolicy
    regime: Regime
    maker_offset_bps: float
    probe_every: int | None = None
