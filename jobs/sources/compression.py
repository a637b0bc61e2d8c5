"""Compressed files: which compression a file has, and its content with every checksum verified."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path

from jobs.sources.errors import SourceError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Compression(StrEnum):
    """The compressions that are read in place, in DuckDB's words."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_FIRST_BYTES = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}
_NOT_UNPACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
_SUFFIXES = {".gz": Compression.GZIP, ".zst": Compression.ZSTD, ".zstd": Compression.ZSTD}


def compression_of(source: str, path: Path) -> Compression:
    """Return how a file is compressed, by its first bytes: rotation gives names that do not show it.

    Raises SourceError for a compression that is not read, and if the name ends in one that the bytes do not have.
    """
    with path.open("rb") as file:
        first_bytes = file.read(8)
    for magic, name in _NOT_UNPACKED.items():
        if first_bytes.startswith(magic):
            raise SourceError(f"{source}: {path} is compressed as {name}; unpack it, or compress it as .gz or .zst")
    compression = next(
        (kind for magic, kind in _FIRST_BYTES.items() if first_bytes.startswith(magic)), Compression.NONE
    )
    if compression is not _SUFFIXES.get(path.suffix.lower(), compression):
        raise SourceError(
            f"{source}: {path} cannot be read: its content is not {path.suffix}; restore the file, or rename it"
        )
    return compression


@contextmanager
def uncompressed(source: str, path: Path, compression: Compression) -> Iterator[BufferedIOBase]:
    """Open a file for its content. Raises SourceError in the block if the file is cut off or damaged.

    DuckDB verifies no checksum, and takes the part of a file that it can decompress for the whole.
    """
    try:
        with _open(path, compression) as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise SourceError(
            f"{source}: {path} is cut off or damaged and cannot be read: {error}; restore it, or move it away"
        ) from error
    except OSError as error:
        raise SourceError(f"{source}: {path} cannot be read: {error.strerror or error}") from error


def _open(path: Path, compression: Compression) -> BufferedIOBase:
    match compression:
        case Compression.GZIP:
            return gzip.open(path, "rb")
        case Compression.ZSTD:
            return zstd.open(path, "rb")
        case Compression.NONE:
            return path.open("rb")
