"""A measured figure with its target, and the timing of several ways of doing the same work."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Seconds = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of docs/benchmarks.md. It holds if `value` is at most `target`, or with `at_least` at least.

    `lowest` and `highest` are the spread of the measurements, `how` describes them.
    """

    name: str
    value: float
    lowest: float
    highest: float
    target: float
    how: str
    unit: str = "x"
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self) -> str:
        """Write the figure as a row of the Markdown table that `HEADER` begins."""
        word = "at least" if self.at_least else "at most"
        cells = (
            self.name,
            f"{self.value:.4g} {self.unit} ({self.lowest:.4g} to {self.highest:.4g})",
            f"{word} {self.target:g} {self.unit}",
            "yes" if self.holds else "**no**",
            self.how,
        )
        return f"| {' | '.join(cells)} |"


HEADER = "| figure | median (spread) | target | holds | how it was measured |\n|---|---|---|---|---|"


def alternate(ways: Mapping[str, Callable[[], float]], repetitions: int) -> Seconds:
    """Time each way in turn, `repetitions` times, after one turn that does not count; each returns its seconds.

    In turn, because the speed of a shared machine varies: only neighbouring timings can be compared.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repetitions + 1):
        for name, way in ways.items():
            taken = way()
            if turn > 0:
                seconds[name].append(taken)
    return seconds


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long the work took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds_of(work: Callable[[], object]) -> float:
    """Return how much time of the processors the work took in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ratio(name: str, seconds: Seconds, way: str, to: str, target: float, how: str, *, at_least: bool = False) -> Figure:
    """Compare one way with another: the median of the ratios of neighbouring timings."""
    ratios = [taken / base for taken, base in zip(seconds[way], seconds[to], strict=True)]
    medians = ", ".join(f"{each} {statistics.median(seconds[each]):.3g} s" for each in (way, to))
    return Figure(
        name=name,
        value=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        target=target,
        how=f"{how}; {len(ratios)} times in turn, medians {medians}",
        at_least=at_least,
    )
