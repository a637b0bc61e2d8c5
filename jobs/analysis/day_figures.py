"""What the orders of each UTC day cost, and which of them drifted, by symbol: to be stored after a run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from jobs.analysis.drift import DriftKind, SymbolDrift, drift_of_loaded, load_policies, policies_of
from jobs.analysis.order_history import OrderSelection, load_selected_orders, naive
from jobs.engines.order_cost import view_order_costs
from jobs.plan import Fees
from policy.numbers import round_metric
from storage.day_figures import DayCost, DayDrift, DayFigures
from storage.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DAILY_COSTS = files(__package__).joinpath("daily_costs.sql").read_text("utf-8")
DAY = timedelta(days=1)


def start_of_day(at: datetime) -> datetime:
    """Return the midnight in UTC that a time is of."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def find_day_figures(store: Store, selection: OrderSelection, fees: Mapping[str, Fees]) -> list[DayFigures]:
    """Return the figures of every UTC day of the selection, the oldest first, also of days without an order.

    The selection must start at a midnight; its last day may be unfinished. The log is read once. Raises SourceError if
    the log cannot be used, EngineError if DuckDB fails, and as the store does.
    """
    from jobs.engines.duckdb_session import duckdb_session

    with duckdb_session() as (connection, folder):
        load_selected_orders(connection, selection, folder)
        view_order_costs(connection, fees)
        costs = _costs(connection, selection)
        drifts = _drifts(connection, store, selection)
    return [
        DayFigures(day=day, as_of=min(day + DAY, selection.end), costs=costs.get(day, ()), drifts=drifts[day])
        for day in _days(selection)
    ]


def _days(selection: OrderSelection) -> Iterator[datetime]:
    day = selection.start
    while day < selection.end:
        yield day
        day += DAY


def _costs(connection: "DuckDBPyConnection", selection: OrderSelection) -> Mapping[datetime, tuple[DayCost, ...]]:
    bounds = {"window_start": naive(selection.start), "window_end": naive(selection.end)}
    costs: dict[datetime, tuple[DayCost, ...]] = {}
    for day, symbol, route, *counts in connection.execute(_DAILY_COSTS, bounds).fetchall():
        order_count, cost_count, mean_bps, money_count, money = counts
        cost = DayCost(
            symbol=symbol,
            route=route,
            order_count=order_count,
            cost_count=cost_count,
            mean_bps=round_metric(mean_bps),
            money_count=money_count,
            money=round_metric(money),
        )
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        costs[at] = (*costs.get(at, ()), cost)
    return costs


def _drifts(
    connection: "DuckDBPyConnection", store: Store, selection: OrderSelection
) -> Mapping[datetime, tuple[DayDrift, ...]]:
    policies = load_policies(connection, selection, policies_of(store, selection))
    drifts = {}
    for day in _days(selection):
        of_day = replace(selection, start=day, end=min(day + DAY, selection.end))
        drifts[day] = tuple(_drift(symbol) for symbol in drift_of_loaded(connection, of_day, policies))
    return drifts


def _drift(drift: SymbolDrift) -> DayDrift:
    counts = {kind: drift.findings[kind].order_count for kind in DriftKind}
    return DayDrift(
        symbol=drift.symbol,
        order_count=drift.order_count,
        no_run_count=counts[DriftKind.NO_RUN],
        unknown_run_count=counts[DriftKind.UNKNOWN_RUN],
        superseded_count=counts[DriftKind.SUPERSEDED],
        expired_count=counts[DriftKind.EXPIRED],
        maker_while_taker_count=counts[DriftKind.MAKER_WHILE_TAKER],
        not_as_assigned_count=counts[DriftKind.NOT_AS_ASSIGNED],
    )
