"""The fees of the settings as a table in DuckDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.engines.duckdb_tables import load_table
from jobs.plan import Fees

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_fees(connection: "DuckDBPyConnection", fees: Mapping[str, Fees]) -> None:
    """Make the table `fee` of fees by symbol; "" stands for all others."""
    load_table(
        connection,
        "fee",
        symbol=("varchar", list(fees)),
        maker_bps=("double", [fee.maker_bps for fee in fees.values()]),
        taker_bps=("double", [fee.taker_bps for fee in fees.values()]),
    )
