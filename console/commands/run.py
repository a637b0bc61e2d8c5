"""`router-policy run`: the schedule, in this process, until it is told to stop."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.logs import set_up_logs
from jobs.run.lease_owner import owner
from jobs.run.schedule import Schedule, ScheduleOptions
from storage.store import Store

if TYPE_CHECKING:
    from console.web.server import Address

log = logging.getLogger("router_policy")


def run_schedule(config: Path | None, address: "Address | None" = None) -> None:
    """Run the schedule of the settings, and the console where an address is given for it.

    Returns after SIGTERM or Ctrl-C, when the run that had begun is finished.
    """
    settings = load(config)
    set_up_logs()
    with Store(settings.store.url) as store:
        store.ensure_set_up()
    schedule = Schedule(plan=plan_of(settings), store_url=settings.store.url, timing=schedule_options_of(settings))
    with _console(settings, address):
        schedule.run()
    log.info("stopped; no run was left half done")


@contextmanager
def _console(settings: Settings, address: "Address | None") -> Iterator[None]:
    if address is None:
        yield
        return
    from console.web.server import console_at

    with console_at(settings, address, holder=owner()) as url:
        log.info("console at %s", url)
        yield


def schedule_options_of(settings: Settings) -> ScheduleOptions:
    """Return when slots are due. Raises CronError for an expression that cannot be read."""
    return ScheduleOptions(
        slots=settings.schedule.slots,
        tick=settings.schedule.tick,
        deadline=settings.schedule.deadline,
        retry_after=settings.schedule.retry_after,
        catch_up=settings.schedule.catch_up,
    )
