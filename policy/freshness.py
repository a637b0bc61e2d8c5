"""The freshness of a policy: its age, its status, and the limits between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CLOCK_TOLERANCE = timedelta(seconds=5)


class Status(StrEnum):
    """Whether a router can act on a policy."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"
    MISSING = "missing"
    CLOCK_SKEW = "clock_skew"


_FALLBACK = "routers try maker first and wait a quarter of the time; an override holds until its own end"
# What the client does, each a sentence without its capital letter and its full stop.
WHAT_ROUTERS_DO: Mapping[Status, str] = {
    Status.FRESH: "routers act on it",
    Status.STALE: "routers still act on it",
    Status.EXPIRED: _FALLBACK,
    Status.MISSING: "routers go by their own choice and wait half of the time",
    Status.CLOCK_SKEW: _FALLBACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The status of a policy, and its age in seconds from its slot: below 0 for one from the future.

    Both `slot` and `age_seconds` are None if there is no policy.
    """

    status: Status
    slot: datetime | None
    age_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessLimits:
    """The greatest age of a fresh policy (`stale_after`) and of a usable one (`expired_after`), both inclusive.

    A slot that is ahead by no more than `clock_tolerance` counts as now: the clocks of two machines differ a little.
    """

    stale_after: timedelta
    expired_after: timedelta
    clock_tolerance: timedelta = CLOCK_TOLERANCE

    def bounds(self, slot: datetime) -> tuple[datetime, datetime]:
        """Return the times after which a policy of this slot is stale, and expired."""
        return slot + self.stale_after, slot + self.expired_after


def judge_freshness(slot: datetime | None, now: datetime, limits: FreshnessLimits) -> Freshness:
    """Return the freshness of a policy; `slot` None means that there is no policy.

    A slot that is further ahead of `now` than the tolerance of the clocks is CLOCK_SKEW: its age is unknown, and a
    policy of unknown age is never fresh. Raises TypeError if only one of the times has a zone.
    """
    if slot is None:
        return Freshness(status=Status.MISSING, slot=None, age_seconds=None)
    age = now - slot
    return Freshness(status=_status(age, limits), slot=slot, age_seconds=age.total_seconds())


def _status(age: timedelta, limits: FreshnessLimits) -> Status:
    if age < -limits.clock_tolerance:
        return Status.CLOCK_SKEW
    if age > limits.expired_after:
        return Status.EXPIRED
    return Status.STALE if age > limits.stale_after else Status.FRESH
