"""The latest policies, read once for each version of the history, and their ages; every answer is made from them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from jobs.analysis.health import WatchedScope, healths_of, limits_at
from jobs.slots import Slots
from policy.effective import EffectivePolicy
from policy.freshness import Freshness, FreshnessLimits, judge_freshness
from policy.health import ExecutionHealth, severity
from storage.read.history_version import HistoryVersion, history_version
from storage.read.policies import latest
from storage.store import Store

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestPolicies:
    """The policies in force, all of one run, and the time at which they were read. `tag` changes when they do."""

    tag: str
    now: datetime
    policies: Sequence[EffectivePolicy]
    by_symbol: Mapping[str, EffectivePolicy]

    @property
    def slot(self) -> datetime | None:
        """The slot of the newest run, None before the first."""
        return self.policies[0].snapshot.slot if self.policies else None

    @property
    def run_id(self) -> int | None:
        """The number of the newest run, None before the first."""
        return self.policies[0].snapshot.run_id if self.policies else None

    @property
    def rule_set(self) -> str | None:
        """The live rule set, None before the first run."""
        return self.policies[0].snapshot.rule_set if self.policies else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _CacheEntry:
    version: HistoryVersion | None = None
    policies: Sequence[EffectivePolicy] = ()
    by_symbol: Mapping[str, EffectivePolicy] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PolicyCache:
    """The latest policies of a watched scope; threads may share a cache. `clock` None means the database's own clock.

    The policies are kept until something is published or an override begins or ends. Each call asks the store whether
    that has happened, so no answer is older than the store.
    """

    watched: WatchedScope
    clock: Clock | None = None
    _entry: _CacheEntry = field(default_factory=_CacheEntry, init=False)
    _limits: tuple[datetime, FreshnessLimits] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @property
    def store(self) -> Store:
        """The store of the watched scope."""
        return self.watched.store

    @property
    def scope(self) -> str:
        """The name of the watched scope."""
        return self.watched.scope

    @property
    def slots(self) -> Slots:
        """When a run is due."""
        return self.watched.slots

    def now(self) -> datetime:
        """Return the time from which ages are counted."""
        return self.clock() if self.clock is not None else self.store.now()

    def newest(self) -> LatestPolicies:
        """Return the latest policies. Raises as the store does."""
        with self.store.reading() as connection:
            version, database_now = history_version(connection, self.scope)
        with self._lock:
            if self._entry.version != version:
                self._entry = self._read(version)
            entry = self._entry
        return LatestPolicies(
            tag=tag_of(version, self.slots.cron),
            now=self.clock() if self.clock is not None else database_now,
            policies=entry.policies,
            by_symbol=entry.by_symbol,
        )

    def _read(self, version: HistoryVersion) -> _CacheEntry:
        """Read the policies after their version: they are as new as it, or newer."""
        with self.store.reading() as connection:
            policies = latest(connection, self.scope)
        by_symbol = {policy.symbol: policy for policy in policies}
        return _CacheEntry(version=version, policies=policies, by_symbol=by_symbol)

    def freshness(self, slot: datetime | None, now: datetime) -> Freshness:
        """Return how old the policies of a slot are, and what that means."""
        return judge_freshness(slot, now, self.limits(slot or now))

    def limits(self, slot: datetime) -> FreshnessLimits:
        """Return up to which age a policy of this slot is fresh and usable; those of the last slot are kept."""
        kept = self._limits
        if kept is None or kept[0] != slot:
            kept = self._limits = (slot, limits_at(self.slots, slot))
        return kept[1]

    def healths(self, newest: LatestPolicies) -> list[ExecutionHealth]:
        """Return the health of every symbol that has a policy or should have one, the worst first."""
        return sorted(healths_of(self.watched, newest.policies, self.watched.symbols, newest.now), key=severity)

    def health(self, newest: LatestPolicies, symbol: str) -> ExecutionHealth:
        """Return the health of one symbol; without a policy it has the status `missing`."""
        policy = newest.by_symbol.get(symbol)
        return healths_of(self.watched, [policy] if policy is not None else [], [symbol], newest.now)[0]

    def window_before(self, newest: LatestPolicies, span: timedelta) -> datetime:
        """Return the start of a window of this length that ends with the newest slot, or now before the first."""
        return (newest.slot or newest.now) - span


def tag_of(*parts: object) -> str:
    """Return a short text that is equal for equal parts, for an ETag."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
