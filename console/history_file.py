"""The history as a file, Parquet or CSV by its name: written beside its place and moved there when it is whole."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from console.errors import SettingsError
from console.records.history_rows import csv_pieces
from policy.errors import RouterPolicyError
from storage.records import PolicyPeriod

Blocks = Iterable[Sequence[PolicyPeriod]]


class HistoryFileError(RouterPolicyError, OSError):
    """The file cannot be written."""


def check_target(file: Path, *, may_replace: bool) -> None:
    """Raise SettingsError if the name has no known ending, the file exists, or the library of its format is missing."""
    if file.suffix not in (".parquet", ".csv"):
        raise SettingsError(f"{file}: the name must end with .parquet or .csv, the formats of an export")
    if file.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise SettingsError(f"{file}: Parquet needs pyarrow: pip install '.[export]', or write a .csv")
    if file.exists() and not may_replace:
        raise SettingsError(f"{file} exists already; give another name, or --force to replace it")


@contextmanager
def write_history(file: Path) -> Iterator[Callable[[Blocks], None]]:
    """Give a function that writes blocks of policies; the file appears when the block of `with` ends without an error.

    Until then, and after an error, what was there before stays. Raises HistoryFileError if it cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as content:
            yield lambda blocks: content.writelines(_pieces(blocks, file.suffix))
            content.flush()
            os.fsync(content.fileno())
        part.replace(file)
    except OSError as error:
        if isinstance(error, RouterPolicyError):
            raise
        raise HistoryFileError(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _pieces(blocks: Blocks, suffix: str) -> Iterator[bytes]:
    if suffix == ".csv":
        return (piece.encode() for piece in csv_pieces(blocks))
    from console.records.history_parquet import parquet_pieces

    return parquet_pieces(blocks)
