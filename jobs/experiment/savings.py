"""What orders saved of which chance decided the way: the orders of a log, and the figures of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from jobs.engines.order_cost import view_order_costs
from jobs.plan import Fees, OrdersSource
from policy.experiment.saving import ExperimentOrder
from policy.experiment.saving_figure import SavingFigure, saving_figures
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXPERIMENT_ORDERS = files(__package__).joinpath("experiment_orders.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Orders of which chance decided the way, and of which the figures know nothing; each is counted once.

    Of `unknown_way_count` the log does not know which way they went. `unknown_cost_count` did not fill or have no known
    fee, `unknown_cost_maker_count` of them as maker first. `unknown_propensity_count` have no propensity from 0.0001 to
    0.9999.
    """

    unknown_way_count: int = 0
    unknown_cost_count: int = 0
    unknown_cost_maker_count: int = 0
    unknown_propensity_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """The figures of the orders with `since <= ts < until` of which chance decided the way.

    The figures are without `left_out`.
    """

    since: datetime
    until: datetime
    left_out: LeftOut = LeftOut()
    figures: tuple[SavingFigure, ...] = ()

    @property
    def has_orders(self) -> bool:
        """Whether chance decided the way of any order, with a figure or left out."""
        return bool(self.figures) or self.left_out != LeftOut()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentOrders:
    """The orders of which chance decided the way, in the order in which they ended, each with that time.

    Those that are not here are counted in `left_out`.
    """

    orders: Sequence[ExperimentOrder]
    ended_at: Sequence[datetime]
    left_out: LeftOut


def find_savings(source: OrdersSource, fees: Mapping[str, Fees], since: datetime, until: datetime) -> Savings:
    """Read the orders with `since <= ts < until` and return what they saved; `fees` are by symbol, "" for the others.

    Raises SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    return _savings_of(find_experiment_orders(source, fees, since, until), since, until)


def find_experiment_orders(
    source: OrdersSource, fees: Mapping[str, Fees], since: datetime, until: datetime
) -> ExperimentOrders:
    """Read the orders with `since <= ts < until` of which chance decided the way, as `find_savings` does."""
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders
    from jobs.sources.blocks import TimeRange
    from jobs.sources.orders import read_orders

    window = Window(as_of=until, outcome_window=until - since)
    with duckdb_session() as (connection, folder):
        orders = read_orders(connection, source, window, folder, TimeRange.of(window))
        load_orders(connection, orders, source, window)
        view_order_costs(connection, fees)
        return _loaded_orders(connection, since, until)


def savings_of_loaded_orders(connection: "DuckDBPyConnection", since: datetime, until: datetime) -> Savings:
    """Return what the orders with `since <= ts < until` of the view `order_cost` saved."""
    return _savings_of(_loaded_orders(connection, since, until), since, until)


def _savings_of(orders: ExperimentOrders, since: datetime, until: datetime) -> Savings:
    return Savings(
        since=since,
        until=until,
        left_out=orders.left_out,
        figures=tuple(saving_figures(orders.orders)),
    )


def _loaded_orders(connection: "DuckDBPyConnection", since: datetime, until: datetime) -> ExperimentOrders:
    from jobs.engines.duckdb_tables import naive_times

    bounds = naive_times({"window_start": since, "window_end": until})
    orders: list[ExperimentOrder] = []
    ended_at: list[datetime] = []
    left_out: Counter[str] = Counter()
    rows = connection.execute(_EXPERIMENT_ORDERS, bounds).fetchall()
    for symbol, is_maker, is_held_out, propensity, cost_bps, half_spread_bps, taker_fee_bps, notional, ts in rows:
        if is_maker is None:
            left_out["unknown_way_count"] += 1
        elif cost_bps is None:
            left_out["unknown_cost_count"] += 1
            left_out["unknown_cost_maker_count"] += is_maker
        elif propensity is None:
            left_out["unknown_propensity_count"] += 1
        else:
            ended_at.append(ts.replace(tzinfo=UTC))
            orders.append(
                ExperimentOrder(
                    symbol=symbol,
                    is_maker=is_maker,
                    is_held_out=is_held_out,
                    propensity=propensity,
                    cost_bps=cost_bps,
                    half_spread_bps=half_spread_bps,
                    taker_fee_bps=taker_fee_bps,
                    notional=notional,
                )
            )
    return ExperimentOrders(orders=orders, ended_at=ended_at, left_out=LeftOut(**left_out))
