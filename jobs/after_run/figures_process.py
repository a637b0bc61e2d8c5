"""The figures of the last days in a process of their own: a run is published before, and never waits for it."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from jobs.after_run.day_figures import FiguresTask, store_day_figures
from jobs.cycle_collector import without_collector
from jobs.run.child_process import call_in_child
from jobs.run.errors import RunFailedError
from storage.records import PublishedRun
from storage.store import Store

log = logging.getLogger("router_policy.figures")


@dataclass(slots=True, kw_only=True)
class FiguresProcess:
    """Computes the figures after each run, one process at a time, which is killed at the deadline.

    A failure is a warning in the log, and the next run's figures take its days along. Use it from one thread. A thread
    of its own owns the process from its start to its end.
    """

    task: FiguresTask
    deadline: timedelta
    _thread: Thread | None = field(default=None, init=False)
    _abort: Event = field(default_factory=Event, init=False)

    def start(self, run: PublishedRun) -> None:
        """Have the figures computed, and return at once; nothing is started while those of an earlier run take time."""
        if self._thread is not None and self._thread.is_alive():
            log.warning("no figures of orders after run %d: those of an earlier run still take time", run.run_id)
            return
        arguments = (run.run_id, self.task, self.deadline)
        self._thread = Thread(target=self._compute, args=arguments, name="figures", daemon=True)
        self._thread.start()

    def replace(self, task: FiguresTask, deadline: timedelta) -> None:
        """Take another task from the next run on; from any thread."""
        self.task, self.deadline = task, deadline

    def close(self) -> None:
        """End what is being computed, even if it has just begun; nothing of it is stored."""
        self._abort.set()
        if self._thread is not None:
            self._thread.join()

    def _compute(self, run_id: int, task: FiguresTask, deadline: timedelta) -> None:
        """Wait in a thread for the process, and log what went wrong."""
        try:
            call_in_child("computation", _store_figures, task, deadline, self._abort)
        except (RunFailedError, OSError) as error:
            if self._abort.is_set():
                log.info("no figures of orders after run %d: they are left out, the program stops", run_id)
            else:
                log.warning("no figures of orders after run %d: %s", run_id, error)


def _store_figures(task: FiguresTask) -> int:
    with without_collector(), Store(task.store_url) as store:
        return store_day_figures(task, store)
