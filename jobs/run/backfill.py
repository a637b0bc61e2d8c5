"""Backfill: past slots computed from the sources as they are now; published slots stay as they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.plan import Plan
from jobs.run.lease_owner import claim
from jobs.run.worker import RunTask, compute_slot_or_fail
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
    """Compute and publish slots one after the other, as origin `backfill`, and yield each when it is done.

    A slot that is published, or that another process holds, is skipped, so that an interrupted backfill can be started
    again. A slot that fails is recorded, and its error is raised.
    """
    for slot in slots:
        claimed = _claim(store, plan.scope, slot, lease)
        if isinstance(claimed, str):
            yield BackfilledSlot(slot=slot, run=None, skipped=claimed)
            continue
        task = RunTask(plan=plan, store_url=store_url, claim=claimed, origin=Origin.BACKFILL)
        yield BackfilledSlot(slot=slot, run=compute_slot_or_fail(task, store))


def _claim(store: Store, scope: str, slot: datetime, lease: timedelta) -> Lease | str:
    try:
        return claim(store, scope, slot, lease)
    except SlotTakenError as taken:
        return str(taken)
