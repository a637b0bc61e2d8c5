"""The data of bots in tests: their tables on both databases, and the canonical rows that are read from them."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from jobs.engines.duckdb_session import duckdb_session
from jobs.plan import OrdersSource
from jobs.sources.orders import read_orders
from policy.window import Window

Row = Mapping[str, Any]


def write_rows(url: str, metadata: sa.MetaData, rows: Mapping[str, Iterable[Row]]) -> None:
    """Create the tables of a bot in a database, with these rows by the tables' names."""
    engine = sa.create_engine(url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name, table_rows in rows.items():
            for row in table_rows:
                connection.execute(metadata.tables[name].insert(), dict(row))
    engine.dispose()


def copy_sqlite(path: Path, url: str) -> None:
    """Copy every table of a SQLite file into another database, with the types that the file declares."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        copy.write_bytes(path.read_bytes())
        source, target = sa.create_engine(f"sqlite:///{copy}"), sa.create_engine(url)
        metadata = sa.MetaData()
        metadata.reflect(source)
        for table in metadata.sorted_tables:
            for column in table.columns:
                column.type = column.type.as_generic()
        metadata.create_all(target)
        with source.connect() as reading, target.begin() as writing:
            for table in metadata.sorted_tables:
                rows = [dict(row) for row in reading.execute(table.select()).mappings()]
                if rows:
                    writing.execute(table.insert(), rows)
        source.dispose()
        target.dispose()


def files_beside(path: Path) -> Mapping[str, bytes]:
    """The content of every file in the folder of a file."""
    return {child.name: child.read_bytes() for child in sorted(path.parent.iterdir())}


def canonical_rows(orders: OrdersSource, *, as_of: datetime, days: int = 7) -> list[dict[str, Any]]:
    """Read the orders of the days before a time as canonical rows, rejected ones too, by time and id."""
    window = Window(as_of=as_of, outcome_window=timedelta(days=days))
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, orders, window, folder)
        result = connection.execute(f"select * from ({relation.rows}) order by ts, order_id")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def notes_of(orders: OrdersSource, *, as_of: datetime, days: int = 7) -> Sequence[str]:
    """What the source says that it cannot tell."""
    window = Window(as_of=as_of, outcome_window=timedelta(days=days))
    with duckdb_session() as (connection, folder):
        notes = read_orders(connection, orders, window, folder).description["notes"]
    assert isinstance(notes, list)
    return notes


def milliseconds(at: datetime) -> int:
    """A time as bots store it."""
    return int(at.timestamp() * 1000)


def utc(text: str) -> datetime:
    """A time in UTC, from `2026-04-25 10:00:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sqlite_rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask a SQLite file that nobody writes."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows
