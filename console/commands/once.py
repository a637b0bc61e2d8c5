"""`router-policy once`: one slot, computed in this process while a person waits."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config, parse_time
from console.settings.after_run import figures_task_of
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.policy_table import print_policies
from console.terminal.progress import spinner
from console.terminal.rejects import reject_lines
from console.terminal.text import print_lines, print_page
from jobs.after_run.day_figures import try_day_figures
from jobs.analysis.empty_window import elsewhere_words, once_at_the_end, orders_around
from jobs.analysis.findings import counted
from jobs.plan import Plan
from jobs.run.single_slot import publish_slot
from policy.health_warnings import survivors_only
from policy.snapshot import Snapshot
from policy.time_text import iso
from storage.read import policies
from storage.records import PublishedRun
from storage.store import Store

_AsOf = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, metavar="TIME", help="The slot to compute; by default the newest of the schedule."),
]


def command(as_of: _AsOf = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compute one slot now and publish it; a slot that is published already stays as it is."""
    settings = load(config)
    plan = plan_of(settings)
    with Store(settings.store.url) as store:
        store.ensure_set_up()
        slot = _slot(settings, store, as_of)
        run, is_new = publish_slot(plan, store, settings.store.url, slot, settings.schedule.deadline, spinner)
        with spinner("adding up what the orders cost"):
            problem = try_day_figures(figures_task_of(settings), store)
        with store.reading() as connection:
            snapshots = policies.snapshots_of_run(connection, run.run_id)
            rejects = policies.rejects_of_run(connection, run.run_id)
            notes = policies.source_notes_of_run(connection, run.run_id)
        elsewhere = list(_elsewhere(plan, settings, store, run)) if run.event_count == 0 else []
        note_lines = [f"note: {note}" for note in (*notes, *elsewhere, *_survivors(snapshots), *problem)]
        if as_json:
            _print_records(snapshots)
            sys.stderr.writelines(f"{line}\n" for line in note_lines)
            return
        print_lines([_summary(run, plan.scope, is_new=is_new), *reject_lines(rejects), *note_lines])
        if snapshots:
            print_policies(snapshots, store.now())


def _print_records(snapshots: Sequence[Snapshot]) -> None:
    from console.records.policy_records import SnapshotRecord

    print_page(SnapshotRecord.of_snapshot(snapshot) for snapshot in snapshots)


def _slot(settings: Settings, store: Store, as_of: datetime | None) -> datetime:
    now = store.now()
    slot = as_of if as_of is not None else settings.schedule.slots.newest(now)
    if slot > now:
        raise SettingsError(
            f"--as-of {iso(slot)} is in the future; the orders and candles of its window do not exist yet"
        )
    return slot


def _elsewhere(plan: Plan, settings: Settings, store: Store, run: PublishedRun) -> Iterator[str]:
    """Yield where the orders are that the run did not find, and how to get policies from them."""
    now = store.now()
    orders = orders_around(plan, run.slot, now)
    if words := elsewhere_words(orders, run.slot):
        yield f"orders: {words}; the next slot is {iso(settings.schedule.slots.next(now))}"
    with store.reading() as connection:
        has_policies = policies.newest_run_with_policies(connection, settings.scope) is not None
    if not has_policies and (remedy := once_at_the_end(orders)):
        yield f"no policy yet: if these orders are all that there is, {remedy} computes the policies at their end"


def _survivors(snapshots: Sequence[Snapshot]) -> Iterator[str]:
    for snapshot in snapshots:
        if warning := survivors_only(snapshot.evidence.effectiveness):
            yield f"{snapshot.symbol}: {warning}"


def _summary(run: PublishedRun, scope: str, *, is_new: bool) -> str:
    published = "published as" if is_new else "is published already, as"
    return (
        f"slot {iso(run.slot)} of scope {scope!r} {published} run {run.run_id}: "
        f"{counted(run.symbol_count, 'symbol')}, {counted(run.event_count, 'order')} used, "
        f"{counted(run.reject_count, 'row')} not used"
    )
