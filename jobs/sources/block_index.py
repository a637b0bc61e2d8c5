"""What earlier runs learnt of the blocks of a log, kept in the user's folder for caches. To lose it costs time only."""

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import orjson

from jobs.sources.blocks import Block, FileStatus, RowTimes

_log = logging.getLogger("router_policy.sources")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """A file as it was read: its blocks from its beginning on.

    `is_settled` means that it had not been written for so long that any change since then shows in its status, and
    that the blocks have all of it.
    """

    status: FileStatus
    is_settled: bool
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockIndex:
    """The files of one source, by inode: a rotated file keeps it. `reading` identifies how times are read from lines.

    Several processes may load and save it at once; the one that saves last is right as well.
    """

    path: Path
    reading: str

    def load(self) -> Mapping[int, IndexedFile]:
        """Return the files that were saved: none if there are none, if times were read otherwise, or after damage."""
        try:
            content = self.path.read_bytes()
            if self.path.stat().st_uid != os.geteuid():
                raise ValueError("it belongs to another user")
            return self._files(content)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            _log.warning("%s is not used: %s; what it held is learnt again", self.path, error)
            return {}

    def _files(self, content: bytes) -> Mapping[int, IndexedFile]:
        digest, _, written = content.partition(b"\n")
        if digest != _digest(written):
            raise ValueError("it is damaged")
        saved = orjson.loads(written)
        if saved["reading"] != self.reading:
            return {}
        return {file.status.inode: file for file in map(_read_file, saved["files"])}

    def save(self, files: Iterable[IndexedFile]) -> None:
        """Replace what was saved. If that cannot be done, the next run reads more than it needs."""
        written = orjson.dumps({"reading": self.reading, "files": [_written_file(file) for file in files]})
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self.path.with_name(f"{self.path.name}.{token_hex(8)}")
            try:
                unfinished.write_bytes(_digest(written) + b"\n" + written)
                unfinished.replace(self.path)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            _log.info("%s cannot be written (%s), so the next run reads the log whole", self.path, error.strerror)


def index_of(pattern: str, reading: str) -> BlockIndex | None:
    """Return the index of the files that a pattern matches; None if this user has no folder for caches.

    `reading` is any text that changes if times are read in another way.
    """
    folder = _folder()
    if folder is None:
        return None
    name = hashlib.sha256(str(Path(pattern).absolute()).encode()).hexdigest()[:32]
    return BlockIndex(path=folder / f"{name}.blocks", reading=hashlib.sha256(reading.encode()).hexdigest())


def _folder() -> Path | None:
    """Return the folder that systemd gives a service, or that of the user."""
    if given := os.environ.get("CACHE_DIRECTORY"):
        return Path(given.partition(":")[0])
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "router-policy"
    with suppress(RuntimeError):
        return Path.home() / ".cache" / "router-policy"
    return None


def _digest(written: bytes) -> bytes:
    return hashlib.sha256(written).hexdigest().encode()


def _written_file(file: IndexedFile) -> list[object]:
    return [[*file.status], file.is_settled, [_written_block(block) for block in file.blocks]]


def _written_block(block: Block) -> list[object]:
    times = block.times
    return [*block[:-1], _microseconds(times.first_at), _microseconds(times.last_at), times.timeless_count]


def _read_file(saved: list[Any]) -> IndexedFile:
    status, is_settled, blocks = saved
    return IndexedFile(status=FileStatus(*status), is_settled=is_settled, blocks=tuple(map(_read_block, blocks)))


def _read_block(saved: list[Any]) -> Block:
    end, checksum, line_count, is_plain, first, last, timeless_count = saved
    return Block(end, checksum, line_count, is_plain, RowTimes(_time(first), _time(last), timeless_count))


def _microseconds(at: datetime | None) -> int | None:
    return (at - _EPOCH) // _MICROSECOND if at is not None else None


def _time(microseconds: int | None) -> datetime | None:
    return _EPOCH + microseconds * _MICROSECOND if microseconds is not None else None
