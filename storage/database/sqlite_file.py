"""Whether the file that a SQLite engine has opened is still the one at its path.

SQLite goes on with a file that was moved away or replaced: it reads what nobody publishes to any more, and writes what
nobody reads.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from storage.errors import StoreFileMovedError

_FILE = "router_policy.file"  # in the information that the pool keeps of a connection
FileIdentity = tuple[int, int]


class OpenedFile:
    """The file at a path as engines have opened it: connections are refused if it is gone or another is there.

    Another file is opened instead only if no log of the first lies beside it: SQLite would read the one with the log of
    the other. Nothing creates an empty file in the place of one that is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._opened: FileIdentity | None = None

    @property
    def was_opened(self) -> bool:
        """Whether an engine has opened the file, and it has not been forgotten since."""
        return self._opened is not None

    def guard(self, engine: Engine) -> None:
        """Compare the file with the path whenever the pool of this engine opens a connection or gives one out."""
        event.listen(engine, "do_connect", self._before_connecting)
        event.listen(engine, "checkout", self._before_use)

    def forget_after(self, engine: Engine) -> None:
        """Once this engine is disposed of, let any file be there."""

        @event.listens_for(engine, "engine_disposed")
        def forget(disposed: object) -> None:  # noqa: ARG001
            self._opened = None

    def _before_connecting(self, dialect: object, record: Any, arguments: object, settings: object) -> None:  # noqa: ARG002
        # Before the file is opened: one that is replaced meanwhile is at worst opened twice.
        record.info[_FILE] = self._opened = self._file_now()

    def _before_use(self, connection: object, record: Any, proxy: object) -> None:  # noqa: ARG002
        file = self._file_now()
        if file is None:
            raise self._gone()
        if record.info[_FILE] != file:
            raise DisconnectionError(f"another file is at {self.path} now")

    def _file_now(self) -> FileIdentity | None:
        """Return the file at the path, None before the first. Raises StoreFileMovedError."""
        file = _identity(self.path)
        if self._opened is None or file == self._opened:
            return file
        if file is None:
            raise self._gone()
        if _has_content(self._log):
            raise StoreFileMovedError(
                f"another file has replaced {self.path} while it was open, beside the log of the one before; put the "
                f"one before back, or stop every process that uses it, delete {self._log.name} and start again"
            )
        return file

    def _gone(self) -> StoreFileMovedError:
        return StoreFileMovedError(
            f"{self.path} was moved or deleted while it was open; put it back, or restore a backup"
        )


def _identity(path: Path) -> FileIdentity | None:
    """Return the device and inode of the file at a path, or None if there is none that can be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
