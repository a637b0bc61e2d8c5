"""The holdout: the few orders that chance sends the other way than the policy, so that what it saves can be measured.

Every process chooses the same ones, and the service derives the choice again from what is stored and logged.
"""

from dataclasses import dataclass
from hashlib import sha256

from router_policy_client.policy import Reading

_HASHES = 2.0**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which way chance sends an order, and how likely that was.

    `holdout` is true for an order that goes the other way, false for one that took part and goes as the policy says,
    None for one that took no part. `propensity` is the probability of the way that it goes: 1 for an order that took no
    part although the policy holds orders out, None if the policy holds none out.
    """

    holdout: bool | None
    propensity: float | None


_NO_EXPERIMENT = Assignment(holdout=None, propensity=None)
_NO_PART = Assignment(holdout=None, propensity=1.0)


def assign(reading: Reading, order_id: str | None, *, may_take_part: bool) -> Assignment:
    """Return the assignment of an order under a reading; without an `order_id` it takes no part."""
    share, salt = reading.holdout_share, reading.holdout_salt
    if share is None or salt is None:
        return _NO_EXPERIMENT
    if order_id is None or not may_take_part:
        return _NO_PART
    holdout = is_held_out(str(order_id), salt, share)  # an id that is a number must not raise here
    return Assignment(holdout=holdout, propensity=share if holdout else 1 - share)


def is_held_out(order_id: str, salt: str, share: float) -> bool:
    """Return whether an order is held out, as a share of all ids is, by its id and the salt alone."""
    digest = sha256(f"{salt}\0{order_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _HASHES < share
