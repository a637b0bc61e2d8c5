"""A whole run with two shadow rule sets against the same run with none."""

from functools import partial

from benchmarks import ours
from benchmarks.data import Data
from benchmarks.figure import Figure, alternate, ratio
from jobs.plan import OrdersKind
from policy.rules import rule_set

REPETITIONS = 5
TARGET = 1.2
SHADOWS = (rule_set("breaker"), rule_set("breaker:calm", {"low_variance": True}))


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a committed run by the seed's rules with and without the breaker and a variant of it as shadows."""
    seconds = alternate(
        {
            "with two": partial(ours.run, data.orders, OrdersKind.CANONICAL, data, SHADOWS),
            "with none": partial(ours.run, data.orders, OrdersKind.CANONICAL, data),
        },
        repetitions,
    )
    how = "10 million outcomes of 1,000 symbols, Parquet, to a committed SQLite run; both shadows are new to the store"
    return [ratio("run with two shadows / with none", seconds, "with two", "with none", TARGET, how)]
