"""Readers as their tests open them, a clock that a test sets, and a log as the batch job reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.sources.orders import read_orders
from policy.window import Window
from router_policy_client import PolicyReader
from tests.client.scripted import START


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def watching(url: str, **settings: Any) -> Iterator[PolicyReader]:
    """A reader on the clock of this machine that has looked once, its policies as old as the tests' slots are."""
    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30, **settings) as reader:
        yield reader


def read_by_the_batch_job(
    log: Path, folder: Path, as_of: datetime = START + timedelta(days=1)
) -> list[Mapping[str, object]]:
    """Read a log as the batch job does, by id."""
    source = OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path=str(log)))
    with duckdb.connect() as connection:
        connection.execute((Path(read_orders.__code__.co_filename).parent / "macros.sql").read_text())
        relation = read_orders(connection, source, Window(as_of=as_of), folder)
        rows = connection.execute(f"select * from ({relation.rows}) order by order_id")
        names = [column[0] for column in rows.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
