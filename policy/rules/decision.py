"""The decision of a rule set for one symbol."""

from dataclasses import dataclass

from policy.enums import Quality, Regime, TakerBias
from policy.reason_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterPolicy:
    """The policy of the router for one symbol.

    `maker_first` False means: skip the maker attempt and cross. `taker_bias` sets the wait at the maker price.
    `reason` is for people, `codes` are the same for programs.
    """

    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    reason: str
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The policy for one symbol, its regime, and the maker offset in bps from the mid.

    `probe_every` is set while only probes may go out as maker: every so many orders, one may be a probe. With
    `probe_share`, more than 0 and at most 1, every order instead rests that share of its quantity as maker for the
    full wait, and crosses the rest at once. `maker_posts` is the number of posts that the full wait is divided into;
    None: 1. `holdout_share` is the share of orders that the rule set wants sent the other way, to measure what its
    advice saves; None leaves it to the experiment of the run.
    """

    policy: RouterPolicy
    regime: Regime
    maker_offset_bps: float
    probe_every: int | None = None
    maker_posts: int | None = None
    probe_share: float | None = None
    holdout_share: float | None = None
