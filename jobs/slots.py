"""Slots: the times in UTC at which a run is due, from a cron expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import CroniterBadDateError, croniter

from policy.errors import RouterPolicyError

_WORDS = re.compile(r"(?i)jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_RANGE = re.compile(r"(?i)(?<![a-z0-9])([a-z]+|[0-9]+)-([a-z]+|[0-9]+)")
_FIELDS = re.compile(r"[0-9*/,\-? L#]+")


class CronError(RouterPolicyError, ValueError):
    """A cron expression that is not valid, or that has no slot at all."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of a cron expression: five fields, or six with the seconds last; day 0 of the week is Sunday.

    Raises CronError for any other text, for the letters that stand for a random time, for a range of one value, as
    9-9, and for a day that does not exist, as February 30.
    """

    cron: str

    def __post_init__(self) -> None:
        fields = self.cron.split()
        plain = _FIELDS.fullmatch(_WORDS.sub("0", self.cron)) is not None
        if len(fields) not in (5, 6) or not plain or not croniter.is_valid(self.cron):
            raise CronError(
                f"schedule.cron: {self.cron!r} is not a valid cron expression; write minute hour day month weekday, as "
                "in */15 * * * *, or six with the seconds last"
            )
        for span in _RANGE.finditer(self.cron):
            if _is_one_value(span[1], span[2]):
                raise CronError(f"schedule.cron: {self.cron!r} has a range of one value, {span[0]}; write {span[1]}")
        try:
            self.next(_ANY_TIME)
        except CroniterBadDateError:
            raise CronError(
                f"schedule.cron: {self.cron!r} has no slot; name a day that its months have, as in */15 * * * *"
            ) from None

    def newest(self, at: datetime) -> datetime:
        """Return the newest slot at or before a time."""
        slot: datetime = self._from(at.replace(microsecond=0) + timedelta(seconds=1)).get_prev(datetime)
        return slot

    def next(self, at: datetime) -> datetime:
        """Return the first slot after a time."""
        slot: datetime = self._from(at).get_next(datetime)
        return slot

    def between(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """Yield the slots with `after < slot < before`, oldest first."""
        times = self._from(after)
        while (slot := times.get_next(datetime)) < before:
            yield slot

    def following(self, at: datetime, count: int) -> list[datetime]:
        """Return the first `count` slots after a time, oldest first."""
        times = self._from(at)
        return [times.get_next(datetime) for _ in range(count)]

    def _from(self, at: datetime) -> croniter:
        return croniter(self.cron, at.astimezone(UTC))


def _is_one_value(first: str, last: str) -> bool:
    """Return whether a range has one value only: croniter would take all values for it."""
    if first.isdigit() and last.isdigit():
        return int(first) == int(last)
    return first.lower() == last.lower()
