"""`router-policy once`: one slot, computed in this process while a person waits."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config, parse_time
from console.policy_record import snapshot_record
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.policy_table import print_policies
from console.terminal.progress import spinner
from console.terminal.rejects import reject_lines
from console.terminal.text import print_json, print_lines
from jobs.plan import Plan
from jobs.run.lease_owner import claim
from jobs.run.worker import LEASE_MARGIN, RunTask, compute_slot_or_fail
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError

_RETRY_SECONDS = 0.5

AsOf = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, help="The slot to compute; by default the newest of the schedule."),
]


def command(as_of: AsOf = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compute one slot now and publish it; a slot that is published already stays as it is."""
    settings = load(config)
    plan = plan_of(settings)
    with Store(settings.store.url) as store:
        store.ensure_set_up()
        run, is_new = _publish(store, plan, _slot(settings, store, as_of), settings)
        snapshots = store.snapshots_of_run(run.run_id)
        if as_json:
            print_json(map(snapshot_record, snapshots))
            return
        print_lines([_summary(run, plan.scope, is_new=is_new), *reject_lines(store.rejects_of_run(run.run_id))])
        if snapshots:
            print_policies(snapshots, store.now())


def _slot(settings: Settings, store: Store, as_of: datetime | None) -> datetime:
    now = store.now()
    slot = as_of if as_of is not None else settings.schedule.slots.newest(now)
    if slot > now:
        raise SettingsError(
            f"--as-of {slot.isoformat()} is in the future; the orders and candles of its window do not exist yet"
        )
    return slot


def _publish(store: Store, plan: Plan, slot: datetime, settings: Settings) -> tuple[PublishedRun, bool]:
    """Return the slot's run, and whether it is new."""
    try:
        lease = _claim(store, plan.scope, slot, settings.schedule.deadline + LEASE_MARGIN)
    except SlotPublishedError:
        run = store.run_of_slot(plan.scope, slot)
        assert run is not None
        return run, False
    task = RunTask(plan=plan, store_url=settings.store.url, claim=lease, origin=Origin.MANUAL)
    with spinner(f"computing {slot.isoformat()}"):
        return compute_slot_or_fail(task, store), True


def _claim(store: Store, scope: str, slot: datetime, length: timedelta) -> Lease:
    """Take the slot: at once if its owner is dead, else when its lease runs out or it is published."""
    while True:
        try:
            return claim(store, scope, slot, length)
        except SlotHeldError as held:
            with spinner(f"waiting: {held}"):
                time.sleep(_RETRY_SECONDS)


def _summary(run: PublishedRun, scope: str, *, is_new: bool) -> str:
    published = "published as" if is_new else "is published already, as"
    return (
        f"slot {run.slot.astimezone(UTC).isoformat()} of scope {scope!r} {published} run {run.run_id}: "
        f"{run.symbol_count} symbols, {run.event_count} outcomes used, {run.reject_count} rows not used"
    )
