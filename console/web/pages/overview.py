"""The overview: every symbol's health as a row of a table, and in words how fresh the whole is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from markupsafe import Markup

from console.terminal.text import iso
from console.web.pages.sparkline import LastDay, Stretch, in_words, stretches
from console.web.policy_cache import LatestPolicies, PolicyCache, tag_of
from console.web.responses import reading
from policy.freshness import Freshness, Status
from policy.health import ExecutionHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One symbol of the table, with its day."""

    health: ExecutionHealth
    day: Sequence[Stretch]
    day_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """How fresh the whole is, in words; `status` gives it its colour."""

    status: Status
    text: str
    slot: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """The overview as it stands: `tag` changes when anything in it but an age does."""

    tag: str
    banner: Banner
    table: Markup


@dataclass(slots=True, kw_only=True)
class Overview:
    """Makes the overview, once for each version of the policies; threads may share it.

    The table is kept, since fifty pages that are open ask for it in the moment in which a run is published.
    """

    desk: PolicyCache
    _last_day: LastDay = field(default_factory=LastDay, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _kept: tuple[str, Markup] | None = field(default=None, init=False)

    def show(self, newest: LatestPolicies, make_table: Callable[[Sequence[Row]], Markup]) -> OverviewView:
        """Return the overview; `make_table` lays the rows out. Raises as the store does."""
        freshness = self.desk.freshness(newest.slot, newest.now)
        banner = banner_of(self.desk, freshness, newest.now)
        wanted = tag_of(newest.tag, freshness.status)
        with self._lock:
            if self._kept is None or self._kept[0] != wanted:
                self._kept = (wanted, make_table(self.rows(newest)))
            table = self._kept[1]
        return OverviewView(tag=tag_of(wanted, banner.text), banner=banner, table=table)

    def rows(self, newest: LatestPolicies) -> list[Row]:
        """Return a row for every symbol, the worst first."""
        with reading(self.desk) as connection:
            end = newest.slot or newest.now
            steps = self._last_day.read(connection, self.desk.scope, end)
        return [_row(one, stretches(one.symbol, steps)) for one in self.desk.healths(newest)]


def _row(health: ExecutionHealth, day: Sequence[Stretch]) -> Row:
    return Row(health=health, day=day, day_words=in_words(day))


def banner_of(desk: PolicyCache, freshness: Freshness, now: datetime) -> Banner:
    """Say how fresh the policies are, and what to do where they are not."""
    return Banner(status=freshness.status, text=_said(desk, freshness, now), slot=freshness.slot, now=now)


def _said(desk: PolicyCache, freshness: Freshness, now: datetime) -> str:
    if freshness.slot is None or freshness.age_seconds is None:
        return "No run yet. router-policy once computes one now, router-policy run computes each when it is due."
    slot = f"the newest slot is {iso(freshness.slot)}"
    if freshness.status is Status.FRESH:
        due = desk.slots.next(max(now, freshness.slot))
        return f"Fresh: {slot}; the next is due at {iso(due)}."
    if freshness.status is Status.CLOCK_SKEW:
        return f"Clock skew: {slot}, which lies ahead of now. A clock is wrong, and no age can be told."
    stale_at, expired_at = desk.bounds(freshness.slot)
    if freshness.status is Status.STALE:
        return (
            f"Stale since {iso(stale_at)}: {slot}. Is router-policy run at work? Runs and gaps are listed under Runs."
        )
    return f"Expired since {iso(expired_at)}: {slot}. Routers go by their own choice now. Start router-policy run."
