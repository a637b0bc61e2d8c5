"""A folder for temporary files that the next run removes if this process is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobs.engines.errors import EngineError

_PREFIX = "router-policy-run-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder for temporary files, which is removed with its content afterwards; what cannot be removed stays.

    It is locked while this process lives. Folders that no living process has locked are removed first: their process
    was killed. Those of other users and other programs stay. Raises EngineError if no folder can be made.
    """
    try:
        _remove_abandoned()
        folder, descriptor = _locked_folder()
    except OSError as error:
        raise EngineError(
            f"no folder for temporary files can be made ({error.strerror or error}); "
            "set TMPDIR to a folder in which this user may write"
        ) from error
    try:
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder() -> tuple[Path, int]:
    """Make a folder and lock it; another one if a process that looks for abandoned folders was quicker."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _remove_abandoned() -> None:
    """Remove each folder of this user that nobody has locked, locked meanwhile: its process may just begin."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _lock(folder) as descriptor:
            if os.fstat(descriptor).st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Lock a folder until the block ends. Raises OSError if it is no folder, or locked."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)
