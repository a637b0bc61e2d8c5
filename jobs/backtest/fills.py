"""What becomes of each order, by each way in which it can be sent: filled or not, when it ends, and what it costs."""

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
_ROUNDING = 1e-6  # of a tick; what a float may be off its grid


class Action(IntEnum):
    """The ways to send an order: across the spread at once, or as maker with a part of the wait first."""

    TAKER = 0
    QUARTER_WAIT = 1
    HALF_WAIT = 2
    FULL_WAIT = 3


_PARTS = {Action.QUARTER_WAIT: 0.25, Action.HALF_WAIT: 0.5, Action.FULL_WAIT: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How the bot trades, and what crossing costs it beside the fee.

    The maker price lies `offset_bps` from the price at arrival, half the spread at least, rounded to the tick behind
    it. The full wait is `wait_bars` bars, a part of it one bar at least. Crossing costs half the spread, which widens
    with an ATR ratio above 1, and `impact_bps` times that ratio. `half_spread_bps` None leaves it to the candles.
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
    `ends_seconds` is when all of it is done. `is_rejected` tells of an order whether the venue refuses it as maker.
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
    is_struck: Flags,
    plan: OutagePlan | None,
) -> Outcomes:
    """Work out every order by every action; `fees` are by market, and `is_struck` by order.

    A struck maker order does not fill whatever the price does, and its late crossing costs the plan's penalty more.
    """
    shape = (len(Action), len(orders))
    outcomes = Outcomes(
        is_filled=np.zeros(shape, dtype=np.bool_),
        slippage_bps=np.zeros(shape),
        cost_bps=np.zeros(shape),
        ends_seconds=np.zeros(shape, dtype=np.int64),
        is_rejected=is_struck & (plan is not None and plan.is_rejected),
    )
    late_bps = np.where(is_struck, plan.penalty_bps if plan else 0.0, 0.0)
    for place, market in enumerate(markets):
        mine = np.flatnonzero(orders.market == place)
        _work_out(outcomes, mine, orders.chosen(mine), market, fees[place], execution, is_struck[mine], late_bps[mine])
    return outcomes


def _work_out(
    outcomes: Outcomes,
    mine: Integers,
    orders: Orders,
    market: Market,
    fees: Fees,
    execution: Execution,
    is_struck: Flags,
    late_bps: Floats,
) -> None:
    """Fill in the places `mine`, which are the orders of one market."""
    limit = maker_prices(orders, market, execution)
    bars_to_fill = np.where(is_struck, execution.wait_bars + 1, _bars_to_fill(orders, market, limit, execution))
    arrival, crossing = market.bars.close[orders.bar], crossing_bps(market, execution)
    for action in Action:
        wait = execution.waits(action)
        is_filled = bars_to_fill <= wait
        end = orders.bar + np.where(is_filled, bars_to_fill, wait)
        price = np.where(is_filled, limit, market.bars.close[end])
        taken = crossing[end] + (late_bps if wait else 0.0)
        slippage = orders.side * (price / arrival - 1) * _BPS + np.where(is_filled, 0.0, taken)
        outcomes.is_filled[action, mine] = is_filled
        outcomes.slippage_bps[action, mine] = slippage
        outcomes.cost_bps[action, mine] = slippage + np.where(is_filled, fees.maker_bps, fees.taker_bps)
        outcomes.ends_seconds[action, mine] = market.bars.close_seconds[end]


def _half_spread_bps(market: Market, execution: Execution) -> Floats:
    """Return half the spread at each bar's close: as told, as the candles show it, else half a tick."""
    told = execution.half_spread_bps if execution.half_spread_bps is not None else market.half_spread_bps
    close = market.bars.close
    return market.tick / 2 / close * _BPS if told is None else np.full(len(close), told)


def crossing_bps(market: Market, execution: Execution) -> Floats:
    """Return what crossing costs at each bar's close beside the fee; an ATR ratio that is not known counts as 1."""
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
    """Return in which bar after arrival the price trades strictly through the limit; one more than the wait if none."""
    rounding = market.tick * _ROUNDING
    found = np.full(len(orders), execution.wait_bars + 1)
    for later in range(execution.wait_bars, 0, -1):
        bar = orders.bar + later
        is_below, is_above = market.bars.low[bar] < limit - rounding, market.bars.high[bar] > limit + rounding
        found[np.where(orders.side > 0, is_below, is_above)] = later
    return found
