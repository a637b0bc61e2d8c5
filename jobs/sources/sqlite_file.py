"""A SQLite file of another program: how to open it so that nothing in it or beside it is made, changed or removed."""

import os
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# The options of a `file:` URI that decide what SQLite does with the file and the files beside it.
OPTIONS = ("mode", "immutable", "readonly_shm", "nolock")
_WAL_FORMAT = b"\x02\x02"
_FORMAT_BYTES = slice(18, 20)
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510  # the bytes that SQLite locks; https://www.sqlite.org/src/file/src/os.h
_LOCK_FORMAT = "hhqqi4x"  # of `struct flock`
_NO_PROCESS = -1  # what the kernel says of locks such as these, which belong to no process
_LOCK_SECONDS = 5.0
_PAUSE_SECONDS = 0.01


class FileInUseError(Exception):
    """The file cannot be read as it is now; the text gives the reason and the remedy."""


@contextmanager
def read_only_options(file: Path) -> Iterator[Mapping[str, str]]:
    """Give the options of a `file:` URI with which SQLite only reads, until the block ends.

    A database in WAL mode has two files beside it while a program has it open. A reader that finds none makes them, and
    the bot cannot write to files of another user. So a file without them is opened as immutable, one with them with its
    index read-only; the lock keeps the bot from removing them in between, and never makes it wait. Raises
    FileInUseError if the content cannot be read without a write, stands partly beside another name of the file, or
    changed while it was read, and OSError.
    """
    file = file.resolve()  # SQLite looks beside the file that a link leads to
    if not _is_wal(file):
        yield {"mode": "ro"}
        return
    with _kept_as_it_is(file) as is_open_in_a_program:
        if _beside(file, "-wal"):
            _require_index(file)
            yield {"mode": "ro", "readonly_shm": "1"}
            return
        _require_no_journal_elsewhere(file, is_open=is_open_in_a_program)
        before = _version(file)
        yield {"mode": "ro", "immutable": "1"}
        if _version(file) != before:
            raise FileInUseError(f"{file} was changed while it was read; try again")


def _is_wal(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(_FORMAT_BYTES.stop)[_FORMAT_BYTES] == _WAL_FORMAT


def _beside(file: Path, ending: str) -> bool:
    path = file.with_name(file.name + ending)
    return path.exists() and path.stat().st_size > 0


def _require_index(file: Path) -> None:
    if not _beside(file, "-shm"):
        raise FileInUseError(
            f"{file}-wal has changes, but {file}-shm is missing, and it cannot be made without a write; "
            "start the program that writes the database, or open the database once as its user"
        )


def _require_no_journal_elsewhere(file: Path, *, is_open: bool) -> None:
    """Raise FileInUseError if the changes may lie beside another name of the file, as of a hard link or in a container.

    A program that has the database open has a `-wal` file beside the name by which it opened it, at first an empty one.
    """
    if (is_open or file.stat().st_nlink > 1) and not file.with_name(file.name + "-wal").exists():
        raise FileInUseError(
            f"{file} has another name, and the newest changes may be in the -wal file beside that one; "
            "name the file that the program opens, and in a container mount its folder, not the file"
        )


def _version(file: Path) -> tuple[int, ...]:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _kept_as_it_is(file: Path) -> Iterator[bool]:
    """Hold the lock of a reader, with which SQLite does not remove the files beside the database.

    Gives whether another program has the database open. Only Linux has locks that one process can hold several times;
    without them, the block runs without a lock, and the answer is no.
    """
    if sys.platform != "linux":
        yield False
        return
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor, file)
        yield _is_locked_by_a_program(descriptor)
    finally:
        os.close(descriptor)


def _is_locked_by_a_program(descriptor: int) -> bool:
    """Return whether a program reads or writes the database, other readers of this kind aside."""
    import fcntl

    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _request(fcntl.F_WRLCK))
    kind, _, _, _, process = struct.unpack(_LOCK_FORMAT, answer)
    return bool(kind != fcntl.F_UNLCK and process != _NO_PROCESS)


def _request(kind: int) -> bytes:
    return struct.pack(_LOCK_FORMAT, kind, os.SEEK_SET, _SHARED_FIRST, _SHARED_SIZE, 0)


def _lock(descriptor: int, file: Path) -> None:
    import fcntl

    request = _request(fcntl.F_RDLCK)
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise FileInUseError(f"{file} is locked by another program; try again") from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return
