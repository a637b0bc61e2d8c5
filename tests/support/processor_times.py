"""How much processor time each test takes, with that of the processes which it starts and waits for.

Servers that outlive a test, such as its Postgres, are not in it. What several tests share counts for the first of them.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter

import pytest

OPTION = "--processor-times"
_PROPERTY = "processor_seconds"


class ProcessorTimes:
    """A pytest plugin that lists the files and the tests that took the most processor time at the end."""

    def __init__(self, listed: int) -> None:
        """`listed` is how many files and how many tests are shown."""
        self._listed = listed
        self._counted_until = 0.0
        self._seconds_of_test: dict[str, float] = defaultdict(float)

    def pytest_runtest_logstart(self) -> None:
        """Start with the set-up of a test: what lies between two tests belongs to neither."""
        self._counted_until = _processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Write the time of a set-up, a call or a teardown into its report, which xdist takes to the first process."""
        now = _processor_seconds()
        item.user_properties.append((_PROPERTY, now - self._counted_until))
        self._counted_until = now
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up a test: the report of its teardown has all three times."""
        if report.when == "teardown":
            seconds = (value for name, value in report.user_properties if name == _PROPERTY)
            self._seconds_of_test[report.nodeid] += sum(map(float, map(str, seconds)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the dearest files and tests, in seconds of processor time."""
        seconds_of_file: dict[str, float] = defaultdict(float)
        for test, seconds in self._seconds_of_test.items():
            seconds_of_file[test.partition("::")[0]] += seconds
        terminalreporter.section(f"processor time: {sum(seconds_of_file.values()):.1f} s")
        for counted in (seconds_of_file, self._seconds_of_test):
            for name, seconds in sorted(counted.items(), key=itemgetter(1), reverse=True)[: self._listed]:
                terminalreporter.write_line(f"{seconds:8.2f} s  {name}")


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
