"""How the bot trades on the candles: its maker prices, when the price reaches them, and what crossing costs."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from jobs.backtest.actions import Action
from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market

_BPS = 1e4
_ROUNDING = 1e-6  # of a tick; how far a float may lie off its grid


_BEYOND_BPS = {FillRule.THROUGH: 0.0, FillRule.ONE_BPS_BEYOND: 1.0, FillRule.TWO_BPS_BEYOND: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How the bot trades, how its orders fill, and what crossing the spread costs beside the fee.

    The maker price lies `offset_bps` from the price at the time, at least half the spread, rounded to the tick behind
    it. The full wait is `wait_bars` bars; a part of it, and a post, is at least one bar. An order fills if the price
    trades as far as `fill_rule` states, but `missed_share` of these miss and `unseen_fill_share` of the others fill
    nevertheless: candles and fills disagree that often. Crossing costs half the spread, which widens with an ATR ratio
    above 1, `impact_bps` times that ratio, and chance with a standard deviation of `taker_noise_bps`. `half_spread_bps`
    None takes it from the candles.
    """

    offset_bps: float = 1.0
    wait_bars: int = 4
    impact_bps: float = 0.5
    half_spread_bps: float | None = None
    fill_rule: FillRule = FillRule.THROUGH
    missed_share: float = 0.01
    unseen_fill_share: float = 0.03
    taker_noise_bps: float = 0.7

    def waits(self, action: Action) -> int:
        """Return how many bars an order waits at the maker price; 0 for one that crosses at once."""
        return max(1, int(self.wait_bars * action.patience)) if action.is_maker else 0

    def post_bars(self, action: Action) -> int:
        """Return how many whole bars each post rests, so that there are not more posts; the last may be shorter."""
        return ceil(self.wait_bars / action.maker_posts)


def _half_spread_bps(market: Market, execution: Execution) -> Floats:
    """Return half the spread at each bar's close: as given, else as the candles show it, else half a tick."""
    half_spread_bps = execution.half_spread_bps if execution.half_spread_bps is not None else market.half_spread_bps
    close = market.bars.close
    if half_spread_bps is None:
        return market.tick / 2 / close * _BPS
    return np.full(len(close), half_spread_bps)


def quote_bps(market: Market, execution: Execution) -> Floats:
    """Return half the quoted spread at each bar's close; an unknown ATR ratio counts as 1."""
    half_spread_bps: Floats = _half_spread_bps(market, execution) * np.maximum(_atr_ratio(market), 1.0)
    return half_spread_bps


def crossing_bps(market: Market, execution: Execution) -> Floats:
    """Return what crossing costs at each bar's close beside the fee and chance: half the spread, and the impact."""
    return quote_bps(market, execution) + execution.impact_bps * _atr_ratio(market)


def _atr_ratio(market: Market) -> Floats:
    return np.nan_to_num(market.atr_ratio(), nan=1.0)


def maker_prices(market: Market, execution: Execution, side: int) -> Floats:
    """Return the maker price at each bar's close: the tick at or behind the offset; `side` is 1 to buy, -1 to sell."""
    close = market.bars.close
    offset_bps = np.maximum(_half_spread_bps(market, execution), execution.offset_bps)
    ticks = close * (1 - side * offset_bps / _BPS) / market.tick
    behind = np.floor(ticks + _ROUNDING) if side > 0 else np.ceil(ticks - _ROUNDING)
    price: Floats = behind * market.tick
    return price


def reaches(rule: FillRule, market: Market, bar: Integers, side: Integers, limit: Floats) -> Flags:
    """Return for each order whether its bar trades as far as the rule asks; each with its side and its limit."""
    depth = np.where(side > 0, limit - market.bars.low[bar], market.bars.high[bar] - limit)
    return is_deep_enough(rule, market, depth, limit)


def is_deep_enough(rule: FillRule, market: Market, depth: Floats, limit: Floats) -> Flags:
    """Return whether the rule fills orders at these limits if the price trades `depth` beyond each, in quote units."""
    rounding = market.tick * _ROUNDING
    least = -rounding if rule is FillRule.AT_LIMIT else limit * _BEYOND_BPS[rule] / _BPS + rounding
    return np.asarray(depth > least)
