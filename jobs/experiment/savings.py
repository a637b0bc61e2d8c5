"""What orders saved of which chance decided the way: the orders of a log, and the figures of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from jobs.plan import Fees, OrdersSource
from policy.experiment.saving import ExperimentOrder
from policy.experiment.saving_figure import SavingFigure, saving_figures
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXPERIMENT_ORDERS = files(__package__).joinpath("experiment_orders.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """The figures of the orders with `since <= ts < until` of which chance decided the way.

    Of these orders, `unknown_cost_count` did not fill or have no known fee, and `unknown_propensity_count` others have
    no propensity from 0.0001 to 0.9999: the figures are without them.
    """

    since: datetime
    until: datetime
    unknown_cost_count: int = 0
    unknown_propensity_count: int = 0
    figures: tuple[SavingFigure, ...] = ()


def find_savings(source: OrdersSource, fees: Mapping[str, Fees], since: datetime, until: datetime) -> Savings:
    """Read the orders with `since <= ts < until` and return what they saved; `fees` are by symbol, "" for the others.

    Raises SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_fees import load_fees
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders
    from jobs.sources.orders import read_orders

    window = Window(as_of=until, outcome_window=until - since)
    with duckdb_session() as (connection, folder):
        load_orders(connection, read_orders(connection, source, window, folder), source, window)
        load_fees(connection, fees)
        return savings_of_loaded_orders(connection, since, until)


def savings_of_loaded_orders(connection: "DuckDBPyConnection", since: datetime, until: datetime) -> Savings:
    """Return what the orders with `since <= ts < until` of the tables `order_event` and `fee` saved."""
    from jobs.engines.duckdb_tables import naive_times

    bounds = naive_times({"window_start": since, "window_end": until})
    orders: list[ExperimentOrder] = []
    unknown_cost_count = unknown_propensity_count = 0
    for symbol, is_maker, is_held_out, propensity, cost_bps, half_spread_bps, notional in connection.execute(
        _EXPERIMENT_ORDERS, bounds
    ).fetchall():
        if cost_bps is None:
            unknown_cost_count += 1
        elif propensity is None:
            unknown_propensity_count += 1
        else:
            orders.append(
                ExperimentOrder(
                    symbol=symbol,
                    is_maker=is_maker,
                    is_held_out=is_held_out,
                    propensity=propensity,
                    cost_bps=cost_bps,
                    half_spread_bps=half_spread_bps,
                    notional=notional,
                )
            )
    return Savings(
        since=since,
        until=until,
        unknown_cost_count=unknown_cost_count,
        unknown_propensity_count=unknown_propensity_count,
        figures=tuple(saving_figures(orders)),
    )
