"""`router-policy backfill`: past slots, computed from the sources."""

import sys
from datetime import datetime, timedelta
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config, parse_length, parse_start, parse_time
from console.settings.after_run import figures_task_of
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.progress import progress_bar, step_lines
from console.terminal.text import print_lines, print_record
from jobs.after_run.day_figures import try_day_figures
from jobs.run.backfill import backfill
from jobs.run.worker import LEASE_MARGIN
from policy.time_text import iso
from storage.store import Store

_Start = Annotated[
    datetime,
    typer.Option("--from", parser=parse_start, metavar="TIME", help="The first slot, inclusive; a time or 24h ago."),
]
_End = Annotated[datetime, typer.Option("--to", parser=parse_time, metavar="TIME", help="The end, exclusive.")]
_Every = Annotated[
    timedelta | None,
    typer.Option(parser=parse_length, metavar="LENGTH", help="A step, as in 1h; by default the slots of the schedule."),
]


def command(start: _Start, end: _End, every: _Every = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compute past slots from the sources; published slots stay as they are. Can be interrupted."""
    settings = load(config)
    plan = plan_of(settings)
    lease = settings.schedule.deadline + LEASE_MARGIN
    with Store(settings.store.url) as store, progress_bar() as progress:
        store.ensure_set_up()
        slots = _slots(settings, start, min(end, store.now()), every)
        task = progress.add_task("backfilling", total=len(slots))
        count_step = step_lines("backfilling", len(slots))
        published = 0
        for filled in backfill(plan, store, settings.store.url, slots, lease):
            published += filled.run is not None
            count_step(1)
            progress.update(task, advance=1, description=f"backfilling {iso(filled.slot)}")
        problem = try_day_figures(figures_task_of(settings), store)
    sys.stderr.writelines(f"note: {sentence}\n" for sentence in problem)
    if as_json:
        print_record({"slot_count": len(slots), "computed_count": published})
        return
    others = "; the others were there or are held" if published < len(slots) else ""
    print_lines([f"{published} of {len(slots)} slots were computed{others}"])


def _slots(settings: Settings, start: datetime, end: datetime, step: timedelta | None) -> list[datetime]:
    if start >= end:
        raise SettingsError("--from must be before --to, and in the past")
    if step is None:
        return list(settings.schedule.slots.between(start - timedelta(microseconds=1), end))
    return [start + number * step for number in range(-((start - end) // step))]
