"""The lines of a text file, of any length, without taking more than one of them into memory."""

from collections.abc import Callable, Iterator
from io import BufferedIOBase

LONGEST_LINE_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines_of(stream: BufferedIOBase) -> Iterator[bytes]:
    """Return each line with its end; of one that is longer than LONGEST_LINE_BYTES, one byte more than that."""
    while line := stream.readline(LONGEST_LINE_BYTES + 1):
        yield line
        while is_too_long(line) and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE_BYTES + 1)


def is_too_long(line: bytes) -> bool:
    """Return whether a line of `lines_of` was longer than what is read."""
    return len(line) > LONGEST_LINE_BYTES


def is_plain(stream: BufferedIOBase, fits: Callable[[bytes], bool]) -> bool:
    """Return whether the engine reads every line of a stream as it stands.

    `fits` is asked about pieces of whole lines. Lines must not be too long, or have a byte order mark.
    """
    is_whole = True
    while chunk := stream.read(_CHUNK_BYTES):
        chunk += stream.readline(LONGEST_LINE_BYTES - _CHUNK_BYTES)
        if not is_whole or _has_mark(chunk) or not fits(chunk):
            return False
        is_whole = chunk.endswith(b"\n")
    return True


def _has_mark(chunk: bytes) -> bool:
    """Return whether a byte order mark is in the text; its first byte alone is looked for much faster."""
    return BYTE_ORDER_MARK[:1] in chunk and BYTE_ORDER_MARK in chunk
