"""The lines of a text file, plain or gzip: how many there are, and on which of them a row stands."""

import gzip
from collections.abc import Container, Iterator
from pathlib import Path


def line_of_row(path: Path, row: int, *, header: bool, skipped: Container[int]) -> int:
    """Return the number of the line on which the row-th row stands, both counted from 1.

    Blank lines, the header and the `skipped` line numbers are not rows. A row whose field spans several lines counts as
    one, as it does for DuckDB. Raises LookupError if the file has fewer rows.
    """
    rows_left = row + header
    for number, line in _lines(path):
        if line.strip() and number not in skipped:
            rows_left -= 1
        if rows_left == 0:
            return number
    raise LookupError(f"{path} has no row {row}: it was changed while it was read")


def count_lines(path: Path) -> int:
    """Return how many lines of the file are not blank."""
    return sum(1 for _, line in _lines(path) if line.strip())


def text_of_line(path: Path, line_number: int) -> str:
    """Return the line of that number, counted from 1, as text; bytes that are not UTF-8 are marked."""
    line = next((line for number, line in _lines(path) if number == line_number), b"")
    return line.decode("utf-8", "replace").strip()


def first_line(path: Path) -> bytes:
    """Return the first line that is not blank, without its end; empty if there is none."""
    return next((line.rstrip(b"\r\n") for _, line in _lines(path) if line.strip()), b"")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        yield from enumerate(file, 1)
