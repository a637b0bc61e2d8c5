"""The live feed of the demo: a thread that appends to the log and the candles as time passes."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread

from jobs.demo.folder import SCHEDULE_SECONDS, SCOPE, DemoFolder
from jobs.demo.simulation import Simulation
from router_policy_client import PolicyReader

log = logging.getLogger("router_policy.demo")
_WRITE_SECONDS = 0.5
_EXPIRED_INTERVALS = 8  # two minutes: a laptop may be busy


@contextmanager
def live_feed(
    simulation: Simulation, folder: DemoFolder, since: datetime, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Write the events of the simulated market from `since` on, twice a second, until the block ends.

    The bot follows the policies that are published in the folder's database.
    """
    stop = Event()
    thread = Thread(target=_feed, args=(simulation, folder, since, clock, stop), name="simulated-bot", daemon=True)
    with _policies(folder) as simulation.bot.reader:
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _policies(folder: DemoFolder) -> PolicyReader:
    url = f"sqlite:///{folder.database}"
    return PolicyReader(url, scope=SCOPE, interval_seconds=SCHEDULE_SECONDS, expired_after_intervals=_EXPIRED_INTERVALS)


def _feed(
    simulation: Simulation, folder: DemoFolder, since: datetime, clock: Callable[[], datetime], stop: Event
) -> None:
    written_until = since
    while not stop.wait(_WRITE_SECONDS):
        now = clock()
        try:
            write_until(simulation, folder, written_until, now)
        except OSError as error:
            log.error("the simulated bot cannot write to %s: %s", folder.path, error)
            return
        written_until = now


def write_until(simulation: Simulation, folder: DemoFolder, since: datetime, until: datetime) -> None:
    """Write the lines and the candles of `since` up to `until`: once for the whole past, then in steps."""
    folder.append_rows(simulation.bot.rows_until(until))
    folder.add_bars(simulation.market.bars(since, until))
