"""The orders of a log and the policies visible at their time, as tables of one DuckDB connection."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.analysis.health import limits_at
from jobs.plan import OrdersSource
from jobs.slots import Slots
from policy.reject import Reject
from policy.window import Window
from storage.read.visible_policies import VisiblePolicies

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSelection:
    """The orders with `start <= ts < end` of one scope's log, and the slots in which its policies are computed.

    A change of policy less than `tolerance` before an order does not count: the log has the time at which an order was
    done, and the router learns of the change only after it is published.
    """

    scope: str
    orders: OrdersSource
    slots: Slots
    start: datetime
    end: datetime
    tolerance: timedelta = TOLERANCE


def load_selected_orders(connection: "DuckDBPyConnection", selection: OrderSelection, folder: Path) -> list[Reject]:
    """Create `order_event` as a run does, and return the rejected rows."""
    from jobs.engines import duckdb_tables as tables
    from jobs.sources.blocks import TimeRange
    from jobs.sources.orders import read_orders
    from jobs.sources.reject_counts import count_rejects

    window = Window(as_of=selection.end, outcome_window=selection.end - selection.start)
    bounds = tables.outcome_bounds(window)
    relation = read_orders(connection, selection.orders, window, folder, TimeRange.of(window))
    tables.load_orders(connection, relation, selection.orders, window)
    in_window = tables.ORDERS_IN_WINDOW
    query = f"select reason, count(*) from order_event where reason is not null and ({in_window}) group by reason"
    counts = dict(connection.execute(query, bounds).fetchall())
    return count_rejects(connection, "orders", "order_event", in_window, bounds, relation, counts)


def load_visible_policies(connection: "DuckDBPyConnection", policies: VisiblePolicies, slots: Slots) -> None:
    """Create `run`, `taker` and `override_span` from what readers could see."""
    from jobs.engines.duckdb_tables import load_table

    runs, overrides = policies.runs, policies.overrides
    load_table(
        connection,
        "run",
        run_id=("bigint", [run.run_id for run in runs]),
        slot=("timestamp", [naive(run.slot) for run in runs]),
        published_at=("timestamp", [naive(run.published_at) for run in runs]),
        stale_at=("timestamp", [naive(run.slot + limits_at(slots, run.slot).stale_after) for run in runs]),
        expires_at=("timestamp", [naive(run.slot + limits_at(slots, run.slot).expired_after) for run in runs]),
    )
    load_table(
        connection,
        "taker",
        run_id=("bigint", [run_id for run_id, _ in policies.taker]),
        symbol=("varchar", [symbol for _, symbol in policies.taker]),
    )
    load_table(
        connection,
        "override_span",
        override_id=("bigint", [override.override_id for override in overrides]),
        symbol=("varchar", [override.symbol for override in overrides]),
        maker_first=("boolean", [override.maker_first for override in overrides]),
        from_at=("timestamp", [naive(override.from_at) for override in overrides]),
        end_at=("timestamp", [naive(override.end_at) for override in overrides]),
    )


def naive(at: datetime) -> datetime:
    """Return a time in UTC without a zone, as in the canonical tables."""
    return at.astimezone(UTC).replace(tzinfo=None)
