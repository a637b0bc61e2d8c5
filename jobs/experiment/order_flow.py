"""The flow of orders that a log shows: how many a day, of how many symbols, how large, and how much they vary."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from jobs.plan import OrdersSource
from policy.window import Window

_ORDER_FLOW = files(__package__).joinpath("order_flow.sql").read_text("utf-8")
_FEWEST_ORDERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedFlow:
    """What the orders with `since <= ts < until` of a log were like, without those of unknown way, which are counted.

    The deviations are those of one order around the mean of its symbol; None with fewer than 100 orders of a way with a
    cost. `days` are those from the first order to the last, at least one. `notional` is a mean, None if there is none.
    """

    since: datetime
    until: datetime
    order_count: int
    unknown_way_count: int
    symbol_count: int
    days: float
    notional: float | None
    maker_deviation_bps: float | None
    taker_deviation_bps: float | None


def find_order_flow(source: OrdersSource, fee_gap_bps: float, since: datetime, until: datetime) -> LoggedFlow:
    """Read the orders with `since <= ts < until`; the fee gap is used for those whose fee is not logged.

    Raises SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders, naive_times
    from jobs.sources.orders import read_orders

    window = Window(as_of=until, outcome_window=until - since)
    bounds = {**naive_times({"window_start": since, "window_end": until}), "fee_gap_bps": fee_gap_bps}
    with duckdb_session() as (connection, folder):
        load_orders(connection, read_orders(connection, source, window, folder), source, window)
        row = connection.execute(_ORDER_FLOW, bounds).fetchone()
    assert row is not None
    order_count, unknown_way_count, symbol_count, days, notional, maker_count, maker_bps, taker_count, taker_bps = row
    return LoggedFlow(
        since=since,
        until=until,
        order_count=order_count,
        unknown_way_count=unknown_way_count,
        symbol_count=symbol_count,
        days=max(days or 0.0, 1.0),
        notional=notional,
        maker_deviation_bps=maker_bps if maker_count >= _FEWEST_ORDERS else None,
        taker_deviation_bps=taker_bps if taker_count >= _FEWEST_ORDERS else None,
    )
