"""What `measure` asks of an engine, and the parameters of the metric queries."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from jobs.plan import CandlesSource
from policy.reject import Reject
from policy.window import Window

MetricRow = Mapping[str, Any]
QueryParameters = Mapping[str, datetime | float | str]
# A row of `breaker_state`: the symbol, then STATE_TIMES, each in UTC with its zone, or None.
StateRow = tuple[str, *tuple[datetime | None, ...]]
STATE_TIMES = ("opened_at", "restarted_at", "pool_opened_at", "pool_restarted_at")
# A row of `open_period`: the symbol, None for the scope's breaker, and when it opened and closed, in UTC with its zone.
PeriodRow = tuple[str | None, datetime, datetime]
# A row of `maker_total`: the symbol, its maker orders in the window, and how many of them filled.
TotalRow = tuple[str, int, int]


class Engine(Protocol):
    """An engine that is open at one window of a plan; `measure` calls its steps in the order in which they stand.

    Times go in as UTC with their zone; times of rows come out as UTC, with or without it. Every step raises SourceError
    if a source cannot be used, and the engine's own error if it fails: whoever opened the engine turns that into an
    EngineError.
    """

    @property
    def name(self) -> str:
        """The engine and its version, as a run records it."""
        ...

    def load_orders(self) -> Mapping[str, object]:
        """Make `order_outcome` and `closed_outcome` of the plan's orders, and return the description of the source."""
        ...

    def measure_orders(self) -> tuple[list[MetricRow], list[Reject]]:
        """Run the effectiveness query; return its rows, and the rejected orders counted by reason.

        One step, so that an engine may count both in one pass over the log.
        """
        ...

    def rows(self, query: str, parameters: QueryParameters) -> list[MetricRow]:
        """Run a metric query over the tables that are loaded, and return its rows by column."""
        ...

    def load_maker_orders(self, totals: Sequence[TotalRow], interval: timedelta | None) -> None:
        """Make `maker_order` of the orders that started as maker, and `maker_total` of these rows.

        `interval` is that of the candles, which are loaded, if they show what the market did at an order's price.
        """
        ...

    def load_breaker_states(self, states: Sequence[StateRow]) -> None:
        """Make `breaker_state` of these rows, in place of the one before."""
        ...

    def load_open_periods(self, periods: Sequence[PeriodRow]) -> None:
        """Make `open_period` of these rows, in place of the one before."""
        ...

    def load_asked_symbols(self, symbols: Sequence[str]) -> None:
        """Make `asked_symbol` of these symbols, which a query of some markets is for."""
        ...

    def load_candles(self, source: CandlesSource) -> tuple[Mapping[str, object], list[Reject]]:
        """Make `candle` of the usable bars of the window, each once; also of earlier bars that show what orders met.

        Return the description of the source, and the rejected bars counted by reason.
        """
        ...


# Opens an engine at a window until the block ends.
EngineAt = Callable[[Window], AbstractContextManager[Engine]]


def outcome_parameters(window: Window) -> dict[str, datetime]:
    """Return the parameters of a query over the outcomes of a window: `window_start` inclusive, `as_of` exclusive."""
    return {"window_start": window.start, "as_of": window.as_of}


def traded_through_parameters(window: Window, interval: timedelta) -> dict[str, datetime | float]:
    """Return the parameters of the query for the bars in which maker orders rested, which begin with the outcomes."""
    bounds = {"first_bar_open": window.start, "last_bar_open": window.last_bar_open}
    return {**outcome_parameters(window), **bounds, "interval_us": interval / timedelta(microseconds=1)}


def bar_parameters(window: Window) -> dict[str, datetime]:
    """Return the parameters of a query over the bars of a window, both inclusive."""
    return {"first_bar_open": window.first_bar_open, "last_bar_open": window.last_bar_open}
