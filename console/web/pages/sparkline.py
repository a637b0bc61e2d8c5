"""A small picture of one symbol's quality over the last day: stretches of one colour, and the same in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from sys import intern

from policy.enums import Quality
from storage.read.time_series import qualities_of_run, slots_of_runs
from storage.store import Connection

SHOWN_SPAN = timedelta(hours=24)
STEP_COUNT = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """So many steps of one quality, from a step on; None: no policy then."""

    start: int
    length: int
    quality: Quality | None


@dataclass(slots=True)
class LastDay:
    """The quality of every symbol at the last run of each half hour. A run never changes, so each is read once."""

    _by_run: dict[int, Mapping[str, Quality]] = field(default_factory=dict, init=False)

    def read(self, connection: Connection, scope: str, end: datetime) -> Sequence[Mapping[str, Quality]]:
        """Return the qualities by symbol, a step each, oldest first, up to the run of the slot `end`.

        A step without a run has what was in force: the run before.
        """
        runs = _run_of_each_step(slots_of_runs(connection, scope, end - SHOWN_SPAN), end)
        wanted = {run_id for run_id in runs if run_id is not None}
        self._by_run = {run_id: self._qualities(connection, run_id) for run_id in wanted}
        nothing: Mapping[str, Quality] = {}
        return [self._by_run[run_id] if run_id is not None else nothing for run_id in runs]

    def _qualities(self, connection: Connection, run_id: int) -> Mapping[str, Quality]:
        known = self._by_run.get(run_id)
        if known is not None:
            return known
        return {intern(symbol): quality for symbol, quality in qualities_of_run(connection, run_id).items()}


def _run_of_each_step(runs: Sequence[tuple[int, datetime]], end: datetime) -> list[int | None]:
    """Return the number of the newest run by the end of each step, None before the first."""
    step = SHOWN_SPAN / STEP_COUNT
    newest_runs: list[int | None] = []
    index, newest = 0, None
    for moment in (end - back * step for back in reversed(range(STEP_COUNT))):
        while index < len(runs) and runs[index][1] <= moment:
            newest = runs[index][0]
            index += 1
        newest_runs.append(newest)
    return newest_runs


def stretches(symbol: str, steps: Sequence[Mapping[str, Quality]]) -> list[Stretch]:
    """Return one symbol's day as stretches of equal quality, oldest first."""
    day, start = [], 0
    for quality, group in groupby(step.get(symbol) for step in steps):
        length = len(list(group))
        day.append(Stretch(start=start, length=length, quality=quality))
        start += length
    return day


def in_words(day: Sequence[Stretch]) -> str:
    """Return a day as text for screen readers: each quality with its hours, in order."""
    hours = SHOWN_SPAN.total_seconds() / 3600 / STEP_COUNT
    return ", ".join(f"{stretch.quality or 'no policy'} {stretch.length * hours:g} h" for stretch in day)
