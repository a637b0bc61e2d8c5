"""One slot, computed in this process while a person waits for it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from jobs.plan import Plan
from jobs.run.lease_owner import claim
from jobs.run.worker import LEASE_MARGIN, RunTask, compute_slot_or_fail
from policy.time_text import iso
from storage.read.policies import run_of_slot
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError

_RETRY_SECONDS = 0.5

Activity = Callable[[str], AbstractContextManager[None]]


def publish_slot(
    plan: Plan, store: Store, store_url: str, slot: datetime, deadline: timedelta, activity: Activity
) -> tuple[PublishedRun, bool]:
    """Compute a slot as origin `manual` and publish it; return its run, and whether that is new.

    A slot that is published already is left as it is. `activity` is given a description of each thing that takes time,
    and entered while it lasts. A slot that fails is recorded, and its error is raised.
    """
    try:
        lease = _claim(store, plan.scope, slot, deadline + LEASE_MARGIN, activity)
    except SlotPublishedError:
        with store.reading() as connection:
            run = run_of_slot(connection, plan.scope, slot)
        assert run is not None
        return run, False
    task = RunTask(plan=plan, store_url=store_url, lease=lease, origin=Origin.MANUAL)
    with activity(f"computing {iso(slot)}"):
        return compute_slot_or_fail(task, store), True


def _claim(store: Store, scope: str, slot: datetime, length: timedelta, activity: Activity) -> Lease:
    """Take the slot: at once if its owner is dead, else when its lease runs out or it is published."""
    while True:
        try:
            return claim(store, scope, slot, length)
        except SlotHeldError as held:
            with activity(f"waiting: {held}"):
                time.sleep(_RETRY_SECONDS)
