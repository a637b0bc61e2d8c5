"""The life of a run's own process: it ends with its parent or at its deadline, and its temporary files go with it."""

import fcntl
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

from jobs.run.errors import RunFailedError

_PREFIX = "router-policy-run-"
# The parent kills a run at its deadline; this is for a run whose parent can no longer do that.
_GRACE_SECONDS = 5.0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder for the temporary files of one run, which is removed afterwards however the run ends.

    It is locked while this process lives. Folders that no living process has locked are removed first: their schedule
    was killed. Raises RunFailedError if no folder can be made.
    """
    try:
        _remove_abandoned()
        folder, descriptor = _locked_folder()
    except OSError as error:
        raise RunFailedError(
            f"no folder for temporary files can be made ({error.strerror}); "
            "set TMPDIR to a folder with free space in which this user may write"
        ) from error
    try:
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder() -> tuple[Path, int]:
    """Make a folder and lock it; another one if a schedule that looked for abandoned folders was quicker."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if folder.exists():
            return folder, descriptor
        os.close(descriptor)


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


def _remove_abandoned() -> None:
    """Remove folders of runs whose schedule is gone; those of other users stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_uid == os.geteuid()
    except OSError:
        return False
    finally:
        os.close(descriptor)
