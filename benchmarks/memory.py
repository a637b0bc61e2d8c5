"""The peak memory of a process with a single run over 10 million outcomes as Parquet."""

import resource
import sys

from benchmarks import ours
from benchmarks.data import Data
from benchmarks.figure import Figure
from jobs.plan import OrdersKind

TARGET_MB = 600
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


def figures(data: Data, repetitions: int = 1) -> list[Figure]:  # noqa: ARG001 - a peak is reached the first time
    """Run once in this process, which must be fresh, and read its peak memory."""
    ours.run(data.orders, OrdersKind.CANONICAL, data)
    peak = peak_mb()
    how = "the same run alone in a fresh process: its largest resident set (ru_maxrss)"
    return [Figure(name="peak memory", value=peak, lowest=peak, highest=peak, target=TARGET_MB, how=how, unit="MB")]


def peak_mb() -> float:
    """Return the largest resident set of this process so far, in millions of bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES / 1e6
