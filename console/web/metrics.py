"""What Prometheus scrapes: read from the store each time, and nothing kept but how many changes were counted."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from console.web.policy_cache import LatestPolicies, PolicyCache
from policy.enums import Quality
from policy.errors import RouterPolicyError
from policy.freshness import Status
from storage.read import metrics
from storage.read.pages import run_by_id
from storage.read.policies import rejects_of_run
from storage.store import Connection

log = logging.getLogger("router_policy.web")
_PREFIX = "router_policy"


@dataclass(slots=True, kw_only=True, eq=False)
class PolicyCollector(Collector):
    """Reads the figures of one scope when they are asked for.

    `holder` names this process where it computes slots as well, None where it only shows them. Where the store cannot
    be read, `router_policy_store_up` is 0 and the rest is left out: no figure is made up.
    """

    cache: PolicyCache
    version: str
    holder: str | None = None
    _last_run_id: int | None = field(default=None, init=False)
    _change_count: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def collect(self) -> Iterable[Metric]:
        """Return every figure as it is now."""
        build = InfoMetricFamily(f"{_PREFIX}_build", "Which router-policy this is.", value={"version": self.version})
        try:
            found = list(self._read())
        except RouterPolicyError as error:
            log.warning("figures could not be read: %s", error)
            return [build, self._gauge("store_up", "Whether the store can be read: 1 or 0.", 0)]
        return [build, self._gauge("store_up", "Whether the store can be read: 1 or 0.", 1), *found]

    def _read(self) -> Iterator[Metric]:
        newest = self.cache.newest()
        yield from self._age(newest)
        yield from self._symbols(newest)
        with self.cache.store.reading() as connection:
            yield from self._run(connection, newest)
            yield from self._counts(connection, newest)
            yield self._changes(connection, newest)

    def _age(self, newest: LatestPolicies) -> Iterator[Metric]:
        """The slot itself is told too: its age can then be asked of a scrape that is older."""
        freshness = self.cache.freshness(newest.slot, newest.now)
        family = self._family(
            "status", "What the age of the newest slot means: 1 for the status that it has.", "status"
        )
        for status in Status:
            family.add_metric([self.cache.scope, status.value], float(freshness.status is status))
        yield family
        if newest.slot is None or freshness.age_seconds is None:
            return
        stale_at, expired_at = self.cache.bounds(newest.slot)
        for name, said, value in (
            ("newest_slot_timestamp_seconds", "The newest slot that was published.", newest.slot.timestamp()),
            ("age_seconds", "How old the newest slot is.", freshness.age_seconds),
            ("stale_after_seconds", "Up to which age it is fresh.", (stale_at - newest.slot).total_seconds()),
            ("expired_after_seconds", "Up to which age it can be used.", (expired_at - newest.slot).total_seconds()),
        ):
            yield self._gauge(name, said, value)

    def _symbols(self, newest: LatestPolicies) -> Iterator[Metric]:
        family = self._family("symbols", "How many symbols have each quality.", "quality")
        qualities = [policy.snapshot.quality for policy in newest.policies]
        for quality in Quality:
            family.add_metric([self.cache.scope, quality.value], qualities.count(quality))
        yield family
        taker = sum(not policy.snapshot.maker_first for policy in newest.policies)
        yield self._gauge("taker_symbols", "How many symbols go straight to taker.", taker)
        overridden = sum(policy.override is not None for policy in newest.policies)
        yield self._gauge("overrides", "How many symbols have an override in force.", overridden)

    def _run(self, connection: Connection, newest: LatestPolicies) -> Iterator[Metric]:
        rejects = self._family("run_rejects", "Rows that the newest run did not use.", "source", "reason")
        run = run_by_id(connection, self.cache.scope, newest.run_id) if newest.run_id is not None else None
        if run is not None:
            yield self._gauge("run_duration_seconds", "How long the newest run took.", run.duration_seconds)
            yield self._gauge("run_events", "How many order outcomes the newest run used.", run.event_count)
            for reject in rejects_of_run(connection, run.run_id):
                rejects.add_metric([self.cache.scope, reject.source, reject.reason], reject.reject_count)
        yield rejects

    def _counts(self, connection: Connection, newest: LatestPolicies) -> Iterator[Metric]:
        scope = self.cache.scope
        gaps = self._family("gaps", "Slots that should have been published and were not.", "state")
        for state, count in metrics.gap_counts(connection, scope, newest.now).items():
            gaps.add_metric([scope, state], count)
        yield gaps
        yield self._counter("runs", "Runs that were published.", metrics.run_count(connection, scope))
        yield self._counter("run_failures", "Tries that published nothing.", metrics.failure_count(connection, scope))
        holds = self.holder is not None and metrics.holds_lease(connection, scope, self.holder, newest.now)
        yield self._gauge("lease_held", "Whether this process computes a slot now: 1 or 0.", float(holds))

    def _changes(self, connection: Connection, newest: LatestPolicies) -> Metric:
        """Count on from the newest run at the first scrape; a counter that begins at 0 is what Prometheus expects."""
        with self._lock:
            if self._last_run_id is None:
                self._last_run_id = newest.run_id or 0
            else:
                found = metrics.change_counts(connection, self.cache.scope, self._last_run_id)
                self._change_count += sum(found.values())
                self._last_run_id = max(found, default=self._last_run_id)
            return self._counter("changes", "Decisions that changed since this process began.", self._change_count)

    def _family(self, name: str, said: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{_PREFIX}_{name}", said, labels=["scope", *labels])

    def _gauge(self, name: str, said: str, value: float) -> Metric:
        family = self._family(name, said)
        family.add_metric([self.cache.scope], value)
        return family

    def _counter(self, name: str, said: str, value: float) -> Metric:
        family = CounterMetricFamily(f"{_PREFIX}_{name}", said, labels=["scope"])
        family.add_metric([self.cache.scope], value)
        return family
