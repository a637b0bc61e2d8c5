"""The figures of the last days in a process of their own: a run is published before, and never waits for it."""

import logging
import multiprocessing
import signal
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Thread

from jobs.after_run.day_figures import FiguresTask, store_day_figures
from jobs.cycle_collector import without_collector
from jobs.run.child_process import PARENTS_SIGNALS, end_with_parent, folder_of_run, start_shielded
from policy.errors import RouterPolicyError
from storage.records import PublishedRun
from storage.store import Store

log = logging.getLogger("router_policy.figures")


@dataclass(slots=True, kw_only=True)
class FiguresProcess:
    """Computes the figures after each run, one process at a time, which is killed at the deadline.

    A failure is a warning in the log, and the next run's figures take its days along. Use it from one thread.
    """

    task: FiguresTask
    deadline: timedelta
    _thread: Thread | None = field(default=None, init=False)
    _process: BaseProcess | None = field(default=None, init=False)
    _is_closing: bool = field(default=False, init=False)

    def start(self, run: PublishedRun) -> None:
        """Have the figures computed, and return at once; nothing is started while those of an earlier run take time."""
        if self._thread is not None and self._thread.is_alive():
            log.warning("no figures of orders after run %d: those of an earlier run still take time", run.run_id)
            return
        self._thread = Thread(target=self._compute, args=(run.run_id,), name="figures", daemon=True)
        self._thread.start()

    def replace(self, task: FiguresTask, deadline: timedelta) -> None:
        """Take another task from the next run on; from any thread."""
        self.task, self.deadline = task, deadline

    def close(self) -> None:
        """End what is being computed; nothing of it is stored."""
        self._is_closing = True
        process, thread = self._process, self._thread
        if process is not None and thread is not None and thread.is_alive():
            process.kill()
            thread.join()

    def _compute(self, run_id: int) -> None:
        """Wait in a thread for the process, and log what went wrong."""
        context = multiprocessing.get_context("spawn")
        answers, sender = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(self.task, sender, self.deadline), name="router-policy-figures")
        try:
            start_shielded(process)
        except OSError as error:
            log.warning("no figures of orders after run %d: %s", run_id, error)
            return
        finally:
            sender.close()
        self._process = process
        problem = self._problem(answers)
        process.kill()
        process.join()
        answers.close()
        if problem and self._is_closing:
            log.info("no figures of orders after run %d: they are left out, the program stops", run_id)
        elif problem:
            log.warning("no figures of orders after run %d: %s", run_id, problem)

    def _problem(self, answers: Connection) -> str:
        """Return why there are no figures, empty if they are stored."""
        if not answers.poll(self.deadline.total_seconds()):
            return f"they took longer than {self.deadline.total_seconds():g} s and were ended"
        try:
            return str(answers.recv())
        except EOFError:
            return "their process died; it may have been killed or run out of memory"


def _child(task: FiguresTask, sender: Connection, deadline: timedelta) -> None:
    """Run in the process: signals go to its parent, with which it ends."""
    for number in PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
    with sender:
        sender.send(_problem_of(task, deadline))


def _problem_of(task: FiguresTask, deadline: timedelta) -> str:
    try:
        with folder_of_run() as folder, without_collector():
            end_with_parent(folder, deadline)
            with Store(task.store_url) as store:
                store_day_figures(task, store)
    except RouterPolicyError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - the parent logs the error and goes on with the next run
        return traceback.format_exc(limit=-3)
    return ""
