"""Backfill: past slots computed from the sources as they are now; published slots stay as they are."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.engines.measure import Measure, measuring
from jobs.engines.measurement import Measurement
from jobs.engines.streaks import States
from jobs.plan import Plan
from jobs.run.lease_owner import claim
from jobs.run.worker import RunTask, compute_slot_or_fail
from policy.window import Window
from storage.errors import SlotTakenError
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfilledSlot:
    """One slot of a backfill: the run that was published for it, or in `skipped` the reason why there is none."""

    slot: datetime
    run: PublishedRun | None
    skipped: str = ""


def backfill(
    plan: Plan, store: Store, store_url: str, slots: Iterable[datetime], lease: timedelta
) -> Iterator[BackfilledSlot]:
    """Compute and publish slots from the oldest to the newest, as origin `backfill`, and yield each when it is done.

    What the slots read from the sources alike is read once, when the first is computed. A slot that is published, or
    that another process holds, is skipped, so that an interrupted backfill can be started again. A slot that fails is
    recorded, and its error is raised.
    """
    ordered = sorted(slots)
    with ExitStack() as opened:
        measured = _Measuring(plan=plan, slots=ordered, opened=opened)
        for slot in ordered:
            claimed = _claim(store, plan.scope, slot, lease)
            if isinstance(claimed, str):
                yield BackfilledSlot(slot=slot, run=None, skipped=claimed)
                continue
            task = RunTask(plan=plan, store_url=store_url, lease=claimed, origin=Origin.BACKFILL)
            yield BackfilledSlot(slot=slot, run=compute_slot_or_fail(task, store, measured))


@dataclass(slots=True, kw_only=True)
class _Measuring:
    """Measures slots in their order, on an engine that is open from the first of them until `opened` ends."""

    plan: Plan
    slots: Sequence[datetime]
    opened: ExitStack
    measured: Measure | None = None

    def __call__(self, window: Window, states: States) -> Measurement:
        if self.measured is None:
            windows = [self.plan.window(slot) for slot in self.slots if slot >= window.as_of]
            self.measured = self.opened.enter_context(measuring(self.plan, windows))
        return self.measured(window, states)


def _claim(store: Store, scope: str, slot: datetime, lease: timedelta) -> Lease | str:
    try:
        return claim(store, scope, slot, lease)
    except SlotTakenError as taken:
        return str(taken)
