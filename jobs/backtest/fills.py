"""What becomes of orders at their maker prices: the bar in which each fills, and whether the price came to it."""

from dataclasses import dataclass

import numpy as np

from jobs.backtest.actions import Action
from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.execution import Execution, maker_prices, reaches
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fills:
    """The maker legs of orders, one array per attribute.

    `end_bar` is the bar in which an order fills, or at whose close it crosses. `price` is the limit at which it rested
    last. `went_through` is whether the market came through one of its limits while it rested there, which a fill shows
    as well.
    """

    is_filled: Flags
    went_through: Flags
    end_bar: Integers
    price: Floats


def fills_of(action: Action, orders: Orders, market: Market, execution: Execution, is_affected: Flags) -> Fills:
    """Post orders of one market as `action` states; those that an outage affects do not fill.

    Orders that the fill rule fills may miss, and others may fill at the end of their wait: by `disagreement_draw`.
    """
    is_missing = (orders.disagreement_draw < execution.missed_share) | is_affected
    rested = _rest(action, orders, market, execution, is_missing)
    is_unseen = ~rested.would_fill & ~is_affected & (orders.disagreement_draw < execution.unseen_fill_share)
    is_filled = rested.is_filled | is_unseen
    return Fills(
        is_filled=is_filled, went_through=rested.went_through | is_filled, end_bar=rested.end_bar, price=rested.price
    )


class _Resting:
    """Orders while they rest, bar by bar: those that have not filled are posted anew at the end of each post."""

    def __init__(self, orders: Orders, market: Market, execution: Execution) -> None:
        self._orders, self._market, self._rule = orders, market, execution.fill_rule
        self._buys, self._sells = (maker_prices(market, execution, side) for side in (1, -1))
        self.price = np.zeros(len(orders))
        self.end_bar = orders.bar.copy()
        self.is_filled, self.would_fill, self.went_through = np.zeros((3, len(orders)), dtype=np.bool_)

    def post(self) -> None:
        """Post what has not filled at a price of now."""
        price = np.where(self._orders.side > 0, self._buys[self.end_bar], self._sells[self.end_bar])
        self.price = np.where(self.is_filled, self.price, price)

    def wait(self, is_missing: Flags) -> None:
        """Let one bar pass for what has not filled."""
        rests = ~self.is_filled
        self.end_bar = self.end_bar + rests
        through, far_enough = (rests & self._reaches(rule) for rule in (FillRule.THROUGH, self._rule))
        self.went_through = self.went_through | through
        self.would_fill = self.would_fill | far_enough
        self.is_filled = self.is_filled | (far_enough & ~is_missing)

    def _reaches(self, rule: FillRule) -> Flags:
        return reaches(rule, self._market, self.end_bar, self._orders.side, self.price)


def _rest(action: Action, orders: Orders, market: Market, execution: Execution, is_missing: Flags) -> _Resting:
    resting = _Resting(orders, market, execution)
    for bar in range(execution.waits(action)):
        if bar % execution.post_bars(action) == 0:
            resting.post()
        resting.wait(is_missing)
    return resting
