"""What is remembered of a symbol between two looks at the database, and what it means at a moment.

Seconds named `wall` are of the epoch, by the clock that people set; `elapsed` ones count from some start and only grow.
"""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from router_policy_client.enums import Status
from router_policy_client.limits import Fallback, Fallbacks, Limits
from router_policy_client.policy import Policy, Reading

_OVERRIDDEN = "a person's override is in force; what was computed: "


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPolicy:
    """A symbol's policy, and the one that follows by itself when the override in force ends at `override_until_at`.

    Both are None where no override is in force.
    """

    policy: Policy
    computed: Policy | None
    override_until_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPolicy:
    """A known policy and the age that it had when its run was first seen: it only grows older from there.

    An override ends at `override_until`, and was due to at `override_due`; both are in elapsed seconds, so that a clock
    that is set cannot end it or bring it back, and infinite where none is in force.
    """

    known: StoredPolicy
    slot: float
    override_until: float
    override_due: float
    age_then: float
    elapsed_then: float

    def in_force(self, elapsed: float) -> Policy:
        """Return the policy in force at a moment."""
        computed = self.known.computed
        return self.known.policy if computed is None or elapsed < self.override_until else computed

    def has_ended(self, elapsed: float) -> bool:
        """Tell whether an override was in force when this was read, and has ended by itself since."""
        return self.known.computed is not None and elapsed >= self.override_until

    def age_seconds(self, wall: float, elapsed: float, tolerance_seconds: float) -> float:
        """Return the age by the wall clock, and no less than by the time since it was seen.

        So a wall clock that is set back makes nothing fresh again. Only a slot further in the future than is tolerated
        is left there: it tells that the clocks disagree.
        """
        by_wall = wall - self.slot
        if by_wall < -tolerance_seconds:
            return by_wall
        return max(by_wall, self.age_then + max(0.0, elapsed - self.elapsed_then))


def observe(
    known: StoredPolicy, before: CachedPolicy | None, wall: float, elapsed: float, at_least_seconds: float = 0.0
) -> CachedPolicy:
    """Remember what was read at a moment; a run that was seen before keeps the age that it has had since.

    An override lasts until its end by the wall clock of this moment, and at least so long: the store's clock has just
    said that it is in force.
    """
    slot = known.policy.slot.timestamp()
    until = known.override_until_at
    is_same_run = before is not None and (before.slot, before.known.policy.run_id) == (slot, known.policy.run_id)
    due = inf if until is None else elapsed + until.timestamp() - wall
    return CachedPolicy(
        known=known,
        slot=slot,
        override_until=max(due, elapsed + at_least_seconds),
        override_due=due,
        age_then=before.age_then if before is not None and is_same_run else max(0.0, wall - slot),
        elapsed_then=before.elapsed_then if before is not None and is_same_run else elapsed,
    )


def reading(
    seen: CachedPolicy, limits: Limits, fallbacks: Fallbacks, wall: float, elapsed: float
) -> tuple[Reading, float]:
    """Return what to act on at a moment, and for how many seconds at most that holds, its age apart.

    A person's override is acted on up to its own end, however old the run beneath it is.
    """
    age = seen.age_seconds(wall, elapsed, limits.clock_tolerance_seconds)
    policy = seen.in_force(elapsed)
    status, lasting = limits.judge(age)
    if elapsed < seen.override_until < inf:
        lasting = min(lasting, seen.override_until - elapsed)
    fallback = fallbacks.for_status(status)
    if fallback is None:
        return _acting_on(policy, status, age), lasting
    return _instead_of(policy, status, age, fallback), lasting


def missing(symbol: str, fallback: Fallback, reason: str) -> Reading:
    """Return what to act on for a symbol of which nothing is known."""
    return Reading(
        symbol=symbol,
        status=Status.MISSING,
        age_seconds=None,
        run_id=None,
        slot=None,
        maker_first=fallback.maker_first,
        taker_bias=fallback.taker_bias,
        quality=fallback.quality,
        regime="unknown",
        reason=reason,
        maker_offset_bps=None,
        probe_every=None,
        policy=None,
    )


def _acting_on(policy: Policy, status: Status, age_seconds: float) -> Reading:
    return Reading(
        symbol=policy.symbol,
        status=status,
        age_seconds=age_seconds,
        run_id=policy.run_id,
        slot=policy.slot,
        maker_first=policy.maker_first,
        taker_bias=policy.taker_bias,
        quality=policy.quality,
        regime=policy.regime,
        reason=policy.reason if policy.override_id is None else f"{_OVERRIDDEN}{policy.reason}",
        maker_offset_bps=policy.maker_offset_bps,
        probe_every=policy.probe_every,
        policy=policy,
    )


def _instead_of(policy: Policy, status: Status, age_seconds: float, fallback: Fallback) -> Reading:
    decided = policy if policy.override_id is not None else fallback
    return Reading(
        symbol=policy.symbol,
        status=status,
        age_seconds=age_seconds,
        run_id=policy.run_id,
        slot=policy.slot,
        maker_first=decided.maker_first,
        taker_bias=decided.taker_bias,
        quality=fallback.quality,
        regime="unknown",
        reason=_too_old(policy, status, age_seconds),
        maker_offset_bps=None,
        probe_every=None,
        policy=policy,
    )


def _too_old(policy: Policy, status: Status, age_seconds: float) -> str:
    if status is Status.CLOCK_SKEW:
        said = f"the policy of {policy.slot.isoformat()} is {-age_seconds:.0f} s in the future by this machine's clock"
    else:
        said = f"the policy of {policy.slot.isoformat()} is {age_seconds:.0f} s old"
    return f"{said}; a person's override goes on" if policy.override_id is not None else f"{said}: the fallback is used"
