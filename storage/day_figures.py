"""What the orders of a day cost and which drifted: figures that are computed from the log after a run, and may change.

They are no part of the published history: no digest covers them, and a day is written again as long as its orders come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCost:
    """What a symbol's orders of one route cost on a UTC day: slippage and fee in bps of the notional, + is worse.

    The mean is over the `cost_count` orders that filled, None without any. The money is the sum over the `money_count`
    of them whose notional is known, in the currency of the log; None without any.
    """

    symbol: str
    route: str
    order_count: int
    cost_count: int
    mean_bps: float | None
    money_count: int
    money: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDrift:
    """How many orders a symbol had on a UTC day, and how many of each kind of drift; an order may be of several."""

    symbol: str
    order_count: int
    no_run_count: int
    unknown_run_count: int
    superseded_count: int
    expired_count: int
    maker_while_taker_count: int
    not_as_assigned_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The figures of the orders with `day <= ts < as_of`, which is the day's end unless the day is unfinished."""

    day: datetime
    as_of: datetime
    costs: Sequence[DayCost]
    drifts: Sequence[DayDrift]
