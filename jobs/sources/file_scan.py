"""A file of a log as blocks: those of an earlier run that are still there, and new ones, whose times are learnt."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader, BytesIO
from pathlib import Path

from jobs.sources.block_index import IndexedFile
from jobs.sources.block_times import BlockTimes
from jobs.sources.blocks import (
    Block,
    blocks_still_there,
    checksum_of,
    checksum_of_next,
    is_closed,
    new_blocks,
    status_of,
)
from jobs.sources.compression import Compression
from jobs.sources.json_lines import count_lines, has_plain_lines
from jobs.sources.text_files import text_compression

# A file that was not written for so long cannot change now without a change of its status: clocks of file systems tick
# at least every two seconds, and pages that a program has mapped are written out within half a minute.
SETTLED_AFTER_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """A file as it is now.

    The blocks may not have all of it: nothing is known of the lines that follow them. Of the blocks with the numbers in
    `new` the times are still to be learnt.
    """

    path: Path
    compression: Compression
    file: IndexedFile
    new: Mapping[int, Path] = field(default_factory=dict)
    is_rest_plain: bool = False

    @property
    def end_of_blocks(self) -> int:
        """The offset at which the last block ends."""
        return self.file.blocks[-1].end if self.file.blocks else 0

    @property
    def has_rest(self) -> bool:
        """Whether bytes follow the blocks."""
        return self.end_of_blocks < self.file.status.size

    @property
    def is_plain(self) -> bool:
        """Whether DuckDB is known to read every line as it stands."""
        return all(block.is_plain for block in self.file.blocks) and (self.is_rest_plain or not self.has_rest)

    def with_times(self, times: BlockTimes) -> "FileScan":
        """Return the same with the times of each block."""
        blocks = tuple(
            block._replace(times=times.of(self.new[number])) if number in self.new else block
            for number, block in enumerate(self.file.blocks)
        )
        file = replace(self.file, blocks=blocks)
        if self.new and self.compression is not Compression.NONE and not self._is_same():
            file = replace(file, blocks=(), is_settled=False)  # what was learnt may be of another file
        return replace(self, file=file, new={})

    def _is_same(self) -> bool:
        with self.path.open("rb") as stream:
            return status_of(stream) == self.file.status


def scan_file(source: str, path: Path, known: Mapping[int, IndexedFile], times: BlockTimes) -> FileScan:
    """Look at a file, of which earlier runs may have learnt something, and let `times` take its new blocks.

    Raises SourceError if it is damaged, or a copy of a block cannot be written.
    """
    compression = text_compression(source, path)
    with path.open("rb") as stream:
        now, status = time.time(), status_of(stream)
        before = known.get(status.inode, IndexedFile(status=status, is_settled=False, blocks=()))
        if before.is_settled and before.status == status:
            return FileScan(path=path, compression=compression, file=before)
        is_settled = now - max(status.modified_at, status.changed_at) / 1e9 >= SETTLED_AFTER_SECONDS
        file = replace(before, status=status, is_settled=is_settled)
        scan = FileScan(path=path, compression=compression, file=file)
        if compression is Compression.NONE:
            scan = _by_blocks(source, scan, stream, times)
        else:
            scan = _as_one_block(source, scan, stream, times)
        return replace(scan, file=replace(scan.file, is_settled=is_settled and status_of(stream) == status))


def _by_blocks(source: str, scan: FileScan, stream: BufferedReader, times: BlockTimes) -> FileScan:
    """Cut a file of plain text; lines that may still be added to its last block are left out of it."""
    blocks = [*blocks_still_there(stream, scan.file.blocks, scan.file.status.size)]
    new: dict[int, Path] = {}
    end = blocks[-1].end if blocks else 0
    for text in new_blocks(stream):
        if not scan.file.is_settled and not is_closed(len(text), text[-1:]):
            break
        new[len(blocks)] = times.take_lines(source, scan.path, text)
        end += len(text)
        blocks.append(_block(text, end))
    stream.seek(end)
    is_rest_plain = has_plain_lines(stream)
    return replace(scan, file=replace(scan.file, blocks=tuple(blocks)), new=new, is_rest_plain=is_rest_plain)


def _block(text: bytes, end: int) -> Block:
    is_plain = has_plain_lines(BytesIO(text))
    line_count = text.count(b"\n") + (not text.endswith(b"\n")) if is_plain else count_lines(BytesIO(text))
    return Block(end, checksum_of(text), line_count, is_plain)


def _as_one_block(source: str, scan: FileScan, stream: BufferedReader, times: BlockTimes) -> FileScan:
    """Take a compressed file as one block if it is not written any more; parts of it cannot be read alone."""
    size = scan.file.status.size
    blocks = blocks_still_there(stream, [block for block in scan.file.blocks if block.end == size], size)
    new = {}
    if not blocks and scan.file.is_settled:
        new[0] = times.take_file(source, scan.path)
        checksum, _ = checksum_of_next(stream, size)
        blocks = [Block(size, checksum, line_count=0, is_plain=new[0] == scan.path)]
    return replace(scan, file=replace(scan.file, blocks=tuple(blocks)), new=new)
