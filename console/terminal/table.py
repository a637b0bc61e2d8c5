"""Tables on the screen: how one is laid out, and how wide it is printed."""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_UNLIMITED_WIDTH = 1_000_000  # characters
_TITLE_STYLE = "table.title"  # a style of the rich library


def plain_table(
    heads: Sequence[str], rows: Iterable[Sequence["str | Text"]], *, text_columns: Collection[int] = (0,)
) -> "Table":
    """Lay rows out without lines: the columns numbered in `text_columns` to the left, figures to the right.

    Cells are printed as they are, so brackets in a symbol are not taken for markup; a Text brings its style.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    _add_columns(table, heads, text_columns)
    _add_rows(table, rows)
    return table


def boxed_table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence["str | Text"]], *, text_columns: Collection[int]
) -> "Table":
    """Lay rows out with lines and a title; else as `plain_table`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, _TITLE_STYLE))
    _add_columns(table, heads, text_columns)
    _add_rows(table, rows)
    return table


def print_table(table: "Table") -> None:
    """Print a table as wide as the terminal, or as wide as its longest row if standard output is not a terminal.

    On a terminal a text that does not fit goes on in the next line; nothing is left out.
    """
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _UNLIMITED_WIDTH).print(table)


def _add_columns(table: "Table", heads: Sequence[str], text_columns: Collection[int]) -> None:
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number in text_columns else "right", overflow="fold")


def _add_rows(table: "Table", rows: Iterable[Sequence["str | Text"]]) -> None:
    from rich.text import Text

    for cells in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
