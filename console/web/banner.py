"""How fresh the policies are, in words: for the pages and for the readiness probe."""

from dataclasses import dataclass
from datetime import datetime

from console.terminal.text import iso
from console.web.policy_cache import LatestPolicies, PolicyCache
from policy.freshness import Freshness, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """How fresh the policies are, in words; `status` gives it its colour."""

    status: Status
    text: str
    slot: datetime | None
    now: datetime


def banner_of(cache: PolicyCache, newest: LatestPolicies) -> Banner:
    """Return how fresh the policies are, and what to do if they are not."""
    freshness = cache.freshness(newest.slot, newest.now)
    text = _text(cache, freshness, newest.now)
    return Banner(status=freshness.status, text=text, slot=freshness.slot, now=newest.now)


def _text(cache: PolicyCache, freshness: Freshness, now: datetime) -> str:
    if freshness.slot is None or freshness.age_seconds is None:
        return "No run yet. router-policy once computes one now, router-policy run computes each when it is due."
    slot = f"the newest slot is {iso(freshness.slot)}"
    if freshness.status is Status.FRESH:
        due = cache.slots.next(max(now, freshness.slot))
        return f"Fresh: {slot}; the next is due at {iso(due)}."
    if freshness.status is Status.CLOCK_SKEW:
        return f"Clock skew: {slot}, which lies ahead of now. A clock is wrong, and the age cannot be known."
    stale_at, expired_at = cache.bounds(freshness.slot)
    if freshness.status is Status.STALE:
        return f"Stale since {iso(stale_at)}: {slot}. Check that router-policy run is running; Runs lists the gaps."
    return f"Expired since {iso(expired_at)}: {slot}. Routers go by their own choice now. Start router-policy run."
