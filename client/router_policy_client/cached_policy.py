"""A symbol's policy in memory between two reads of the store, and the reading that follows from it at a given time.

`wall` values are seconds since the epoch by the wall clock; `elapsed` values are monotonic seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from router_policy_client.enums import Status
from router_policy_client.limits import Fallback, Fallbacks, Limits
from router_policy_client.policy import Policy, Reading

_OVERRIDDEN = "a person's override is in force; the computed policy: "


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPolicy:
    """A row of the store: the effective policy, and the computed one that follows when the override ends.

    `computed` and `override_until_at` are None if no override is in force.
    """

    policy: Policy
    computed: Policy | None
    override_until_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPolicy:
    """A stored policy and the age of its run at the first observation; from there the age only grows.

    `slot` is in wall seconds, `observed_at` in elapsed seconds. The override ends at `override_until`; by its own end
    it was due at `override_due`. Both are in elapsed seconds, so that a change of the wall clock neither ends an
    override nor revives it, and infinite without an override.
    """

    stored: StoredPolicy
    slot: float
    override_until: float
    override_due: float
    observed_age: float
    observed_at: float

    def effective(self, elapsed: float) -> Policy:
        """Return the policy that applies at a moment: with the override until its end, then the computed one."""
        computed = self.stored.computed
        return self.stored.policy if computed is None or elapsed < self.override_until else computed

    def is_override_over(self, elapsed: float) -> bool:
        """Return whether the policy was read with an override that has ended since."""
        return self.stored.computed is not None and elapsed >= self.override_until

    def age_seconds(self, wall: float, elapsed: float, tolerance_seconds: float) -> float:
        """Return the age by the wall clock, at least the observed age plus the time since the observation.

        So no policy becomes fresh again if the wall clock is set back. Only a slot further in the future than the
        tolerance returns its negative age: the clocks disagree.
        """
        by_wall = wall - self.slot
        if by_wall < -tolerance_seconds:
            return by_wall
        return max(by_wall, self.observed_age + max(0.0, elapsed - self.observed_at))


def observe(
    stored: StoredPolicy, before: CachedPolicy | None, wall: float, elapsed: float, at_least_seconds: float = 0.0
) -> CachedPolicy:
    """Return the cache entry for a row read at a moment; a run observed before keeps its observed age.

    An override lasts until its end by the wall clock, and at least `at_least_seconds`: the store has just returned it
    as in force by its own clock.
    """
    slot = stored.policy.slot.timestamp()
    until = stored.override_until_at
    is_same_run = before is not None and (before.slot, before.stored.policy.run_id) == (slot, stored.policy.run_id)
    due = inf if until is None else elapsed + until.timestamp() - wall
    return CachedPolicy(
        stored=stored,
        slot=slot,
        override_until=max(due, elapsed + at_least_seconds),
        override_due=due,
        observed_age=before.observed_age if before is not None and is_same_run else max(0.0, wall - slot),
        observed_at=before.observed_at if before is not None and is_same_run else elapsed,
    )


def reading(
    cached: CachedPolicy, limits: Limits, fallbacks: Fallbacks, wall: float, elapsed: float
) -> tuple[Reading, float]:
    """Return the reading at a moment, and for how many seconds it holds apart from its age.

    A person's override applies until its own end, whatever the age of its run.
    """
    age = cached.age_seconds(wall, elapsed, limits.clock_tolerance_seconds)
    policy = cached.effective(elapsed)
    status, valid_seconds = limits.status_at(age)
    if elapsed < cached.override_until < inf:
        valid_seconds = min(valid_seconds, cached.override_until - elapsed)
    fallback = fallbacks.for_status(status)
    if fallback is None:
        return _policy_reading(policy, status, age), valid_seconds
    return _fallback_reading(policy, status, age, fallback), valid_seconds


def missing(symbol: str, fallback: Fallback, reason: str) -> Reading:
    """Return the reading for a symbol without a policy."""
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
        maker_posts=1,
        probe_share=None,
        holdout_share=None,
        holdout_salt=None,
        policy=None,
    )


def _policy_reading(policy: Policy, status: Status, age_seconds: float) -> Reading:
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
        maker_posts=policy.maker_posts,
        probe_share=policy.probe_share,
        holdout_share=policy.holdout_share if status is Status.FRESH else None,
        holdout_salt=policy.holdout_salt if status is Status.FRESH else None,
        policy=policy,
    )


def _fallback_reading(policy: Policy, status: Status, age_seconds: float, fallback: Fallback) -> Reading:
    decision = policy if policy.override_id is not None else fallback
    return Reading(
        symbol=policy.symbol,
        status=status,
        age_seconds=age_seconds,
        run_id=policy.run_id,
        slot=policy.slot,
        maker_first=decision.maker_first,
        taker_bias=decision.taker_bias,
        quality=fallback.quality,
        regime="unknown",
        reason=_age_reason(policy, status, age_seconds),
        maker_offset_bps=None,
        probe_every=None,
        maker_posts=1,
        probe_share=None,
        holdout_share=None,
        holdout_salt=None,
        policy=policy,
    )


def _age_reason(policy: Policy, status: Status, age_seconds: float) -> str:
    if status is Status.CLOCK_SKEW:
        age = f"the policy of {policy.slot.isoformat()} is {-age_seconds:.0f} s in the future by this machine's clock"
    else:
        age = f"the policy of {policy.slot.isoformat()} is {age_seconds:.0f} s old"
    return f"{age}; a person's override applies" if policy.override_id is not None else f"{age}: the fallback applies"
