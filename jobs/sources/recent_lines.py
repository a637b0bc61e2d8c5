"""The lines of a log that may lie in a range of times: what cannot lie there is not read again, however old the log is.

A file with the same status as in an earlier run has the same content. In any other file, the blocks that an earlier run
read are recognised by their checksums, which takes a small part of the time of reading their lines. A block with a row
of which no time is known is always read.
"""

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.block_index import BlockIndex, index_of
from jobs.sources.block_times import BlockTimes, SelectRows
from jobs.sources.blocks import TimeRange
from jobs.sources.compression import Compression
from jobs.sources.errors import SourceError
from jobs.sources.file_scan import FileScan, scan_file
from jobs.sources.json_lines import json_file, json_files, plain_lines, stream_of
from jobs.sources.relation import MACROS
from jobs.sources.text_files import Part, TextFile, ended, write_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SMALLEST_BYTES = 1024 * 1024  # a smaller source is read sooner than its blocks are looked at
_PIECE_BYTES = 256 * 1024
_ANY_FILE = TextFile(path=Path("log"), read_path=Path("log"), compression=Compression.NONE)

_log = logging.getLogger("router_policy.sources")


def recent_files(
    connection: "DuckDBPyConnection",
    source: str,
    paths: Sequence[Path],
    folder: Path,
    rows: SelectRows,
    wanted: TimeRange,
    pattern: str,
) -> Sequence[TextFile]:
    """Return files as `json_files` does, without some or all of the lines whose time does not lie in the wanted range.

    Lines of which no time is known are in them, and at least one with a time, if there is one at all. `rows` writes the
    SELECT of the rows of files. Without an index of what `pattern` matches, every line is in them.
    """
    import duckdb

    reading = f"{rows([_ANY_FILE], 'null as line')} {MACROS} {duckdb.__version__}"
    index = index_of(pattern, reading) if sum(path.stat().st_size for path in paths) >= SMALLEST_BYTES else None
    if index is None:
        return json_files(source, paths, folder)
    own_folder = folder / "recent"
    try:
        own_folder.mkdir()
        return _recent_files(source, paths, own_folder, BlockTimes(connection, own_folder, rows), wanted, index)
    except (OSError, duckdb.Error, SourceError) as error:
        _log.warning("%s: every line is read, as it cannot be told which ones are old: %s", source, error)
        shutil.rmtree(own_folder, ignore_errors=True)
        return json_files(source, paths, folder)


def _recent_files(
    source: str, paths: Sequence[Path], folder: Path, times: BlockTimes, wanted: TimeRange, index: BlockIndex
) -> Sequence[TextFile]:
    known = index.load()
    scans = [scan_file(source, path, known, times) for path in paths]
    scans = [scan.with_times(times) for scan in scans]
    files = {scan.file.status.inode: scan.file for scan in scans}
    if files != known:
        index.save(files.values())
    read = [
        _read_file(source, scan, are_wanted, folder / f"{source}-{number}.jsonl")
        for number, (scan, are_wanted) in enumerate(zip(scans, _wanted_blocks(scans, wanted), strict=True))
    ]
    return [file for file in read if file is not None] or json_files(source, paths, folder)


def _wanted_blocks(scans: Sequence[FileScan], wanted: TimeRange) -> Sequence[list[bool]]:
    """Return for each file which of its blocks to read: a block with a time is among them, if there is one."""
    blocks = [scan.file.blocks for scan in scans]
    are_wanted = [[block.times.may_lie_in(wanted) for block in file_blocks] for file_blocks in blocks]
    with_time = [
        (file, number)
        for file, file_blocks in enumerate(blocks)
        for number, block in enumerate(file_blocks)
        if block.times.first_at is not None
    ]
    if with_time and not any(are_wanted[file][number] for file, number in with_time):
        file, number = with_time[-1]
        are_wanted[file][number] = True
    return are_wanted


def _read_file(source: str, scan: FileScan, are_wanted: Sequence[bool], copy: Path) -> TextFile | None:
    """Return the file in place if all of it is read, else a copy of the parts that are; None if none is."""
    if all(are_wanted):
        if scan.is_plain:
            return TextFile(path=scan.path, read_path=scan.path, compression=scan.compression)
        return json_file(source, scan.path, copy)
    parts = _parts(scan, are_wanted)
    if not parts:
        return None
    write_copy(source, scan.path, _lines_of(scan, parts), copy)
    return TextFile(path=scan.path, read_path=copy, compression=Compression.NONE, parts=parts)


def _parts(scan: FileScan, are_wanted: Sequence[bool]) -> Sequence[Part]:
    blocks = scan.file.blocks
    ends = pairwise([0, *(block.end for block in blocks)])
    lines = accumulate((block.line_count for block in blocks), initial=1)
    parts = [
        Part(start=start, end=end, line=line)
        for (start, end), line, is_wanted in zip(ends, lines, are_wanted, strict=False)
        if is_wanted
    ]
    rest = Part(start=scan.end_of_blocks, end=None, line=1 + sum(block.line_count for block in blocks))
    return [*parts, rest] if scan.has_rest else parts


def _lines_of(scan: FileScan, parts: Sequence[Part]) -> Iterator[bytes]:
    with scan.path.open("rb") as stream:
        for part in parts:
            yield from ended(_pieces(stream, part)) if scan.is_plain else plain_lines(stream_of(stream, part))


def _pieces(stream: BufferedReader, part: Part) -> Iterator[bytes]:
    stream.seek(part.start)
    left = part.end - part.start if part.end is not None else sys.maxsize
    while piece := stream.read(min(left, _PIECE_BYTES)):
        left -= len(piece)
        yield piece
