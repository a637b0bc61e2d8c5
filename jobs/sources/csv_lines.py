"""The rows of a CSV file: which of its lines fit the header, each by itself or together with the lines below it."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from io import BufferedIOBase
from itertools import islice

from jobs.sources.lines import BYTE_ORDER_MARK, is_too_long, lines_of

_MOST_LINES_OF_A_ROW = 1000
Line = tuple[int, bytes]


def csv_rows_of(stream: BufferedIOBase, field_count: int) -> Iterator[tuple[int, list[str] | None]]:
    """Return each row with the number of its first line, counted from 1; None for a line that fits no row.

    Lines end in LF, CRLF or CR; blank ones are left out. A quoted field may span lines, unless one of them
    begins like a row: then the quote stands there by mistake, and costs its own line only.
    """
    numbered = enumerate(each_line(stream), 1)
    ahead: deque[Line] = deque()
    while line := ahead.popleft() if ahead else next(numbered, None):
        number, text = line
        if text.strip():
            yield number, _row(text, field_count) or _spanning_row(text, ahead, numbered, field_count)


def first_row(stream: BufferedIOBase) -> list[str] | None:
    """Return the fields of the first line that is not blank; empty if there is none, None if it cannot be read."""
    return next((_fields(line) for line in each_line(stream) if line.strip()), [])


def each_line(stream: BufferedIOBase) -> Iterator[bytes]:
    """Return each line with its end, LF, CRLF or CR, and without a byte order mark."""
    for line in lines_of(stream):
        if is_too_long(line):
            yield line
        else:
            yield from (part.removeprefix(BYTE_ORDER_MARK) for part in line.splitlines(keepends=True))


def lines_fit(chunk: bytes, field_count: int, line_end: bytes) -> bool:
    """Return whether every line is a row by itself and all end alike, so that DuckDB reads them without a doubt."""
    if chunk.count(b"\r") != (chunk.count(b"\n") if line_end == b"\r\n" else 0):
        return False
    lines = chunk.removesuffix(line_end).split(line_end)
    if b'"' in chunk:
        return _quoted_lines_fit(lines, field_count)
    separator_count = field_count - 1
    return all(line.count(b",") == separator_count for line in lines) and _is_text(chunk)


def _quoted_lines_fit(lines: list[bytes], field_count: int) -> bool:
    try:
        rows = list(csv.reader([line.decode() for line in lines], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return False
    # DuckDB leaves out blanks before a quote, and takes a quote inside a field in another way.
    is_without_doubt = all(b' "' not in line and b'\t"' not in line for line in lines)
    return len(rows) == len(lines) and all(len(row) == field_count for row in rows) and is_without_doubt


def _is_text(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _row(text: bytes, field_count: int) -> list[str] | None:
    fields = _fields(text)
    return fields if fields is not None and len(fields) == field_count else None


def _fields(text: bytes) -> list[str] | None:
    """Return the fields of a row; None if a quote is out of place or open, and for text that is not UTF-8."""
    if is_too_long(text):
        return None
    try:
        return next(csv.reader([text.decode()], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None


def _spanning_row(text: bytes, ahead: "deque[Line]", numbered: Iterator[Line], field_count: int) -> list[str] | None:
    """Return the row that begins with a line and ends where its quote is closed, and take its lines from `ahead`."""
    if not _has_open_quote(text):
        return None
    first_field = _shape_of_first_field(text)
    for count, (_, line) in enumerate(_look_ahead(ahead, numbered), 1):
        if _shape_of_first_field(line) == first_field:
            return None
        text += line
        if _has_open_quote(line):  # beside an open quote, it closes it
            row = _row(text, field_count)
            for _ in range(count if row is not None else 0):
                ahead.popleft()
            return row
    return None


def _has_open_quote(text: bytes) -> bool:
    return text.count(b'"') % 2 == 1


def _shape_of_first_field(line: bytes) -> bytes:
    """Return what the first fields of two rows have in common, as two times have: digits and letters stand for any."""
    return re.sub(rb"[A-Za-z]+", b"a", re.sub(rb"[0-9]+", b"0", line.partition(b",")[0]))


def _look_ahead(ahead: "deque[Line]", numbered: Iterator[Line]) -> Iterator[Line]:
    yield from tuple(ahead)
    for line in islice(numbered, max(0, _MOST_LINES_OF_A_ROW - len(ahead))):
        ahead.append(line)
        yield line
