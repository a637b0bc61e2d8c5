"""The simulated bot at work: a thread that appends to the log, and to the candles, as time passes."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread

from jobs.demo.folder import DemoFolder
from jobs.demo.simulation import Simulation

log = logging.getLogger("router_policy.demo")
_WRITE_SECONDS = 0.5


@contextmanager
def live_feed(
    simulation: Simulation, folder: DemoFolder, since: datetime, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Write what happens on the simulated market from `since` on, twice a second, until the block is left."""
    stop = Event()
    thread = Thread(target=_feed, args=(simulation, folder, since, clock, stop), name="simulated-bot", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _feed(
    simulation: Simulation, folder: DemoFolder, since: datetime, clock: Callable[[], datetime], stop: Event
) -> None:
    written_until = since
    while not stop.wait(_WRITE_SECONDS):
        now = clock()
        try:
            write_until(simulation, folder, written_until, now)
        except OSError as error:
            log.error("the simulated bot cannot write to %s any more: %s", folder.path, error)
            return
        written_until = now


def write_until(simulation: Simulation, folder: DemoFolder, since: datetime, until: datetime) -> None:
    """Write the lines and the candles of `since` up to `until`: once for the whole past, then bit by bit."""
    folder.append_rows(simulation.bot.rows_until(until))
    folder.add_bars(simulation.market.bars(since, until))
