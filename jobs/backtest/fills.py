"""The outcome of each order by each action: filled or not, when it ends, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders
from jobs.backtest.outages import OutagePlan
from jobs.plan import Fees

_BPS = 1e4
_ROUNDING = 1e-6  # of a tick; how far a float may lie off its grid


class Action(IntEnum):
    """The ways to send an order: across the spread at once, or as maker with a part of the wait first."""

    TAKER = 0
    QUARTER_WAIT = 1
    HALF_WAIT = 2
    FULL_WAIT = 3


_PARTS = {Action.QUARTER_WAIT: 0.25, Action.HALF_WAIT: 0.5, Action.FULL_WAIT: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How the bot trades, and what crossing the spread costs beside the fee.

    The maker price lies `offset_bps` from the price at arrival, at least half the spread, rounded to the tick behind
    it. The full wait is `wait_bars` bars; a part of it is at least one bar. Crossing costs half the spread, which
    widens with an ATR ratio above 1, and `impact_bps` times that ratio. `half_spread_bps` None takes it from the
    candles.
    """

    offset_bps: float = 1.0
    wait_bars: int = 4
    impact_bps: float = 0.5
    half_spread_bps: float | None = None

    def waits(self, action: Action) -> int:
        """Return how many bars an order waits at the maker price; 0 for one that crosses at once."""
        return max(1, int(self.wait_bars * _PARTS[action])) if action in _PARTS else 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """The outcome of every order (second axis) by every action (first axis).

    `slippage_bps` is the cost against the price at arrival, + is worse, and `cost_bps` the fee in addition.
    `ends_seconds` is when the whole order is done. `is_rejected` is by order: whether the venue rejects it as maker.
    """

    is_filled: Flags
    slippage_bps: Floats
    cost_bps: Floats
    ends_seconds: Integers
    is_rejected: Flags


def outcomes_of(
    orders: Orders,
    markets: Sequence[Market],
    fees: Sequence[Fees],
    execution: Execution,
    is_affected: Flags,
    plan: OutagePlan | None,
) -> Outcomes:
    """Compute every order by every action; `fees` are by market, and `is_affected` is by order.

    A maker order that an outage affects does not fill whatever the price does, and crossing late costs the penalty of
    the plan in addition.
    """
    shape = (len(Action), len(orders))
    outcomes = Outcomes(
        is_filled=np.zeros(shape, dtype=np.bool_),
        slippage_bps=np.zeros(shape),
        cost_bps=np.zeros(shape),
        ends_seconds=np.zeros(shape, dtype=np.int64),
        is_rejected=is_affected & (plan is not None and plan.is_rejected),
    )
    late_bps = np.where(is_affected, plan.penalty_bps if plan else 0.0, 0.0)
    for index, market in enumerate(markets):
        rows = np.flatnonzero(orders.market == index)
        _fill_in(outcomes, rows, orders.chosen(rows), market, fees[index], execution, is_affected[rows], late_bps[rows])
    return outcomes


def _fill_in(
    outcomes: Outcomes,
    rows: Integers,
    orders: Orders,
    market: Market,
    fees: Fees,
    execution: Execution,
    is_affected: Flags,
    late_bps: Floats,
) -> None:
    """Compute the rows of `outcomes` that are the orders of one market."""
    limit = maker_prices(orders, market, execution)
    bars_to_fill = np.where(is_affected, execution.wait_bars + 1, _bars_to_fill(orders, market, limit, execution))
    arrival, crossing = market.bars.close[orders.bar], crossing_bps(market, execution)
    for action in Action:
        wait = execution.waits(action)
        is_filled = bars_to_fill <= wait
        end = orders.bar + np.where(is_filled, bars_to_fill, wait)
        price = np.where(is_filled, limit, market.bars.close[end])
        crossing_cost = crossing[end] + (late_bps if wait else 0.0)
        slippage = orders.side * (price / arrival - 1) * _BPS + np.where(is_filled, 0.0, crossing_cost)
        outcomes.is_filled[action, rows] = is_filled
        outcomes.slippage_bps[action, rows] = slippage
        outcomes.cost_bps[action, rows] = slippage + np.where(is_filled, fees.maker_bps, fees.taker_bps)
        outcomes.ends_seconds[action, rows] = market.bars.close_seconds[end]


def _half_spread_bps(market: Market, execution: Execution) -> Floats:
    """Return half the spread at each bar's close: as given, else as the candles show it, else half a tick."""
    half_spread_bps = execution.half_spread_bps if execution.half_spread_bps is not None else market.half_spread_bps
    close = market.bars.close
    if half_spread_bps is None:
        return market.tick / 2 / close * _BPS
    return np.full(len(close), half_spread_bps)


def crossing_bps(market: Market, execution: Execution) -> Floats:
    """Return what crossing costs at each bar's close beside the fee; an unknown ATR ratio counts as 1."""
    ratio = np.nan_to_num(market.atr_ratio(), nan=1.0)
    spread_bps: Floats = _half_spread_bps(market, execution) * np.maximum(ratio, 1.0)
    return spread_bps + execution.impact_bps * ratio


def maker_prices(orders: Orders, market: Market, execution: Execution) -> Floats:
    """Return the maker price of each order: the tick at or behind the offset from the price at arrival."""
    arrival = market.bars.close[orders.bar]
    offset_bps = np.maximum(_half_spread_bps(market, execution)[orders.bar], execution.offset_bps)
    ticks = arrival * (1 - orders.side * offset_bps / _BPS) / market.tick
    behind = np.where(orders.side > 0, np.floor(ticks + _ROUNDING), np.ceil(ticks - _ROUNDING))
    price: Floats = behind * market.tick
    return price


def _bars_to_fill(orders: Orders, market: Market, limit: Floats, execution: Execution) -> Integers:
    """Return the bar after arrival in which the price trades through the limit; the wait plus one if it never does."""
    rounding = market.tick * _ROUNDING
    bars = np.full(len(orders), execution.wait_bars + 1)
    for later in range(execution.wait_bars, 0, -1):
        bar = orders.bar + later
        is_below, is_above = market.bars.low[bar] < limit - rounding, market.bars.high[bar] > limit + rounding
        bars[np.where(orders.side > 0, is_below, is_above)] = later
    return bars
