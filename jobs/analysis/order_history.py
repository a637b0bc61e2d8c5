"""The orders of a log beside what had been published by their time, as tables of one DuckDB connection."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.analysis.health import limits_at
from jobs.plan import OrdersSource
from jobs.slots import Slots
from policy.window import Window
from storage.read.visible_policies import VisiblePolicies
from storage.records import Reject

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSelection:
    """The orders with `start <= ts < end` of one scope's log, and the slots in which its policies are computed.

    What was published, or told otherwise, less than `tolerance` before an order is not held against it: the log has
    the time at which an order was done, and the router has to hear of the change first.
    """

    scope: str
    orders: OrdersSource
    slots: Slots
    start: datetime
    end: datetime
    tolerance: timedelta = TOLERANCE


def load_orders(connection: "DuckDBPyConnection", question: OrderSelection, folder: Path) -> list[Reject]:
    """Make `order_event` as a run does, and give the account of the rows that are not used."""
    from jobs.engines import duckdb_tables as tables
    from jobs.sources.orders import read_orders
    from jobs.sources.rejects import count_rejects

    window = Window(as_of=question.end, outcome_window=question.end - question.start)
    bounds = tables.outcome_bounds(window)
    relation = read_orders(connection, question.orders, window, folder)
    tables.load_orders(connection, relation, question.orders, window)
    in_window = tables.ORDERS_IN_WINDOW
    query = f"select reason, count(*) from order_event where reason is not null and ({in_window}) group by reason"
    counts = dict(connection.execute(query, bounds).fetchall())
    return count_rejects(connection, "orders", "order_event", in_window, bounds, relation, counts)


def load_visible_policies(connection: "DuckDBPyConnection", published: VisiblePolicies, slots: Slots) -> None:
    """Make `run`, `taker` and `override_span` of what readers could see."""
    from jobs.engines.duckdb_tables import load_table

    runs, overrides = published.runs, published.overrides
    load_table(
        connection,
        "run",
        run_id=("bigint", [one.run_id for one in runs]),
        slot=("timestamp", [naive(one.slot) for one in runs]),
        published_at=("timestamp", [naive(one.published_at) for one in runs]),
        expires_at=("timestamp", [naive(one.slot + limits_at(slots, one.slot).expired_after) for one in runs]),
    )
    load_table(
        connection,
        "taker",
        run_id=("bigint", [run_id for run_id, _ in published.taker]),
        symbol=("varchar", [symbol for _, symbol in published.taker]),
    )
    load_table(
        connection,
        "override_span",
        override_id=("bigint", [one.override_id for one in overrides]),
        symbol=("varchar", [one.symbol for one in overrides]),
        maker_first=("boolean", [one.maker_first for one in overrides]),
        from_at=("timestamp", [naive(one.from_at) for one in overrides]),
        end_at=("timestamp", [naive(one.end_at) for one in overrides]),
    )


def naive(at: datetime) -> datetime:
    """Return a time in UTC without a zone, as the canonical tables have it."""
    return at.astimezone(UTC).replace(tzinfo=None)
