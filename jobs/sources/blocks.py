"""Blocks of a file, some megabytes of whole lines each, and between which times the rows of each lie."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from typing import NamedTuple

import xxhash

from jobs.sources.lines import LONGEST_LINE_BYTES
from policy.window import Window

BLOCK_BYTES = 4 * 1024 * 1024
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """The times with `start <= ts < end`, both with a zone."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, *windows: Window) -> "TimeRange":
        """Return the range of all outcomes of the windows, of which there is at least one."""
        return cls(start=min(window.start for window in windows), end=max(window.as_of for window in windows))


class RowTimes(NamedTuple):
    """The times of rows: the first and the last, in UTC, None without one, and how many rows have no known time."""

    first_at: datetime | None = None
    last_at: datetime | None = None
    timeless_count: int = 0

    def may_lie_in(self, wanted: TimeRange) -> bool:
        """Return whether a row may lie in the range: between the first and the last time, or without one."""
        if self.first_at is None or self.last_at is None:
            return self.timeless_count > 0
        return self.timeless_count > 0 or (self.first_at < wanted.end and self.last_at >= wanted.start)


class Block(NamedTuple):
    """What is known of the bytes of a file before `end` and after the block before.

    `is_plain` means that the engine reads its lines as they stand.
    """

    end: int
    checksum: int
    line_count: int
    is_plain: bool
    times: RowTimes = RowTimes()


class FileStatus(NamedTuple):
    """What changes whenever a file is written, replaced or moved. Times are nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    modified_at: int
    changed_at: int


def status_of(stream: BufferedReader) -> FileStatus:
    """Return the status of an open file."""
    status = os.fstat(stream.fileno())
    return FileStatus(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def blocks_still_there(stream: BufferedReader, blocks: Sequence[Block], size: int) -> Sequence[Block]:
    """Return the first of the blocks whose bytes are still in a file of this size, and leave the stream behind them.

    The last block is one of them only if lines that follow it cannot belong to it: new blocks begin where it would end.
    """
    start, same = 0, []
    for block in blocks:
        checksum, last_byte = checksum_of_next(stream, block.end - start)
        is_followed = block.end < size and not is_closed(block.end - start, last_byte)
        if checksum != block.checksum or is_followed:
            break
        same.append(block)
        start = block.end
    stream.seek(start)
    return same


def is_closed(size: int, last_byte: bytes) -> bool:
    """Return whether a block has its full size and ends where a line ends, so that nothing can be added to it."""
    return size >= BLOCK_BYTES and last_byte == b"\n"


def new_blocks(stream: BufferedReader) -> Iterator[bytes]:
    """Return the bytes of the blocks that follow in a stream: only the last may be one to which lines can be added.

    What follows a line that is too long to be read is in none.
    """
    while text := stream.read(BLOCK_BYTES):
        if len(text) == BLOCK_BYTES and not text.endswith(b"\n"):
            text += stream.readline(LONGEST_LINE_BYTES)
            if not text.endswith(b"\n") and len(text) == BLOCK_BYTES + LONGEST_LINE_BYTES:
                return
        yield text


def checksum_of_next(stream: BufferedReader, size: int) -> tuple[int, bytes]:
    """Return the checksum of the next bytes of a stream, and the last of them."""
    piece = memoryview(bytearray(_PIECE_BYTES))  # used again and again: new memory costs more than the checksum
    checksum, last_byte = xxhash.xxh3_64(), b""
    while count := stream.readinto(piece[: min(size, _PIECE_BYTES)]):
        checksum.update(piece[:count])
        last_byte, size = bytes(piece[count - 1 : count]), size - count
    return checksum.intdigest(), last_byte


def checksum_of(text: bytes) -> int:
    """Return the checksum of these bytes, as `checksum_of_next` does."""
    return xxhash.xxh3_64_intdigest(text)
