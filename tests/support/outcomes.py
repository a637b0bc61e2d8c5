"""Canonical outcomes, and writing the same of them in every format that is read."""

import csv
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from jobs.sources.canonical import REQUIRED, SQL_TYPES
from tests.support.small_runs import AS_OF

NAMES = (*REQUIRED, "order_id", "side", "notional", "realized_pnl", "survivor")


def outcome(
    number: int, *, symbol: str = "BTCUSDT", at: datetime | None = None, **changes: object
) -> dict[str, object]:
    """One outcome that started and filled as maker, `number` minutes before the run if no time is given."""
    return {
        "order_id": f"order-{symbol}-{number}",
        "ts": at or AS_OF - timedelta(minutes=number),
        "symbol": symbol,
        "side": "BUY",
        "maker_started": True,
        "maker_filled": True,
        "fallback_used": False,
        "slippage_bps": 1.0,
        "notional": 100.0,
        "realized_pnl": None,
        "survivor": None,
    } | changes


def write_parquet(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write outcomes with the types of the canonical table, their time as a timestamp with a zone."""
    types = {name: "timestamptz" if name == "ts" else SQL_TYPES[name] for name in NAMES}
    with duckdb.cursor() as connection:
        connection.execute(f"create temp table outcome ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
        places = ", ".join("?" * len(NAMES))
        if rows:
            values = [[row[name] for name in NAMES] for row in rows]
            connection.executemany(f"insert into outcome values ({places})", values)
        connection.execute(f"copy outcome to '{path}' (format parquet)")
    return path


def write_parquet_query(path: Path, query: str) -> Path:
    """Write what a query of DuckDB gives."""
    with duckdb.cursor() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], names: Sequence[str] = NAMES) -> Path:
    """Write outcomes with a header; what is missing is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)
    return path


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write outcomes one JSON object a line."""
    lines = (json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def write_sqlite(path: Path, rows: Iterable[Mapping[str, object]]) -> str:
    """Write outcomes to the table `outcome` of a new database, times as its own functions write them; give its URL."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"create table outcome ({', '.join(NAMES)})")
        connection.executemany(
            f"insert into outcome values ({', '.join('?' * len(NAMES))})",
            ([_sqlite(row[name]) for name in NAMES] for row in rows),
        )
    connection.close()
    return f"sqlite:///{path}"


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else _plain(value)


def _sqlite(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return value
