"""The outages that a policy detected, how soon, and how soon it recovered."""

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
    """How a policy reacted to one outage, in hours from its start and from its end.

    `hours_to_off` is None if maker first stayed on; `hours_to_recover` is None if it was on at the end, or if the
    candles ended before it came back.
    """

    hours_to_off: float | None
    hours_to_recover: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """All outages that began while maker first was on, and how many of them turned it off.

    Hours are the median, and for the recovery also the 90th percentile; None without a case.
    """

    outage_count: int
    detected_count: int
    hours_to_off: float | None
    hours_to_recover: float | None
    late_hours_to_recover: float | None

    @property
    def detected_share(self) -> float | None:
        """The share of the outages that were detected; None without outages."""
        return self.detected_count / self.outage_count if self.outage_count else None


def sightings(outages: Sequence[Outage], slots_seconds: Integers, is_off: Flags) -> list[Sighting]:
    """Return a sighting of each outage that began while maker first was on; `is_off` is by slot, then by market."""
    result = []
    for outage in outages:
        start, end = np.searchsorted(slots_seconds, (outage.start_seconds, outage.end_seconds))
        off = is_off[:, outage.market]
        if start > 0 and off[start - 1]:
            continue
        result.append(
            Sighting(
                hours_to_off=_hours_until(off[start:end], slots_seconds[start:end], outage.start_seconds),
                hours_to_recover=_hours_until(~off[end:], slots_seconds[end:], outage.end_seconds)
                if end > 0 and off[end - 1]
                else None,
            )
        )
    return result


def false_opening_count(outages: Sequence[Outage], slots_seconds: Integers, is_off: Flags) -> int:
    """Return how often a policy turned off without an outage of its market, during it or in the hour after it.

    `is_off` is by slot, then by market. In that hour the last orders of an outage end.
    """
    opens = is_off.copy()
    opens[1:] &= ~is_off[:-1]
    for outage in outages:
        from_slot = np.searchsorted(slots_seconds, outage.start_seconds)
        to_slot = np.searchsorted(slots_seconds, outage.end_seconds + _HOUR_SECONDS, side="right")
        opens[from_slot:to_slot, outage.market] = False
    return int(opens.sum())


def _hours_until(flags: Flags, slots_seconds: Integers, since_seconds: int) -> float | None:
    if not flags.any():
        return None
    return float(slots_seconds[int(flags.argmax())] - since_seconds) / _HOUR_SECONDS


def detection(all_sightings: Sequence[Sighting]) -> Detection:
    """Sum the sightings up."""
    to_off = [each.hours_to_off for each in all_sightings if each.hours_to_off is not None]
    to_recover = [each.hours_to_recover for each in all_sightings if each.hours_to_recover is not None]
    return Detection(
        outage_count=len(all_sightings),
        detected_count=len(to_off),
        hours_to_off=median(to_off) if to_off else None,
        hours_to_recover=median(to_recover) if to_recover else None,
        late_hours_to_recover=float(np.quantile(to_recover, _LATE)) if to_recover else None,
    )
