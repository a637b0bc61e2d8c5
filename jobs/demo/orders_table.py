"""The demo's table `orders` in the store: an analyst's own table, which the queries of docs/sql.md join."""

import json
from contextlib import closing
from datetime import UTC, datetime

from jobs.demo.folder import DemoFolder
from storage.database.engine import sqlite_driver

_CREATE = "create table orders (symbol text not null, ts text not null, slippage_bps real)"


def write_orders_table(folder: DemoFolder) -> None:
    """Create the table with the orders that the bot has logged so far; the store is set up already.

    Times are UTC in the form of the store, `YYYY-MM-DD HH:MM:SS` with a fraction.
    """
    lines = map(json.loads, folder.log.read_text("utf-8").splitlines())
    rows = [(row["symbol"], _store_time(row["ts"]), row.get("slippage_bps")) for row in lines if "event" not in row]
    with closing(sqlite_driver().connect(folder.database)) as connection, connection:
        connection.execute(_CREATE)
        connection.executemany("insert into orders values (?, ?, ?)", rows)


def _store_time(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).replace(tzinfo=None).isoformat(sep=" ")
