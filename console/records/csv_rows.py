"""CSV that is safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, with_head: bool = True) -> str:
    """Return rows as CSV (RFC 4180), with the columns as the first line if `with_head`; None is an empty cell.

    A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers.
    """
    text = StringIO()
    writer = csv.writer(text)
    if with_head:
        writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return value
