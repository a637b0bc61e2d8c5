"""A backfill of 480 slots against as many single runs, over a log of 100,000 lines."""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import ours
from benchmarks.data import AS_OF, BAR_INTERVAL, FEW_SYMBOLS, Data
from benchmarks.figure import Figure, alternate, ratio
from jobs.plan import Plan
from jobs.run.backfill import backfill
from storage.store import Store

REPETITIONS = 5
TARGET = 20.0
SLOTS = 480
SINGLE_RUNS = 16
_LEASE = timedelta(minutes=10)


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a backfill, and some of its slots as backfills of their own, which read the sources again."""
    seconds = alternate(
        {
            "single runs": lambda: (
                _seconds(ours.of_few_symbols(data.short_log, data), SINGLE_RUNS, at_once=1) * SLOTS / SINGLE_RUNS
            ),
            "backfill": partial(_seconds, ours.of_few_symbols(data.short_log, data), SLOTS, at_once=SLOTS),
        },
        repetitions,
    )
    how = (
        f"100,000 lines of an order log and the candles of {FEW_SYMBOLS} symbols, to committed SQLite runs, by "
        f"processor time; {SINGLE_RUNS} single runs count for {SLOTS}"
    )
    name = f"loop of single runs / backfill, {SLOTS} slots"
    return [ratio(name, seconds, "single runs", "backfill", TARGET, how, at_least=True)]


def _seconds(plan: Plan, slot_count: int, at_once: int) -> float:
    """Return the processor time of the newest slots of a fresh store, in backfills of `at_once` slots."""
    slots = [AS_OF - back * BAR_INTERVAL for back in reversed(range(slot_count))]
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        url = f"sqlite:///{Path(folder)}/store.db"
        with Store(url) as store:
            store.set_up()
            start = time.process_time()
            for first in range(0, slot_count, at_once):
                for filled in backfill(plan, store, url, slots[first : first + at_once], _LEASE):
                    assert filled.run is not None
                    assert filled.run.symbol_count == FEW_SYMBOLS
            return time.process_time() - start
