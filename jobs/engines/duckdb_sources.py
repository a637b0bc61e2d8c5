"""The sources of a plan in a DuckDB connection: loaded once for many windows, or anew for each that has other rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from jobs.engines.duckdb_candles import CANDLES_IN_WINDOW, load_candles
from jobs.engines.duckdb_tables import (
    ORDERS_IN_WINDOW,
    bar_bounds,
    bar_bounds_of_orders,
    copy_orders,
    has_orders_to_check,
    limit_threads,
    outcome_bounds,
    view_orders,
    widest,
)
from jobs.plan import CandlesSource, Plan
from jobs.sources.blocks import TimeRange
from jobs.sources.candles import read_candles
from jobs.sources.numbered import numbered_once
from jobs.sources.orders import read_orders
from jobs.sources.relation import Relation
from policy.window import Window


@dataclass(slots=True, kw_only=True)
class LoadedSources:
    """The sources that are loaded: `orders` and `candles` are None until they are. `timeless_order_counts` has by
    reason the rows of orders without a time, which count in every window. With `needs_bars_of_orders`, candles also
    have the bars in which orders of the windows rested.

    `windows` are those for which the sources may be asked, at least one; `folder` is for temporary files. Raises
    SourceError if a source cannot be used.
    """

    connection: duckdb.DuckDBPyConnection
    folder: Path
    plan: Plan
    windows: Sequence[Window]
    orders: Relation | None = None
    candles: Relation | None = None
    timeless_order_counts: Mapping[str, int] = field(default_factory=dict)
    needs_bars_of_orders: bool = False

    def load_orders(self, window: Window) -> Relation:
        """Make `order_row` and its views of the orders, unless it has this window's; return where they come from."""
        source = self.plan.orders
        if self.orders is None or source.depends_on_window:
            windows = [window] if source.depends_on_window else self.windows
            loaded = [*map(self.plan.loaded_window, windows)]
            bounds = widest(map(outcome_bounds, loaded), "window_start", "as_of")
            loaded_window, wanted = self.plan.loaded_window(window), TimeRange.of(*loaded)
            orders = read_orders(self.connection, source, loaded_window, self.folder, wanted)
            copy_orders(self.connection, orders, source, bounds, is_for_one_window=len(windows) == 1)
            view_orders(self.connection, source)
            if len(windows) > 1:
                replaced = "select * from order_row where superseded_at is not null"
                orders = numbered_once(
                    self.connection, "orders", orders, "order_row", ORDERS_IN_WINDOW, bounds, replaced, "duplicate_id"
                )
                limit_threads(self.connection, "order_row")
            timeless = "select reason, count(*) from order_row where ts is null group by reason"
            self.timeless_order_counts = dict(self.connection.execute(timeless).fetchall())
            self.orders = orders
            self.needs_bars_of_orders = self._needs_bars(windows)
        return self.orders

    def _needs_bars(self, windows: Sequence[Window]) -> bool:
        """Return whether a rule set asks what the market did at an order's price, and only bars can show it of one."""
        candles = self.plan.candles
        if candles is None or not any(rules.outage_parameters for rules in self.plan.rule_sets_with_state):
            return False
        bounds = widest(map(outcome_bounds, windows), "window_start", "as_of")
        return has_orders_to_check(self.connection, candles.interval, bounds)

    def load_candles(self, source: CandlesSource, window: Window) -> Relation:
        """Make `candle_event` and `candle`, unless they have this window's bars, and return where they come from."""
        if self.candles is None or source.depends_on_window:
            windows = [window] if source.depends_on_window else self.windows
            of_windows = [*map(bar_bounds, windows)]
            if self.needs_bars_of_orders:
                of_windows += [bar_bounds_of_orders(each) for each in windows]
            bounds = widest(of_windows, "first_bar_open", "last_bar_open")
            candles = read_candles(self.connection, source, window, self.folder)
            load_candles(self.connection, candles, source.interval, bounds)
            if len(windows) > 1:
                repeated = "select * from candle_event where reason = 'duplicate_bar'"
                candles = numbered_once(
                    self.connection,
                    "candles",
                    candles,
                    "candle_event",
                    CANDLES_IN_WINDOW,
                    bounds,
                    repeated,
                    "duplicate_bar",
                )
            self.candles = candles
        return self.candles
