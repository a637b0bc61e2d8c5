"""A small picture of one symbol's quality over the last day: stretches of one colour, and the same in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from sys import intern

from sqlalchemy import Connection

from storage.read.time_series import qualities_of_run, slots_of_runs

SPAN = timedelta(hours=24)
STEP_COUNT = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """So many steps of one quality, from a step on; None: no policy then."""

    start: int
    length: int
    quality: str | None


@dataclass(slots=True)
class LastDay:
    """The quality of every symbol at the last run of each half hour. A run never changes, so each is read once."""

    _by_run: dict[int, Mapping[str, str]] = field(default_factory=dict, init=False)

    def read(self, connection: Connection, scope: str, end: datetime) -> Sequence[Mapping[str, str]]:
        """Return the qualities by symbol, a step each, oldest first, up to the run of the slot `end`.

        A step without a run has what was in force: the run before.
        """
        runs = _one_a_step(slots_of_runs(connection, scope, end - SPAN), end)
        wanted = {run_id for run_id in runs if run_id is not None}
        self._by_run = {run_id: self._qualities(connection, run_id) for run_id in wanted}
        nothing: Mapping[str, str] = {}
        return [self._by_run[run_id] if run_id is not None else nothing for run_id in runs]

    def _qualities(self, connection: Connection, run_id: int) -> Mapping[str, str]:
        known = self._by_run.get(run_id)
        if known is not None:
            return known
        found = qualities_of_run(connection, run_id)
        return {intern(symbol): intern(quality) for symbol, quality in found.items()}


def _one_a_step(runs: Sequence[tuple[int, datetime]], end: datetime) -> list[int | None]:
    """Return the number of the newest run by the end of each step, None before the first."""
    step = SPAN / STEP_COUNT
    ends = [end - back * step for back in reversed(range(STEP_COUNT))]
    found: list[int | None] = []
    place, newest = 0, None
    for moment in ends:
        while place < len(runs) and runs[place][1] <= moment:
            newest = runs[place][0]
            place += 1
        found.append(newest)
    return found


def stretches(symbol: str, steps: Sequence[Mapping[str, str]]) -> list[Stretch]:
    """Return one symbol's day as stretches of equal quality, oldest first."""
    found, start = [], 0
    for quality, same in groupby(one.get(symbol) for one in steps):
        length = len(list(same))
        found.append(Stretch(start=start, length=length, quality=quality))
        start += length
    return found


def in_words(day: Sequence[Stretch]) -> str:
    """Say a day for who cannot see it: each quality with its hours, in order."""
    hours = SPAN.total_seconds() / 3600 / STEP_COUNT
    return ", ".join(f"{one.quality or 'no policy'} {one.length * hours:g} h" for one in day)
