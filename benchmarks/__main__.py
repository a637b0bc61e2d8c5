"""`python -m benchmarks [NAME ...] [--check]`: measures the figures of docs/benchmarks.md and prints their table.

`python -m benchmarks routing` compares rule sets, those of other packages as well.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from benchmarks import data
from benchmarks.figure import HEADER
from benchmarks.measure import figures_of

NAMES = (
    "full_run",
    "memory",
    "many_symbols",
    "data_frames",
    "json_lines",
    "log_age",
    "start_up",
    "backfill",
    "history",
    "shadows",
    "spark",
    "breaker_replay",
    "policy_reader",
    "console",
    "backtest",
    "measured",
)
Result = TypeVar("Result")


def main() -> int:
    """Return the exit code: 1 if a target is missed and `--check` is given, else 0."""
    if sys.argv[1:2] == ["routing"]:
        from benchmarks import routing  # not in the processes of the other benchmarks

        routing.main(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--repetitions", type=int, help="how often to time each, instead of its default")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        os.environ["CACHE_DIRECTORY"] = folder
        return _measure(arguments)


def _measure(arguments: argparse.Namespace) -> int:
    test_data = _in_fresh_process(data.make)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n\n{HEADER}", flush=True)
    all_hold = True
    for name in arguments.names or NAMES:
        for figure in _in_fresh_process(figures_of, name, test_data, arguments.repetitions):
            print(figure.row(), flush=True)
            all_hold &= figure.holds
    return 1 if arguments.check and not all_hold else 0


def _in_fresh_process(work: Callable[..., Result], *arguments: object) -> Result:
    """Run the work so that no benchmark inherits the memory, the imports or the threads of another."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


if __name__ == "__main__":
    sys.exit(main())
