"""One look at the store: everything whose change people may want to hear of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.analysis.health import limits_at
from jobs.slots import Slots
from policy.effective import EffectivePolicy
from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS, SavingFigure
from policy.freshness import Status, judge_freshness
from policy.reject import Reject
from storage.read.overrides import OverrideEntry, overrides_at
from storage.read.pages import PageBounds, RunFailure, SlotGap, failures, gaps
from storage.read.policies import latest, newest_run, rejects_of_run
from storage.read.savings import known_savings
from storage.records import PublishedRun
from storage.store import Connection, Store

_GAP_SPAN = timedelta(days=1)
_GAPS_READ = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The state of a scope at one moment, `at` by the database's clock; without a run there are no policies.

    `policies`, `rejects` and `savings` were read when the newest run was first seen: of a policy's override that is the
    one of then. `savings` are those of all symbols together; `failures` are those after the newest run, the newest slot
    first.
    """

    at: datetime
    run: PublishedRun | None
    status: Status
    policies: Mapping[str, EffectivePolicy]
    rejects: tuple[Reject, ...]
    overrides: Mapping[int, OverrideEntry]
    gaps: Mapping[datetime, SlotGap]
    failures: tuple[RunFailure, ...]
    savings: Mapping[Comparison, SavingFigure]


def observe(
    store: Store, scope: str, slots: Slots, counted_from: datetime | None = None, last: Observation | None = None
) -> Observation:
    """Look at a scope; all of it is of one snapshot of the database. Raises as the store does.

    `counted_from` is when `slots` came into force: until a newer slot is published, policies age from then on. What a
    run has published is read once: with the last look at the same scope, only if another run is the newest.
    """
    now = store.now()
    with store.reading() as connection:
        run = newest_run(connection, scope)
        published = last if last is not None and last.run == run else _published(connection, scope, run)
        overrides = overrides_at(connection, scope, now)
        last_day = PageBounds(since=now - _GAP_SPAN, limit=_GAPS_READ)
        missing, failed = gaps(connection, scope, last_day), failures(connection, scope, last_day)
    aged_from = max(run.slot, counted_from or run.slot) if run is not None else None
    return Observation(
        at=now,
        run=run,
        status=judge_freshness(aged_from, now, limits_at(slots, aged_from or now)).status,
        policies=published.policies,
        rejects=published.rejects,
        overrides={override.entry_id: override for override in overrides},
        gaps={gap.slot: gap for gap in missing},
        failures=tuple(each for each in failed if run is None or each.failed_at > run.published_at),
        savings=published.savings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """What does not change until another run is the newest."""

    policies: Mapping[str, EffectivePolicy]
    rejects: tuple[Reject, ...]
    savings: Mapping[Comparison, SavingFigure]


def _published(connection: Connection, scope: str, run: PublishedRun | None) -> _Published:
    rejects = rejects_of_run(connection, run.run_id) if run is not None else []
    savings = known_savings(connection, scope, symbol=ALL_SYMBOLS).newest
    return _Published(
        policies={policy.symbol: policy for policy in latest(connection, scope)},
        rejects=tuple(rejects),
        savings={comparison: saving.figure for (_, comparison), saving in savings.items()},
    )
