"""The flow of orders that a log shows: how many a day, of how many symbols, how large, and how much they vary."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from jobs.plan import OrdersSource
from policy.window import WHOLE_LOG, Window

_ORDER_FLOW = files(__package__).joinpath("order_flow.sql").read_text("utf-8")
_FEWEST_ORDERS = 100
_ENOUGH_SINCE = """
    select min(ts) from (
        select ts, row_number() over (partition by maker_started order by ts desc) as newest
        from order_event
        where reason is null and ts < $window_end and maker_started is not null and slippage_bps is not null
    ) where newest <= $enough
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedFlow:
    """What the orders with `since <= ts < until` of a log were like, without those of unknown way, which are counted.

    The deviations are those of one order around the mean of its symbol; None with fewer than 100 orders of a way with a
    cost, which `maker_count` and `taker_count` count. `days` are those from the first order to the last, at least one.
    `notional` is a mean, None if there is none.
    """

    since: datetime
    until: datetime
    order_count: int
    unknown_way_count: int
    symbol_count: int
    days: float
    notional: float | None
    maker_count: int
    taker_count: int
    maker_deviation_bps: float | None
    taker_deviation_bps: float | None


def find_order_flow(source: OrdersSource, fee_gap_bps: float, since: datetime, until: datetime) -> LoggedFlow:
    """Read the orders with `since <= ts < until`; the fee gap is used for those whose fee is not logged.

    Raises SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders, naive_times
    from jobs.sources.blocks import TimeRange
    from jobs.sources.orders import read_orders

    window = Window(as_of=until, outcome_window=until - since)
    bounds = {**naive_times({"window_start": since, "window_end": until}), "fee_gap_bps": fee_gap_bps}
    with duckdb_session() as (connection, folder):
        orders = read_orders(connection, source, window, folder, TimeRange.of(window))
        load_orders(connection, orders, source, window)
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
        maker_count=maker_count,
        taker_count=taker_count,
        maker_deviation_bps=maker_bps if maker_count >= _FEWEST_ORDERS else None,
        taker_deviation_bps=taker_bps if taker_count >= _FEWEST_ORDERS else None,
    )


def find_flow_of_enough_orders(
    source: OrdersSource, fee_gap_bps: float, since: datetime, until: datetime
) -> LoggedFlow:
    """Read the orders as `find_order_flow` does, from an earlier time on if either way has fewer than 100 with a cost.

    That time is the latest from which both ways have 100, or all that the log has of the last twenty years.
    """
    flow = find_order_flow(source, fee_gap_bps, since, until)
    if flow.maker_deviation_bps is not None and flow.taker_deviation_bps is not None:
        return flow
    enough_since = _enough_since(source, until)
    if enough_since is None or enough_since >= since:
        return flow
    return find_order_flow(source, fee_gap_bps, enough_since, until)


def _enough_since(source: OrdersSource, until: datetime) -> datetime | None:
    """Return the time of the oldest of the newest 100 orders of both ways, None if there is none."""
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.engines.duckdb_tables import load_orders, naive_times
    from jobs.sources.blocks import TimeRange
    from jobs.sources.orders import read_orders

    window = Window(as_of=until, outcome_window=WHOLE_LOG)
    bounds = {**naive_times({"window_end": until}), "enough": _FEWEST_ORDERS}
    with duckdb_session() as (connection, folder):
        orders = read_orders(connection, source, window, folder, TimeRange.of(window))
        load_orders(connection, orders, source, window)
        row = connection.execute(_ENOUGH_SINCE, bounds).fetchone()
    return row[0].replace(tzinfo=UTC) if row is not None and row[0] is not None else None
