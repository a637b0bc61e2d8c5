"""`router-policy once`: one slot, computed in this process while a person waits."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.commands.latest import print_policies
from console.errors import SettingsError
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.text import print_json
from jobs.plan import Plan
from jobs.run.lease_owner import claim
from jobs.run.worker import LEASE_MARGIN, RunTask, compute_slot_or_fail
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError

_LOOK_AGAIN_SECONDS = 0.5


def compute_once(config: Path | None, as_of: datetime | None, *, as_json: bool) -> None:
    """Compute a slot and publish it, or say that it is published already; then print its policies."""
    settings = load(config)
    plan = plan_of(settings)
    with Store(settings.store.url) as store:
        store.ensure_set_up()
        run, is_new = _publish(store, plan, _slot(settings, store, as_of), settings)
        _report(run, store, plan, is_new=is_new, as_json=as_json)


def _slot(settings: Settings, store: Store, as_of: datetime | None) -> datetime:
    now = store.now()
    slot = as_of if as_of is not None else settings.schedule.slots.newest(now)
    if slot > now:
        raise SettingsError(
            f"--as-of {slot.isoformat()} is in the future; what it would be decided on has not happened"
        )
    return slot


def _publish(store: Store, plan: Plan, slot: datetime, settings: Settings) -> tuple[PublishedRun, bool]:
    lease = settings.schedule.deadline + LEASE_MARGIN
    try:
        claimed = _claim(store, plan.scope, slot, lease)
    except SlotPublishedError:
        run = store.run_of_slot(plan.scope, slot)
        assert run is not None
        return run, False
    task = RunTask(plan=plan, store_url=settings.store.url, claim=claimed, origin=Origin.MANUAL)
    with _waiting(f"computing {slot.isoformat()}"):
        return compute_slot_or_fail(task, store), True


def _claim(store: Store, scope: str, slot: datetime, lease: timedelta) -> Lease:
    """Take the slot, at once where its holder is gone, else when its lease runs out or it is published."""
    while True:
        try:
            return claim(store, scope, slot, lease)
        except SlotHeldError as held:
            with _waiting(f"waiting: {held}"):
                time.sleep(_LOOK_AGAIN_SECONDS)


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    """Show a person at a terminal that something is going on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def _report(run: PublishedRun, store: Store, plan: Plan, *, is_new: bool, as_json: bool) -> None:
    snapshots = store.snapshots_of_run(run.run_id)
    rejects = store.rejects_of_run(run.run_id)
    if as_json:
        from console.commands.latest import as_record

        print_json(map(as_record, snapshots))
        return
    word = "published as" if is_new else "is published already, as"
    sys.stdout.write(
        f"slot {run.slot.astimezone(UTC).isoformat()} of scope {plan.scope!r} {word} run {run.run_id}: "
        f"{run.symbol_count} symbols, {run.event_count} outcomes used, {run.reject_count} rows not used\n"
    )
    for reject in rejects:
        sys.stdout.write(f"  not used, {reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}\n")
    if snapshots:
        print_policies(snapshots, store.now())
