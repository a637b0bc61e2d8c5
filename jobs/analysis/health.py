"""Execution health from the store: the policy in force for a symbol, its age, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from jobs.slots import Slots
from policy import Evidence
from policy.effective import EffectivePolicy
from policy.freshness import FreshnessLimits
from policy.health import ExecutionHealth, execution_health, severity
from storage.read.policies import latest, source_notes_of_run
from storage.store import Store

STALE_AFTER_SLOTS = 2
EXPIRED_AFTER_SLOTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedScope:
    """A scope of a store whose health is watched, and the slots in which its policies should be computed.

    `symbols` are those that should have a policy even if none was computed yet.
    """

    store: Store
    scope: str
    slots: Slots
    symbols: Sequence[str] = ()
    _notes_of_run: dict[int, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def source_notes(self, run_id: int) -> tuple[str, ...]:
        """Return what the sources of a run cannot tell, in sentences. A run never changes, so the last one is kept."""
        kept = self._notes_of_run.get(run_id)
        if kept is None:
            with self.store.reading() as connection:
                kept = source_notes_of_run(connection, run_id)
            self._notes_of_run.clear()
            self._notes_of_run[run_id] = kept
        return kept


def compute_execution_health(watched: WatchedScope, symbol: str, now: datetime) -> ExecutionHealth:
    """Return the health of one symbol at a time; a symbol without a policy has the status `missing`.

    Overrides are those in force by the database's clock. Raises as the store does.
    """
    with watched.store.reading() as connection:
        policies = latest(connection, watched.scope, symbol)
    return healths_of(watched, policies, [symbol], now)[0]


def compute_every_execution_health(watched: WatchedScope, now: datetime) -> list[ExecutionHealth]:
    """Return the health of every symbol that has a policy or should have one, the worst first."""
    with watched.store.reading() as connection:
        policies = latest(connection, watched.scope)
    return sorted(healths_of(watched, policies, watched.symbols, now), key=severity)


def limits_at(slots: Slots, at: datetime) -> FreshnessLimits:
    """Return up to which age a policy of this slot is fresh and usable.

    It is fresh until the second slot after its own, and usable until the eighth: if a schedule is kept, no policy gets
    stale, however uneven the schedule is. A slot that is not on the schedule is allowed at least two and eight times
    the shortest time between slots.
    """
    following = slots.following(at, EXPIRED_AFTER_SLOTS)
    shortest = min(later - earlier for earlier, later in pairwise(following))
    return FreshnessLimits(
        stale_after=max(following[STALE_AFTER_SLOTS - 1] - at, shortest * STALE_AFTER_SLOTS),
        expired_after=max(following[-1] - at, shortest * EXPIRED_AFTER_SLOTS),
    )


def healths_of(
    watched: WatchedScope, policies: Sequence[EffectivePolicy], symbols: Sequence[str], now: datetime
) -> list[ExecutionHealth]:
    """Return the health of every symbol of these policies, all of one run, then of those of `symbols` without one."""
    # One run has one slot, whose limits serve all policies.
    limits = limits_at(watched.slots, policies[0].snapshot.slot if policies else now)
    missing = set(symbols).difference(policy.symbol for policy in policies)
    notes = watched.source_notes(policies[0].snapshot.run_id) if policies else ()
    return [
        *(
            execution_health(policy.snapshot.evidence, policy, now=now, limits=limits, source_notes=notes)
            for policy in policies
        ),
        *(execution_health(Evidence(symbol=symbol), None, now=now, limits=limits) for symbol in missing),
    ]
