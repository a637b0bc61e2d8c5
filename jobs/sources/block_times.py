"""The times of the rows of blocks, found by the engine that reads these rows in a run, for many blocks at once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.blocks import RowTimes
from jobs.sources.compression import Compression
from jobs.sources.json_lines import has_plain_lines, json_file, plain_lines
from jobs.sources.text_files import TextFile, ended, write_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Writes the SELECT of the rows of files, with their `ts`, and the expression of their `line`.
SelectRows = Callable[[Sequence[TextFile], str], str]
_AT_ONCE_BYTES = 32 * 1024 * 1024


class BlockTimes:
    """Takes blocks, and has the times of their rows once all are taken; `folder` is for copies of the blocks."""

    def __init__(self, connection: "DuckDBPyConnection", folder: Path, rows: SelectRows) -> None:
        self._connection = connection
        self._folder = folder
        self._rows = rows
        self._taken_count = 0
        self._waiting: list[TextFile] = []
        self._waiting_bytes = 0
        self._times: dict[Path, RowTimes] = {}

    def take_lines(self, source: str, path: Path, text: bytes) -> Path:
        """Take lines of a file, and return by which path `of` knows them."""
        is_plain, copy = has_plain_lines(BytesIO(text)), self._copy()
        write_copy(source, path, ended([text]) if is_plain else plain_lines(BytesIO(text)), copy)
        return self._take(TextFile(path=path, read_path=copy, compression=Compression.NONE))

    def take_file(self, source: str, path: Path) -> Path:
        """Take a whole file, and return by which path `of` knows it: its own, if DuckDB reads its lines as they stand.

        Raises SourceError if it is damaged.
        """
        return self._take(json_file(source, path, self._copy()))

    def _copy(self) -> Path:
        self._taken_count += 1
        return self._folder / f"block-{self._taken_count}.jsonl"

    def _take(self, file: TextFile) -> Path:
        self._waiting.append(file)
        self._waiting_bytes += file.read_path.stat().st_size
        if self._waiting_bytes >= _AT_ONCE_BYTES:
            self._find()
        return file.read_path

    def of(self, path: Path) -> RowTimes:
        """Return the times of the rows of a block that was taken. Raises duckdb.Error if they cannot be read."""
        self._find()
        return self._times.get(path, RowTimes())

    def _find(self) -> None:
        if not self._waiting:
            return
        rows = self._rows(self._waiting, "null as line")
        query = f"select file, min(ts), max(ts), count(*) - count(ts) from ({rows}) group by file"
        for file, first, last, timeless_count in self._connection.execute(query).fetchall():
            self._times[Path(file)] = RowTimes(_in_utc(first), _in_utc(last), timeless_count)
        for taken in self._waiting:
            if taken.read_path.parent == self._folder:
                taken.read_path.unlink()
        self._waiting, self._waiting_bytes = [], 0


def _in_utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None
