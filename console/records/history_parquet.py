"""Past policies as a Parquet file that is written and sent piece by piece; needs pyarrow."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from types import NoneType
from typing import get_args

import pyarrow
import pyarrow.parquet
from pydantic import AwareDatetime

from console.records.history_rows import HISTORY_COLUMNS, OVERRIDE_COLUMNS, history_row
from console.records.policy_records import OverrideRecord, PastPolicyRecord
from storage.records import PolicyPeriod

_ROWS_OF_A_GROUP = 20_000
_CATEGORY = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
_CATEGORIES = {"scope", "symbol", "rule_set", "origin", "override_author"}
_CODES = pyarrow.list_(
    pyarrow.struct([("code", pyarrow.string()), ("value", pyarrow.float64()), ("threshold", pyarrow.float64())])
)
_TYPES = (
    (bool, pyarrow.bool_()),
    (int, pyarrow.int64()),
    (float, pyarrow.float64()),
    (AwareDatetime, pyarrow.timestamp("us", tz="UTC")),
    (Enum, _CATEGORY),
    (str, pyarrow.string()),
)


def parquet_pieces(blocks: Iterable[Sequence[PolicyPeriod]]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file in order; of the policies, some ten thousand are in memory at a time.

    Columns are those of the view policy_history: times in UTC with microseconds, flags booleans, words dictionaries,
    codes lists of structs. The file is whole only with the last piece.
    """
    sink, schema = _Pieces(), _schema()
    with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        waiting: list[pyarrow.RecordBatch] = []
        for block in blocks:
            waiting.append(pyarrow.RecordBatch.from_pylist([history_row(period) for period in block], schema))
            if sum(batch.num_rows for batch in waiting) >= _ROWS_OF_A_GROUP:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting.clear()
                yield sink.take()
        if waiting:
            writer.write_table(pyarrow.Table.from_batches(waiting))
    yield sink.take()


class _Pieces:
    """A file to write to, from which what was written is taken piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Keep what was written until it is taken."""

    def close(self) -> None:
        """Stay open: the end of the file is still to be taken."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _schema() -> pyarrow.Schema:
    return pyarrow.schema([(column, _arrow_type(column)) for column in HISTORY_COLUMNS])


def _arrow_type(column: str) -> pyarrow.DataType:
    """Return the type of a column, from the annotation of its field in the API's records."""
    if column == "codes":
        return _CODES
    if column in _CATEGORIES:
        return _CATEGORY
    of_override = OVERRIDE_COLUMNS.get(column)
    fields = OverrideRecord.model_fields if of_override else PastPolicyRecord.model_fields
    annotation = fields[of_override or column].annotation
    kind = next(kind for kind in (get_args(annotation) or (annotation,)) if kind is not NoneType)
    return next(arrow for python, arrow in _TYPES if issubclass(kind, python))
