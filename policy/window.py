"""The window of a run: only events and candles from before its `as_of`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OUTCOME_WINDOW = timedelta(days=7)
LOOKBACK_BARS = 1000
NEWEST_BARS = 60
WHOLE_LOG = timedelta(days=365 * 20)  # as far back as any log is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The window of a run: outcomes with `start <= ts < as_of`, candles that had closed by `as_of`.

    Candles are read no further back than 1000 intervals, twice the need of the long range: a feed with more gaps than
    bars gives an unknown regime and not one from long ago. `bar_interval` None means no candles; `outcome_window` is
    the length of the window of outcomes. Raises ValueError for an `as_of` without a time zone.
    """

    as_of: datetime
    bar_interval: timedelta | None = None
    outcome_window: timedelta = OUTCOME_WINDOW

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError(
                f"as_of must have a time zone, was {self.as_of.isoformat()}; write it as ...Z or ...+00:00"
            )
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))

    @property
    def start(self) -> datetime:
        """The first moment of the outcome window, inclusive."""
        return self.as_of - self.outcome_window

    @property
    def day_start(self) -> datetime:
        """The first moment of the 24 hours in which a streak of misses counts, inclusive."""
        return self.as_of - timedelta(hours=24)

    @property
    def last_bar_open(self) -> datetime:
        """The latest opening time of a bar that has closed by `as_of`, inclusive."""
        return self.as_of - self._interval()

    @property
    def first_bar_open(self) -> datetime:
        """The earliest opening time of a bar that is read, inclusive."""
        return self.as_of - self._interval() * LOOKBACK_BARS

    @property
    def first_newest_bar_open(self) -> datetime:
        """The earliest opening time of the bars that may show that a market has no tick, inclusive."""
        return self.as_of - self._interval() * NEWEST_BARS

    def _interval(self) -> timedelta:
        if self.bar_interval is None:
            raise ValueError("this run has no candles: bar_interval is None")
        return self.bar_interval
