"""A whole run on a Spark Connect server against the same run on DuckDB, by the clock.

The server must reach this machine's files, so it runs here; SPARK_REMOTE names it. A server that has just started is
slower for some runs, until its Java machine has compiled what they use, so the first turn does not count.
"""

import os
import sys
from dataclasses import replace
from functools import partial

from benchmarks import ours
from benchmarks.data import SYMBOLS, Data
from benchmarks.figure import Figure, Seconds, alternate, ratio
from jobs.engines.errors import EngineError
from jobs.engines.spark_session import spark_session
from jobs.plan import EngineChoice, EngineKind, OrdersKind

REPETITIONS = 3
TARGET = 3.0
RULE_SETS = ("seed", "breaker")
_REMOTE = os.environ.get("SPARK_REMOTE", "sc://127.0.0.1:15002")


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a committed run by each rule set on both engines; no figure, and a line that says so, without a server."""
    try:
        with spark_session(_REMOTE) as session:
            version = session.version
    except EngineError as error:
        print(f"spark: not measured, since {error} (SPARK_REMOTE names another server)", file=sys.stderr)
        return []
    how = f"10 million outcomes of 1,000 symbols, Parquet, to a committed SQLite run, Spark {version}, by the clock"
    return [_figure(rules, _seconds(rules, data, repetitions), how) for rules in RULE_SETS]


def _seconds(rules: str, data: Data, repetitions: int) -> Seconds:
    plan = ours.plan(data.orders, OrdersKind.CANONICAL, data, rules=rules)
    on_spark = replace(plan, engine=EngineChoice(kind=EngineKind.SPARK, remote=_REMOTE))
    run = partial(ours.run_plan, symbol_count=SYMBOLS)
    return alternate({"Spark": partial(run, on_spark), "DuckDB": partial(run, plan)}, repetitions)


def _figure(rules: str, seconds: Seconds, how: str) -> Figure:
    return ratio(f"a run by {rules} on Spark / on DuckDB", seconds, "Spark", "DuckDB", TARGET, how)
