"""Text files as DuckDB can read them: in place if they are plain, else as a plain copy in a temporary folder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.sources.compression import Compression, compression_of, uncompressed
from jobs.sources.errors import SourceError

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Lines of a file: its bytes from `start` to before `end`, None if to its end. The first has the number `line`."""

    start: int
    end: int | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file of a source, and the file that DuckDB reads for it: `path` itself, or a plain copy of it.

    `torn_lines` are the numbers, counted from 1, of the lines that are not part of a row and so not in the copy.
    `parts` are the only lines that are in the copy; None if all are.
    """

    path: Path
    read_path: Path
    compression: Compression
    torn_lines: Sequence[int] = ()
    parts: Sequence[Part] | None = None


def text_compression(source: str, path: Path) -> Compression:
    """Return how a text file is compressed. Raises SourceError if its text is UTF-16 or UTF-32."""
    compression = compression_of(source, path)
    with uncompressed(source, path, compression) as file:
        first_bytes = file.read(4)
    if first_bytes.startswith(_UTF_16_MARKS) or _alternates_with_zeros(first_bytes):
        raise SourceError(f"{source}: {path} is UTF-16; write it as UTF-8")
    return compression


def _alternates_with_zeros(first_bytes: bytes) -> bool:
    """Return whether every second byte is zero, as in the UTF-16 of Latin text."""
    zeros = [byte == 0 for byte in first_bytes]
    return zeros in ([True, False, True, False], [False, True, False, True], [False, True, True, True])


def ended(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return pieces of lines with an end of the last line: DuckDB takes a broken line for a row, alone only with it."""
    last = b"\n"
    for piece in pieces:
        yield piece
        last = piece
    if not last.endswith(b"\n"):
        yield b"\n"


def write_copy(source: str, path: Path, pieces: Iterable[bytes], copy: Path) -> None:
    """Write the plain copy of a file. Raises SourceError if the temporary folder is full or cannot be written."""
    try:
        with copy.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise SourceError(
            f"{source}: the copy of {path} cannot be written to {copy.parent} ({error.strerror}); "
            "make room there, or set TMPDIR to another folder"
        ) from error
