"""Candles that move without a pattern, the same ones every time, and writing them in each format that is read."""

import csv
import math
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.support.oracles import Bar
from tests.support.small_runs import AS_OF, INTERVAL

NAMES = ("ts", "symbol", "high", "low", "close")


def bars(count: int, *, last_close: datetime = AS_OF, base: float = 100.0) -> list[Bar]:
    """As many bars one after the other, the last of which closes then: open time, high, low, close."""
    made = []
    for back in range(count, 0, -1):
        middle = base * (1 + 0.05 * math.sin(back / 17) + 0.01 * math.sin(back * 1.7))
        reach = base * 0.004 * (1.5 + math.sin(back * 2.3))
        high, low = middle + reach, middle - reach * 0.8
        made.append((last_close - back * INTERVAL, high, low, low + (high - low) * (0.5 + 0.5 * math.sin(back * 3.1))))
    return made


def named(symbol: str, of: Iterable[Bar]) -> list[dict[str, object]]:
    """The bars as rows of one symbol."""
    return [dict(zip(NAMES, (at, symbol, high, low, close), strict=True)) for at, high, low, close in of]


def write_csv(path: Path, rows: Iterable[dict[str, object]], names: Sequence[str] = NAMES) -> Path:
    """Write bars with a header; what is missing is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Iterable[dict[str, object]]) -> Path:
    """Write bars with their types, the time as a timestamp with a zone."""
    text = write_csv(path.with_suffix(".csv-of-parquet"), rows)
    types = "{'ts': 'timestamptz', 'symbol': 'varchar', 'high': 'double', 'low': 'double', 'close': 'double'}"
    with duckdb.cursor() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"copy (select * from read_csv('{text}', header = true, delim = ',', columns = {types})) "
            f"to '{path}' (format parquet)"
        )
    text.unlink()
    return path


def write_sqlite(path: Path, rows: Iterable[dict[str, object]]) -> str:
    """Write bars to the table `bar` of a new database, times as its own functions write them; give its URL."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"create table bar ({', '.join(NAMES)})")
        connection.executemany(
            "insert into bar values (?, ?, ?, ?, ?)", ([_plain(row[n]) for n in NAMES] for row in rows)
        )
    connection.close()
    return f"sqlite:///{path}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return value
