"""The overview: tiles, and every symbol's health as a row of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from markupsafe import Markup

from console.web.banner import Banner, banner_of
from console.web.order_figures import CostSum, read_order_figures
from console.web.pages.saving_view import saving_tile
from console.web.pages.sparkline import LastDay, Stretch, in_words, stretches
from console.web.pages.tiles import Tile, figure_tiles, policy_tiles
from console.web.policy_cache import LatestPolicies, PolicyCache, tag_of
from policy.experiment.saving_figure import ALL_SYMBOLS
from policy.freshness import Status
from policy.health import ExecutionHealth
from storage.read.savings import known_savings

# The strip of the page shows these for all symbols at once: they have one slot.
_SHOWN_BY_STRIP = {f"policy_{status}" for status in (Status.STALE, Status.EXPIRED, Status.CLOCK_SKEW)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One symbol of the table, the worst first, with its last day as a picture.

    `warnings` leave out how old the policy is. `cost` is that of seven days' orders, None without any.
    """

    health: ExecutionHealth
    warnings: Sequence[str]
    cost: CostSum | None
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
        wanted = tag_of(newest.tag, banner.status, banner.figures_at)
        with self._lock:
            if self._kept is None or self._kept[0] != wanted:
                self._kept = (wanted, self._render(newest, render))
            content = self._kept[1]
        return OverviewView(tag=tag_of(wanted, banner.tag), banner=banner, content=content)

    def _render(
        self, newest: LatestPolicies, render: Callable[[Sequence[Tile], Sequence[OverviewRow]], Markup]
    ) -> Markup:
        with self.cache.store.reading() as connection:
            end = newest.slot or newest.now
            steps = self._last_day.read(connection, self.cache.scope, end)
            figures = read_order_figures(connection, self.cache.scope)
            known = known_savings(connection, self.cache.scope, symbol=ALL_SYMBOLS)
        costs = figures.costs_of_symbols()
        rows = [
            _row(health, costs.get(health.symbol), stretches(health.symbol, steps))
            for health in self.cache.healths(newest)
        ]
        cost_tile, drift_tile = figure_tiles(figures)
        return render((*policy_tiles(newest), cost_tile, saving_tile(known, newest.slot), drift_tile), rows)


def _row(health: ExecutionHealth, cost: CostSum | None, day: Sequence[Stretch]) -> OverviewRow:
    warnings = [warning.message for warning in health.warnings if warning.code not in _SHOWN_BY_STRIP]
    return OverviewRow(health=health, warnings=warnings, cost=cost, day=day, day_words=in_words(day))
