"""A process of one's own for a run: it ends with its parent or at its deadline, and its temporary files go with it."""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import TypeVar

from jobs.engines.errors import EngineError
from jobs.engines.temporary_folder import temporary_folder
from jobs.run.errors import RunFailedError
from policy.errors import RouterPolicyError

Task = TypeVar("Task")
Result = TypeVar("Result")

PARENTS_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS = 0.2
# The parent kills a run at its deadline; this is for a run whose parent can no longer do that.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What a child sends in place of a result."""

    message: str


def call_in_child(
    what: str, function: Callable[[Task], Result], task: Task, deadline: timedelta, abort: Event
) -> Result:
    """Call a function of a module in a process of its own, which is killed at the deadline or when `abort` is set.

    Only a process can be killed while it hangs in a database or an engine; a thread cannot. If this process is killed,
    the child ends with it. Its temporary files are removed in any case. Raises RunFailedError if there is no result;
    `what` is the word for it, as in "run".
    """
    context = multiprocessing.get_context("spawn")
    with folder_of_run() as folder:
        results, sender = context.Pipe(duplex=False)
        arguments = (function, task, sender, folder, deadline)
        child = context.Process(target=_child, args=arguments, name=f"router-policy-{what}")
        _start_shielded(child)
        sender.close()
        try:
            result: Result = _wait_for_result(what, results, deadline, abort)
            return result
        finally:
            if child.is_alive():
                child.kill()
            child.join()
            results.close()


def _start_shielded(child: BaseProcess) -> None:
    """Start the child with the signals blocked that it will ignore, so that none ends it while it starts."""
    resource_tracker.ensure_running()  # started later, it would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)
    try:
        child.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_result(
    what: str, results: "Connection[object, Result | _Failure]", deadline: timedelta, abort: Event
) -> Result:
    waited = 0.0
    while not results.poll(_POLL_SECONDS):
        waited += _POLL_SECONDS
        if abort.is_set():
            raise RunFailedError(f"the {what} was ended because the schedule was stopped at once")
        if waited >= deadline.total_seconds():
            raise RunFailedError(
                f"the {what} took longer than its deadline of {deadline.total_seconds():g} s and was ended"
            )
    try:
        result = results.recv()
    except EOFError:
        raise RunFailedError(
            f"the process of the {what} died without an error message; it may have been killed or run out of memory"
        ) from None
    if isinstance(result, _Failure):
        raise RunFailedError(result.message)
    return result


def _child(
    function: Callable[[Task], Result], task: Task, sender: Connection, folder: Path, deadline: timedelta
) -> None:
    """Run in the child: the parent handles signals to the whole group, so that this run can finish."""
    end_with_parent(folder, deadline)
    for number in PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
    with sender:
        sender.send(_result_or_failure(function, task))


def _result_or_failure(function: Callable[[Task], Result], task: Task) -> Result | _Failure:
    try:
        return function(task)
    except RouterPolicyError as error:
        return _Failure(message=str(error))
    except Exception:  # noqa: BLE001 - the parent records the error and goes on
        return _Failure(message=traceback.format_exc(limit=-3))


@contextmanager
def folder_of_run() -> Iterator[Path]:
    """Give a folder for the temporary files of one run; raises RunFailedError if none can be made."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(temporary_folder())
        except EngineError as error:
            raise RunFailedError(str(error)) from error
        yield folder


def end_with_parent(folder: Path, deadline: timedelta) -> None:
    """End this process when its parent is dead or its deadline has passed, whatever it is doing; call it once.

    Its temporary files go to `folder`, which is removed then. A thread does this; if the process is stuck in code that
    lets no thread run, the system's own alarm ends it.
    """
    tempfile.tempdir = str(folder)
    seconds = deadline.total_seconds() + _GRACE_SECONDS
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
    threading.Thread(target=_wait_and_end, args=(folder, seconds), name="end with parent", daemon=True).start()


def _wait_and_end(folder: Path, seconds: float) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel], timeout=seconds)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
