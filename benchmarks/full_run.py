"""A whole run over 10 million outcomes as Parquet against the two queries of an expert of DuckDB, in one process."""

from functools import partial

from benchmarks import bare, ours
from benchmarks.data import Data
from benchmarks.figure import Figure, alternate, ratio, seconds_of
from jobs.plan import OrdersKind

REPETITIONS = 7
TARGET = 2.0


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a committed run, with rejected rows counted, against the queries alone."""
    outcomes = f"select * from read_parquet('{data.orders}')"
    seconds = alternate(
        {
            "run": partial(ours.run, data.orders, OrdersKind.CANONICAL, data),
            "DuckDB": partial(seconds_of, partial(bare.run, outcomes, data)),
        },
        repetitions,
    )
    how = "10 million outcomes of 1,000 symbols, Parquet, to a committed SQLite run, in the process of the bare queries"
    return [ratio("full run / two queries of an expert in bare DuckDB", seconds, "run", "DuckDB", TARGET, how)]
