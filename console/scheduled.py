"""`router-policy run`: the schedule, in this process, until it is told to stop."""

import logging
import sys
from pathlib import Path

from console.plans import plan_of
from console.settings import Settings, load, parse_duration
from jobs.schedule import Schedule, Timing
from jobs.slots import Slots
from storage.store import Store


def run_schedule(config: Path | None) -> None:
    """Run the schedule of the settings; returns after SIGTERM or Ctrl-C, when the run that had begun is finished."""
    settings = load(config)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with Store(settings.store.url) as store:
        store.ensure_set_up()
    schedule = Schedule(plan=plan_of(settings), store_url=settings.store.url, timing=timing_of(settings))
    schedule.run()
    logging.getLogger("router_policy").info("stopped; no run was left half done")


def timing_of(settings: Settings) -> Timing:
    """Return when slots are due. Raises CronError for an expression that cannot be read."""
    return Timing(
        slots=Slots(settings.schedule.cron),
        tick=parse_duration(settings.schedule.tick),
        deadline=parse_duration(settings.schedule.deadline),
        retry_after=parse_duration(settings.schedule.retry_after),
        catch_up=settings.schedule.catch_up,
    )
