"""A whole run over 10 million outcomes as Parquet against the two queries of an expert of DuckDB, in one process."""

from functools import partial

from benchmarks import bare, ours
from benchmarks.data import Data
from benchmarks.figure import Figure, alternate, processor_seconds_of, ratio
from jobs.plan import OrdersKind

REPETITIONS = 7
TARGETS = {"seed": 2.0, "breaker": 4.0}


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a committed run by each rule set, with rejected rows counted, against the queries alone."""
    outcomes = f"select * from read_parquet('{data.orders}')"
    run = partial(ours.run, data.orders, OrdersKind.CANONICAL, data, timed=processor_seconds_of)
    seconds = alternate(
        {
            **{rules: partial(run, rules=rules) for rules in TARGETS},
            "DuckDB": partial(processor_seconds_of, partial(bare.run, outcomes, data)),
        },
        repetitions,
    )
    how = (
        "10 million outcomes of 1,000 symbols, Parquet, to a committed SQLite run, in the process of the bare queries, "
        "by processor time"
    )
    return [
        ratio(f"full run by {rules} / two queries of an expert in bare DuckDB", seconds, rules, "DuckDB", target, how)
        for rules, target in TARGETS.items()
    ]
