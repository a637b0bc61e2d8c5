"""A kind of bot data: its tables, the SQL that makes canonical rows of them, and what the data cannot tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersSource
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a bot's database, which is read as the table `bot_NAME`, every column as text.

    `optional` columns are null if a version of the bot does not have them, and so is every column of a table that
    `may_be_missing`. `condition` restricts the rows in SQL that SQLite and Postgres share; it may name the parameters
    window_start and as_of, and the same with `_ms`, in milliseconds since 1970.
    """

    name: str
    required: Sequence[str]
    optional: Sequence[str] = ()
    may_be_missing: bool = False
    condition: str | None = None

    @property
    def columns(self) -> Sequence[str]:
        """Every column that the SQL of the kind can name."""
        return (*self.required, *self.optional)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What a source cannot tell, for people; said if the count of this name in `orders_count` is above zero."""

    count: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotKind:
    """How the data of one kind of bot is read.

    `sql` makes the table `orders_row`, whose columns are canonical ones and `source_reason`, `source_unread`,
    `decided_at` and `fill_price`. Its last statement makes `orders_count` with one row of counts; it may read
    `orders_used`, the rows of the window that are not rejected. `row_count` there is how many orders the bot has at
    all: zero stops the run. `mapping` has, for people, where each canonical column comes from.
    The SQL reads the `tables` of a database, or what `load_files` makes of files, with a folder for copies; that
    returns the text files that may have lines that are no rows.
    """

    sql: str
    mapping: Mapping[str, str]
    sentences: Sequence[Sentence]
    tables: Sequence[Table] = ()
    load_files: Callable[["DuckDBPyConnection", OrdersSource, Path], Sequence[TextFile]] | None = None


def sql_of(name: str) -> str:
    """Return the text of the SQL file of this name beside this module."""
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
