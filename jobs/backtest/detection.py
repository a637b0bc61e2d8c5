"""Which outages a policy saw, how soon, and how soon it came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from jobs.backtest.arrays import Flags, Integers
from jobs.backtest.outages import Outage

_HOUR_SECONDS = 3600
_LATE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a policy did about one outage; hours from its start and from its end.

    `hours_to_off` is None where maker first stayed on, `hours_to_recover` where it was on at the end or the candles
    ended before it came back.
    """

    hours_to_off: float | None
    hours_to_recover: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """All outages together: those that began while maker first was on, and how many of these turned it off.

    Hours are the median, and for the way back also what 9 of 10 stay below; None where there is nothing to tell.
    """

    outage_count: int
    detected_count: int
    hours_to_off: float | None
    hours_to_recover: float | None
    late_hours_to_recover: float | None

    @property
    def detected_share(self) -> float | None:
        """How many of the outages were seen; None where there was none to see."""
        return self.detected_count / self.outage_count if self.outage_count else None


def sightings(outages: Sequence[Outage], slots_seconds: Integers, is_off: Flags) -> list[Sighting]:
    """Look at each outage that began while maker first was on; `is_off` is by slot, then by market."""
    found = []
    for one in outages:
        start, end = np.searchsorted(slots_seconds, (one.start_seconds, one.end_seconds))
        off = is_off[:, one.market]
        if start > 0 and off[start - 1]:
            continue
        found.append(
            Sighting(
                hours_to_off=_hours_until(off[start:end], slots_seconds[start:end], one.start_seconds),
                hours_to_recover=_hours_until(~off[end:], slots_seconds[end:], one.end_seconds)
                if end > 0 and off[end - 1]
                else None,
            )
        )
    return found


def _hours_until(is_so: Flags, slots_seconds: Integers, since_seconds: int) -> float | None:
    if not is_so.any():
        return None
    return float(slots_seconds[int(is_so.argmax())] - since_seconds) / _HOUR_SECONDS


def detection(found: Sequence[Sighting]) -> Detection:
    """Sum up what was seen."""
    to_off = [one.hours_to_off for one in found if one.hours_to_off is not None]
    to_recover = [one.hours_to_recover for one in found if one.hours_to_recover is not None]
    return Detection(
        outage_count=len(found),
        detected_count=len(to_off),
        hours_to_off=median(to_off) if to_off else None,
        hours_to_recover=median(to_recover) if to_recover else None,
        late_hours_to_recover=float(np.quantile(to_recover, _LATE)) if to_recover else None,
    )
