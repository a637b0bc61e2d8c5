"""What each order of the log cost, as a view of a DuckDB connection."""

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from jobs.plan import Fees

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER_COST = files(__package__).joinpath("order_cost.sql").read_text("utf-8")


def view_order_costs(connection: "DuckDBPyConnection", fees: Mapping[str, Fees]) -> None:
    """Create the view `order_cost` over `order_event`; `fees` are by symbol, "" for the others."""
    from jobs.engines.duckdb_tables import load_table

    load_table(
        connection,
        "fee",
        symbol=("varchar", list(fees)),
        maker_bps=("double", [fee.maker_bps for fee in fees.values()]),
        taker_bps=("double", [fee.taker_bps for fee in fees.values()]),
    )
    connection.execute(f"create or replace temp view order_cost as {_ORDER_COST}")
