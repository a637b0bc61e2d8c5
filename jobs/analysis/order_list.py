"""Single orders of the log: when and how each went, what it cost, and the policy that it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.analysis.order_history import OrderSelection, load_selected_orders, naive
from jobs.engines.order_cost import view_order_costs
from jobs.plan import Fees
from policy.numbers import round_metric

_NEWEST = """
    select ts, order_id, symbol, route, maker_filled, slippage_bps, fee_bps, cost_bps, notional, policy_run_id
    from order_cost
    where ts >= $start and ts < $end and ($symbol is null or symbol = $symbol)
    order by ts desc, order_id desc
    limit $row_limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOrder:
    """One order: its route, whether it filled as maker (None if the log does not say), and its cost in bps, + is worse.

    Slippage and cost are None if it did not fill, the fee if it is not known, `run_id` if the order names no run.
    """

    ts: datetime
    order_id: str | None
    symbol: str
    route: str
    maker_filled: bool | None
    slippage_bps: float | None
    fee_bps: float | None
    cost_bps: float | None
    notional: float | None
    run_id: int | None


def newest_orders(
    selection: OrderSelection, fees: Mapping[str, Fees], symbol: str | None, limit: int
) -> list[ListedOrder]:
    """Return the newest orders of the selection, of one symbol or of all; `fees` are by symbol, "" for the others.

    Rows of the log that were rejected are left out. Raises SourceError if the log cannot be used, EngineError if DuckDB
    fails.
    """
    from jobs.engines.duckdb_session import duckdb_session

    wanted = {"symbol": symbol, "row_limit": limit, "start": naive(selection.start), "end": naive(selection.end)}
    with duckdb_session() as (connection, folder):
        load_selected_orders(connection, selection, folder)
        view_order_costs(connection, fees)
        rows = connection.execute(_NEWEST, wanted).fetchall()
    return [
        ListedOrder(
            ts=ts.replace(tzinfo=UTC),
            order_id=order_id,
            symbol=market,
            route=route,
            maker_filled=maker_filled,
            slippage_bps=round_metric(slippage_bps),
            fee_bps=round_metric(fee_bps),
            cost_bps=round_metric(cost_bps),
            notional=round_metric(notional),
            run_id=run_id,
        )
        for ts, order_id, market, route, maker_filled, slippage_bps, fee_bps, cost_bps, notional, run_id in rows
    ]
