"""Tables on the screen: how one is laid out, and how wide it is printed."""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

_TITLE_STYLE = "table.title"  # a style of the rich library


def plain_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: Collection[int] = (0,)
) -> "Table":
    """Lay rows out without lines: the columns numbered in `text_columns` to the left, figures to the right.

    Cells are printed as they are, so brackets in a symbol are not taken for markup.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    _add_columns(table, heads, text_columns, overflow="fold")
    _add_rows(table, rows)
    return table


def boxed_table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: Collection[int]
) -> "Table":
    """Lay rows out with lines and a title; else as `plain_table`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, _TITLE_STYLE))
    _add_columns(table, heads, text_columns, overflow="ellipsis")
    _add_rows(table, rows)
    return table


def print_table(table: "Table", *, file_width: int) -> None:
    """Print a table as wide as the terminal, or `file_width` characters wide if standard output is not a terminal."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else file_width).print(table)


def _add_columns(
    table: "Table", heads: Sequence[str], text_columns: Collection[int], overflow: Literal["fold", "ellipsis"]
) -> None:
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number in text_columns else "right", overflow=overflow)


def _add_rows(table: "Table", rows: Iterable[Sequence[str]]) -> None:
    from rich.text import Text

    for cells in rows:
        table.add_row(*map(Text, cells))
