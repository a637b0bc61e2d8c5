"""The life of a run's own process: it ends with its parent or at its deadline, and its temporary files go with it."""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

from jobs.engines.errors import EngineError
from jobs.engines.temporary_folder import temporary_folder
from jobs.run.errors import RunFailedError

# The parent kills a run at its deadline; this is for a run whose parent can no longer do that.
_GRACE_SECONDS = 5.0


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
