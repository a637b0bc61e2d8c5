"""The overview: tiles, and every symbol's health as a row of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from markupsafe import Markup

from console.web.banner import Banner, banner_of
from console.web.pages.saving_view import saving_tile
from console.web.pages.sparkline import LastDay, Stretch, in_words, stretches
from console.web.pages.tiles import Tile, policy_tiles
from console.web.policy_cache import LatestPolicies, PolicyCache, tag_of
from policy.freshness import Status
from policy.health import ExecutionHealth
from storage.read.savings import known_savings

# The strip of the page shows these for all symbols at once: they have one slot.
_SHOWN_BY_STRIP = {f"policy_{status}" for status in (Status.STALE, Status.EXPIRED, Status.CLOCK_SKEW)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One symbol of the table, with its day; `warnings` leave out how old the policy is."""

    health: ExecutionHealth
    warnings: Sequence[str]
    day: Sequence[Stretch]
    day_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """The overview as it stands: `tag` changes when anything in it but what follows from time does."""

    tag: str
    banner: Banner
    content: Markup


@dataclass(slots=True, kw_only=True)
class Overview:
    """Renders the overview once for each version of the policies; threads may share it.

    What was rendered is kept: when a run is published, every open page asks for it at once.
    """

    cache: PolicyCache
    _last_day: LastDay = field(default_factory=LastDay, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _kept: tuple[str, Markup] | None = field(default=None, init=False)

    def show(
        self, newest: LatestPolicies, render: Callable[[Sequence[Tile], Sequence[OverviewRow]], Markup]
    ) -> OverviewView:
        """Return the overview; `render` lays tiles and rows out. Raises as the store does."""
        banner = banner_of(self.cache, newest)
        wanted = tag_of(newest.tag, banner.status)
        with self._lock:
            if self._kept is None or self._kept[0] != wanted:
                self._kept = (wanted, render(self._tiles(newest), self.rows(newest)))
            content = self._kept[1]
        return OverviewView(tag=tag_of(wanted, banner.tag), banner=banner, content=content)

    def _tiles(self, newest: LatestPolicies) -> Sequence[Tile]:
        with self.cache.store.reading() as connection:
            known = known_savings(connection, self.cache.scope)
        return (*policy_tiles(newest), saving_tile(known, newest.slot))

    def rows(self, newest: LatestPolicies) -> list[OverviewRow]:
        """Return a row for every symbol, the worst first."""
        with self.cache.store.reading() as connection:
            end = newest.slot or newest.now
            steps = self._last_day.read(connection, self.cache.scope, end)
        return [_row(health, stretches(health.symbol, steps)) for health in self.cache.healths(newest)]


def _row(health: ExecutionHealth, day: Sequence[Stretch]) -> OverviewRow:
    warnings = [warning.message for warning in health.warnings if warning.code not in _SHOWN_BY_STRIP]
    return OverviewRow(health=health, warnings=warnings, day=day, day_words=in_words(day))
