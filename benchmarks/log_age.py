"""A run over a week of an order log with ten older weeks, in rotated files or in the same file, against one without."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import ours
from benchmarks.data import FEW_SYMBOLS, Data
from benchmarks.figure import Figure, alternate, processor_seconds_of, ratio
from jobs.sources.file_scan import SETTLED_AFTER_SECONDS

REPETITIONS = 7
OLDER_WEEKS = 10
TARGETS = {"older rotated files": 1.1, "one file grown to ten times": 1.3}
_WEEK_SECONDS = 7 * 24 * 3600
_TIME = re.compile(rb'"ts":([0-9]+)')
_NEW_LINES = 100


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time committed runs; before each, the bot writes some lines more."""
    with _logs(data.short_log) as logs:
        time.sleep(SETTLED_AFTER_SECONDS + 1)  # as no bot rotates its log before each run
        seconds = alternate({name: partial(_run, path, data) for name, path in logs.items()}, repetitions)
    how = (
        f"100,000 lines of a week, {OLDER_WEEKS} older weeks in rotated files or {OLDER_WEEKS - 1} in the same file, "
        f"to a committed SQLite run, by processor time; {_NEW_LINES} lines are new in each run"
    )
    return [
        ratio(f"a run with {name} / without", seconds, name, "a week", target, how) for name, target in TARGETS.items()
    ]


def _run(log: Path, data: Data) -> float:
    with log.open("ab") as file, data.short_log.open("rb") as lines:
        ids = b'"after-%d-' % log.stat().st_size
        file.writelines(line.replace(b'"sig_', ids) for line in islice(lines, _NEW_LINES))
    plan = ours.of_few_symbols(log.with_name("order_metrics*.jsonl"), data)
    return ours.run_plan(plan, symbol_count=FEW_SYMBOLS, timed=processor_seconds_of)


@contextmanager
def _logs(week: Path) -> Iterator[Mapping[str, Path]]:
    """Make the logs, each in a folder of its own, and return the file that the bot writes of each."""
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        logs = {name: Path(folder) / name / "order_metrics.jsonl" for name in ("a week", *TARGETS)}
        for log in logs.values():
            log.parent.mkdir()
        rotated, grown = (logs[name] for name in TARGETS)
        older = [partial(_lines_before, week, weeks) for weeks in range(OLDER_WEEKS, 0, -1)]
        for number, lines in enumerate(older):
            with rotated.with_name(f"{rotated.name}.{OLDER_WEEKS - number}").open("wb") as file:
                file.writelines(lines())
            if number > 0:  # with the week of the window, it has ten times that week
                with grown.open("ab") as file:
                    file.writelines(lines())
        for log in logs.values():
            with log.open("ab") as file:
                file.writelines(_lines_before(week, 0))
        yield logs


def _lines_before(week: Path, weeks: int) -> Iterator[bytes]:
    """Return the lines of a week as of some weeks earlier."""

    def earlier(seconds: re.Match[bytes]) -> bytes:
        return b'"ts":%d' % (int(seconds[1]) - weeks * _WEEK_SECONDS)

    with week.open("rb") as lines:
        for line in lines:
            yield _TIME.sub(earlier, line)
