"""What a person chooses for a backtest."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.backtest.fill_rule import FillRule


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """The choices of a person. None leaves a figure to the log, the candles or the study's own choice."""

    since: datetime | None
    orders_per_day: float | None
    offset_bps: float
    wait_bars: int
    impact_bps: float
    half_spread_bps: float | None
    fill_rule: FillRule
    maker_posts: int
    drift_bps: float
    outage_length: timedelta | None
    outage_count: int | None
    outage_penalty_bps: float
    outage_miss_share: float
    is_venue_wide: bool
    is_rejected: bool
    repetition_count: int
    seed: int
