"""Metrics for Prometheus: read from the store at each scrape; only the count of changes is kept."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from console.web.order_figures import DRIFT_KINDS, OrderFigures, read_order_figures
from console.web.policy_cache import LatestPolicies, PolicyCache
from jobs.sources.reject_reasons import reject_reason
from policy.enums import Quality
from policy.errors import RouterPolicyError
from policy.freshness import Status
from storage.read import metrics as store_metrics
from storage.read.pages import run_by_id
from storage.read.policies import rejects_of_run
from storage.store import Connection

log = logging.getLogger("router_policy.web")
_PREFIX = "router_policy"
_TODAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True, eq=False)
class PolicyCollector(Collector):
    """Reads the metrics of one scope at each scrape.

    `holder` names this process if it computes slots as well, None if it only shows them. If the store cannot be read,
    `router_policy_store_up` is 0 and the other metrics are left out: none is made up.
    """

    cache: PolicyCache
    version: str
    holder: str | None = None
    _last_run_id: int | None = field(default=None, init=False)
    _change_count: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def collect(self) -> Iterable[Metric]:
        """Return every metric as it is now."""
        build = InfoMetricFamily(f"{_PREFIX}_build", "Which router-policy this is.", value={"version": self.version})
        try:
            metrics = list(self._read())
        except RouterPolicyError as error:
            log.warning("metrics could not be read: %s", error)
            return [build, self._gauge("store_up", "Whether the store can be read: 1 or 0.", 0)]
        return [build, self._gauge("store_up", "Whether the store can be read: 1 or 0.", 1), *metrics]

    def _read(self) -> Iterator[Metric]:
        newest = self.cache.newest()
        yield from self._age(newest)
        yield from self._symbols(newest)
        with self.cache.store.reading() as connection:
            yield from self._run(connection, newest)
            yield from self._counts(connection, newest)
            yield self._changes(connection, newest)
            yield from self._orders(read_order_figures(connection, self.cache.scope, _TODAY))

    def _age(self, newest: LatestPolicies) -> Iterator[Metric]:
        """Yield the status and the age; with the slot itself, the age can be computed from an older scrape."""
        freshness = self.cache.freshness(newest.slot, newest.now)
        family = self._family(
            "status", "What the age of the newest slot means: 1 for the status that it has.", "status"
        )
        for status in Status:
            family.add_metric([self.cache.scope, status.value], float(freshness.status is status))
        yield family
        if newest.slot is None or freshness.age_seconds is None:
            return
        limits = self.cache.limits(newest.slot)
        for name, description, value in (
            ("newest_slot_timestamp_seconds", "The newest slot that was published.", newest.slot.timestamp()),
            ("age_seconds", "How old the newest slot is.", freshness.age_seconds),
            ("stale_after_seconds", "Up to which age it is fresh.", limits.stale_after.total_seconds()),
            ("expired_after_seconds", "Up to which age it can be used.", limits.expired_after.total_seconds()),
        ):
            yield self._gauge(name, description, value)

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
        rejects = self._family("run_rejects", "Rows that the newest run rejected.", "source", "reason", "kind")
        run = run_by_id(connection, self.cache.scope, newest.run_id) if newest.run_id is not None else None
        if run is not None:
            yield self._gauge("run_duration_seconds", "How long the newest run took.", run.duration_seconds)
            yield self._gauge("run_events", "How many order outcomes the newest run used.", run.event_count)
            for reject in rejects_of_run(connection, run.run_id):
                kind = reject_reason(reject.reason).kind
                rejects.add_metric([self.cache.scope, reject.source, reject.reason, kind], reject.reject_count)
        yield rejects

    def _counts(self, connection: Connection, newest: LatestPolicies) -> Iterator[Metric]:
        scope = self.cache.scope
        gaps = self._family("gaps", "Slots that should have been published and were not.", "state")
        for state, count in store_metrics.gap_counts(connection, scope, newest.now).items():
            gaps.add_metric([scope, state], count)
        yield gaps
        yield self._counter("runs", "Runs that were published.", store_metrics.run_count(connection, scope))
        yield self._counter(
            "run_failures", "Tries that published nothing.", store_metrics.failure_count(connection, scope)
        )
        holds = self.holder is not None and store_metrics.holds_lease(connection, scope, self.holder, newest.now)
        yield self._gauge("lease_held", "Whether this process computes a slot now: 1 or 0.", float(holds))

    def _changes(self, connection: Connection, newest: LatestPolicies) -> Metric:
        """Count from the newest run at the first scrape on; Prometheus expects a counter to begin at 0."""
        with self._lock:
            if self._last_run_id is None:
                self._last_run_id = newest.run_id or 0
            else:
                counts = store_metrics.change_counts(connection, self.cache.scope, self._last_run_id)
                self._change_count += sum(counts.values())
                self._last_run_id = max(counts, default=self._last_run_id)
            return self._counter("changes", "Decisions that changed since this process began.", self._change_count)

    def _orders(self, figures: OrderFigures) -> Iterator[Metric]:
        """Yield what the orders of the newest UTC day with figures cost and how they drifted; nothing before any."""
        if figures.today is None:
            return
        yield self._gauge(
            "figures_as_of_timestamp_seconds",
            "Orders of the UTC day before this time are in the costs and the drift.",
            figures.today.as_of.timestamp(),
        )
        costs = self._family("cost_bps", "Mean cost of the day's orders: slippage and fee.", "symbol", "route")
        for _, cost in figures.costs:
            if cost.mean_bps is not None:
                costs.add_metric([self.cache.scope, cost.symbol, cost.route], cost.mean_bps)
        yield costs
        drift = self._family("drift_orders", "Orders of the day that did not follow the policy of their time.", "kind")
        counts = figures.drift_of_today()
        for kind in DRIFT_KINDS:
            drift.add_metric([self.cache.scope, kind.removesuffix("_count")], counts[kind])
        yield drift

    def _family(self, name: str, description: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{_PREFIX}_{name}", description, labels=["scope", *labels])

    def _gauge(self, name: str, description: str, value: float) -> Metric:
        family = self._family(name, description)
        family.add_metric([self.cache.scope], value)
        return family

    def _counter(self, name: str, description: str, value: float) -> Metric:
        family = CounterMetricFamily(f"{_PREFIX}_{name}", description, labels=["scope"])
        family.add_metric([self.cache.scope], value)
        return family
