"""The orders of a bot as canonical rows: its data is loaded, its SQL is run, and its limits are put into sentences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersKind, OrdersSource
from jobs.sources import canonical
from jobs.sources.bots.binance import BINANCE
from jobs.sources.bots.candle_mid import fill_in_mids
from jobs.sources.bots.ccxt import CCXT
from jobs.sources.bots.freqtrade import FREQTRADE
from jobs.sources.bots.hummingbot import HUMMINGBOT
from jobs.sources.bots.kind import BotKind
from jobs.sources.bots.nautilus import NAUTILUS
from jobs.sources.csv_files import query_rows
from jobs.sources.database_tables import spool_tables
from jobs.sources.errors import SourceError
from jobs.sources.relation import Relation
from jobs.sources.table_rows import table_columns, table_relation
from jobs.sources.text_files import TextFile
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERDICT = ("source_reason", "source_unread")
_USED = """create or replace temp view orders_used as
    select * from orders_row
    where source_reason is null and ts >= getvariable('window_start') and ts < getvariable('as_of')"""
_KINDS = {
    OrdersKind.FREQTRADE: FREQTRADE,
    OrdersKind.HUMMINGBOT: HUMMINGBOT,
    OrdersKind.NAUTILUS: NAUTILUS,
    OrdersKind.CCXT: CCXT,
    OrdersKind.BINANCE: BINANCE,
}


def bot_relation(
    connection: "DuckDBPyConnection",
    source: OrdersSource,
    window: Window,
    folder: Path,
    judged: Callable[[str, str], str],
) -> Relation:
    """Read a bot's data into the table `orders_row` and return it as a relation; `judged` is as in `csv_relation`.

    The description has, under `notes`, what the data cannot tell. Raises SourceError if the data cannot be read, has
    not what is required, or has no order at all.
    """
    kind = _KINDS[source.kind]
    _set_variables(connection, source, window)
    texts = _load(connection, kind, source, window, folder)
    *statements, count = connection.extract_statements(kind.sql)
    for statement in statements:
        connection.execute(statement)
    from_candles = fill_in_mids(connection, source, window, folder)
    connection.execute(_USED)
    connection.execute(count)
    counts = _counts(connection)
    if not counts["row_count"]:
        raise SourceError(f"orders: the {source.kind} data has no order yet; check that the bot has traded")
    columns = {name: name for name in (*canonical.ORDER_COLUMNS, *VERDICT)}
    relation = table_relation(
        f"orders ({source.kind})",
        "orders_row",
        table_columns(connection, "orders_row"),
        columns,
        judged,
        {"kind": str(source.kind), "notes": [*notes(kind, counts), *from_candles]},
    )
    return replace(relation, texts={file.read_path: file for file in texts})


def mapping_of(kind: OrdersKind) -> Mapping[str, str]:
    """Return where each canonical column of a kind comes from, for people; empty for kinds that have it as it is."""
    return _KINDS[kind].mapping if kind.is_bot else {}


def notes(kind: BotKind, counts: Mapping[str, int]) -> Sequence[str]:
    """Return the sentences whose count is above zero, with the counts in them."""
    return [sentence.text.format(**counts) for sentence in kind.sentences if counts[sentence.count] > 0]


def _load(
    connection: "DuckDBPyConnection", kind: BotKind, source: OrdersSource, window: Window, folder: Path
) -> Sequence[TextFile]:
    """Load what the SQL reads; return the text files that may have lines that are no rows."""
    if kind.load_files is not None:
        return kind.load_files(connection, source, folder)
    files = spool_tables(source.location.url or "", kind.tables, window, folder, "orders")
    for table in kind.tables:
        rows = query_rows(files[table.name], table.columns)
        connection.execute(f'create or replace temp table "bot_{table.name}" as {rows}')
    return ()


def _set_variables(connection: "DuckDBPyConnection", source: OrdersSource, window: Window) -> None:
    values = {
        "window_start": window.start.replace(tzinfo=None),
        "as_of": window.as_of.replace(tzinfo=None),
        "entries_known": source.entries_known,
        "is_post_only": source.is_post_only,
        "zone": source.zone,
    }
    for name, value in values.items():
        connection.execute(f"set variable {name} = $value", {"value": value})


def _counts(connection: "DuckDBPyConnection") -> Mapping[str, int]:
    result = connection.execute("select * from orders_count")
    names = [column[0] for column in result.description or []]
    row = result.fetchone()
    assert row is not None
    return dict(zip(names, row, strict=True))
