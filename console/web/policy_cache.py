"""What every answer is made from: the book that is watched, the clock, and the latest policies, read once a version."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import RowMapping

from jobs.analysis.health import WatchedScope, healths_of, limits_at
from jobs.slots import Slots
from policy.freshness import Freshness, FreshnessLimits, judge_freshness
from policy.health import ExecutionHealth, severity
from storage.database.transaction import transaction
from storage.read.pages import HistoryVersion, version
from storage.store import Store

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestPolicies:
    """The latest policies, by symbol, and the moment at which they were asked for. `tag` changes when they do."""

    tag: str
    now: datetime
    rows: Sequence[RowMapping]
    by_symbol: Mapping[str, RowMapping]

    @property
    def slot(self) -> datetime | None:
        """The slot of the newest run, None before the first."""
        return self.rows[0]["slot"] if self.rows else None

    @property
    def run_id(self) -> int | None:
        """The number of the newest run, None before the first."""
        return self.rows[0]["run_id"] if self.rows else None


@dataclass(slots=True, kw_only=True)
class _CacheEntry:
    version: HistoryVersion | None = None
    rows: Sequence[RowMapping] = ()
    by_symbol: Mapping[str, RowMapping] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PolicyCache:
    """The book that the console shows. `clock` None means the database's own clock; threads may share a desk.

    The latest policies are kept for as long as nothing is published and no override begins or ends, which is asked of
    the store each time: no answer is older than the store.
    """

    book: WatchedScope
    clock: Clock | None = None
    _kept: _CacheEntry = field(default_factory=_CacheEntry, init=False)
    _limits: tuple[datetime, FreshnessLimits] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @property
    def store(self) -> Store:
        """The store of the book."""
        return self.book.store

    @property
    def scope(self) -> str:
        """The scope of the book."""
        return self.book.scope

    @property
    def slots(self) -> Slots:
        """When a run is due."""
        return self.book.slots

    def now(self) -> datetime:
        """Return the moment that ages are told at."""
        return self.clock() if self.clock is not None else self.store.now()

    def newest(self) -> LatestPolicies:
        """Return the latest policies. Raises as the store does."""
        with transaction(self.store.reader) as connection:
            found, database_now = version(connection, self.scope)
        with self._lock:
            kept = self._kept
            if kept.version != found:
                kept = self._kept = self._read(found)
        now = self.clock() if self.clock is not None else database_now
        return LatestPolicies(tag=tag_of(found, self.slots.cron), now=now, rows=kept.rows, by_symbol=kept.by_symbol)

    def _read(self, found: HistoryVersion) -> _CacheEntry:
        rows = self.store.latest_rows(self.scope)
        return _CacheEntry(version=found, rows=rows, by_symbol={row["symbol"]: row for row in rows})

    def freshness(self, slot: datetime | None, now: datetime) -> Freshness:
        """Say how old the policies of a slot are, and what that means."""
        return judge_freshness(slot, now, self.limits(slot or now))

    def bounds(self, slot: datetime) -> tuple[datetime, datetime]:
        """Return after which moments a policy of this slot is stale, and expired."""
        limits = self.limits(slot)
        return slot + limits.stale_after, slot + limits.expired_after

    def limits(self, slot: datetime) -> FreshnessLimits:
        """Return up to which age a policy of this slot is fresh and usable; those of the last slot are kept."""
        kept = self._limits
        if kept is None or kept[0] != slot:
            kept = self._limits = (slot, limits_at(self.slots, slot))
        return kept[1]

    def healths(self, newest: LatestPolicies) -> list[ExecutionHealth]:
        """Return the health of every symbol that has a policy or should have one, the worst first."""
        return sorted(healths_of(self.book, newest.rows, self.book.symbols, newest.now), key=severity)

    def window_before(self, newest: LatestPolicies, span: timedelta) -> datetime:
        """Return where a window of this length begins that ends with the newest slot, or now before the first."""
        return (newest.slot or newest.now) - span


def tag_of(*parts: object) -> str:
    """Return a short text that is equal for equal parts, for an ETag."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
