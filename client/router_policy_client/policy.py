"""A symbol's policy as stored, and the reading that a router acts on at a given time."""

from dataclasses import dataclass
from datetime import datetime

from router_policy_client.enums import Quality, Status, TakerBias


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One symbol's effective policy in the store, overrides included. Times are aware and UTC.

    `override_id` is None if no override is in force. `maker_posts` is how many posts the full maker wait is divided
    into: 1 is one price for the whole wait. `probe_share`, above 0 and up to 1, is the share of each order that rests
    as a maker probe while `maker_first` is false; None means none. With `probe_every` n, one order in n, chosen by its
    id, goes out whole as a maker probe while `maker_first` is false, if a share of it cannot; None means none.
    `holdout_share` of all orders, chosen by `holdout_salt` and their ids, go the other way; both are None for none.
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
    maker_posts: int
    probe_share: float | None
    holdout_share: float | None
    holdout_salt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What to act on for one symbol at one moment: the policy, or the fallback for its `status`.

    `age_seconds` counts from the policy's slot. It is negative only if the slot is further in the future than the clock
    tolerance, and None without a policy. `run_id` and `slot` are those of the last known policy, even if the fallback
    applies, and None without one. If `maker_offset_bps` is None, the router chooses the distance from the mid. `policy`
    is the last known policy, None only with the status MISSING. `holdout_share` and `holdout_salt` are None unless the
    status is FRESH.
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
    maker_posts: int
    probe_share: float | None
    holdout_share: float | None
    holdout_salt: str | None
    policy: Policy | None
