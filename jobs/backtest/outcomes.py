"""The outcome of each order by each action: filled or not, when it ends, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from jobs.backtest.actions import Action
from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.execution import Execution, crossing_bps, quote_bps
from jobs.backtest.fills import Fills, fills_of
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders
from jobs.backtest.outages import OutagePlan
from jobs.plan import Fees

_BPS = 1e4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """The outcome of every order, one array per attribute.

    `is_filled` is whether what rested as maker filled, and `went_through` whether the market came through a maker price
    while the order rested there; both are False for an order that crossed at once. `slippage_bps` is the cost against
    the price at arrival, + is worse, and `cost_bps` the fee in addition. `ends_seconds` is when the order is done.
    """

    is_filled: Flags
    went_through: Flags
    slippage_bps: Floats
    cost_bps: Floats
    ends_seconds: Integers

    @classmethod
    def empty(cls, order_count: int) -> "Outcomes":
        """Return arrays of zeros, to be filled in."""
        return cls(
            is_filled=np.zeros(order_count, dtype=np.bool_),
            went_through=np.zeros(order_count, dtype=np.bool_),
            slippage_bps=np.zeros(order_count),
            cost_bps=np.zeros(order_count),
            ends_seconds=np.zeros(order_count, dtype=np.int64),
        )

    def put(self, rows: Integers | Flags, outcomes: "Outcomes") -> None:
        """Fill in these rows with the outcomes of as many orders."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(outcomes, field.name)

    def chosen(self, rows: Integers | Flags) -> "Outcomes":
        """Return the outcomes of these rows, in that order."""
        return Outcomes(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def together(parts: Sequence[Outcomes]) -> Outcomes:
    """Return all outcomes, one part after the other."""
    return Outcomes(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Outcomes)}
    )


class OutcomesByAction:
    """Every order by every action that is asked for; `fees` are by market, and `is_affected` is by order.

    A maker order that an outage affects does not fill whatever the price does, and crossing late costs the penalty of
    the plan in addition. `is_rejected` is by order: whether the venue rejects it as maker; `arrival_quote_bps` is half
    the spread when it arrives.
    """

    def __init__(
        self,
        orders: Orders,
        markets: Sequence[Market],
        fees: Sequence[Fees],
        execution: Execution,
        is_affected: Flags,
        plan: OutagePlan | None,
    ) -> None:
        self._orders, self._markets, self._fees, self._execution = orders, markets, fees, execution
        self._is_affected = is_affected
        self._penalty_bps = plan.penalty_bps if plan else 0.0
        self._crossing = [crossing_bps(market, execution) for market in markets]
        self._by_action: dict[Action, Outcomes] = {}
        self.arrival_quote_bps: Floats = np.zeros(len(orders))
        for index, market in enumerate(markets):
            rows = orders.market == index
            self.arrival_quote_bps[rows] = quote_bps(market, execution)[orders.bar[rows]]
        self.is_rejected: Flags = is_affected & (plan is not None and plan.is_rejected)

    def of(self, action: Action) -> Outcomes:
        """Return every order's outcome, had it been sent like this."""
        if action not in self._by_action:
            self._by_action[action] = self._compute(action)
        return self._by_action[action]

    def sent(self, actions: Sequence[Action], which: Integers) -> Outcomes:
        """Return each order's outcome by its own action; `which` is its index among the actions."""
        outcomes = Outcomes.empty(len(which))
        for index, action in enumerate(actions):
            rows = np.flatnonzero(which == index)
            outcomes.put(rows, self.of(action).chosen(rows))
        return outcomes

    def _compute(self, action: Action) -> Outcomes:
        outcomes = Outcomes.empty(len(self._orders))
        for index in range(len(self._markets)):
            rows = np.flatnonzero(self._orders.market == index)
            outcomes.put(rows, self._of_market(action, index, rows))
        return outcomes

    def _of_market(self, action: Action, index: int, rows: Integers) -> Outcomes:
        orders, at_once = self._orders.chosen(rows), self._at_once(index, rows)
        if not action.is_maker:
            return at_once
        is_affected = self._is_affected[rows]
        fills = fills_of(action, orders, self._markets[index], self._execution, is_affected)
        first = self._maker_first(index, orders, fills, is_affected)
        share = action.maker_share
        return Outcomes(
            is_filled=first.is_filled,
            went_through=first.went_through,
            slippage_bps=share * first.slippage_bps + (1 - share) * at_once.slippage_bps,
            cost_bps=share * first.cost_bps + (1 - share) * at_once.cost_bps,
            ends_seconds=first.ends_seconds,
        )

    def _at_once(self, index: int, rows: Integers) -> Outcomes:
        orders, market = self._orders.chosen(rows), self._markets[index]
        nothing = np.zeros(len(rows), dtype=np.bool_)
        slippage = self._crossing[index][orders.bar] + orders.noise_at_once * self._execution.taker_noise_bps
        return Outcomes(
            is_filled=nothing,
            went_through=nothing,
            slippage_bps=slippage,
            cost_bps=slippage + self._fees[index].taker_bps,
            ends_seconds=market.bars.close_seconds[orders.bar],
        )

    def _maker_first(self, index: int, orders: Orders, fills: Fills, is_affected: Flags) -> Outcomes:
        bars, fees = self._markets[index].bars, self._fees[index]
        crossing = self._crossing[index][fills.end_bar] + orders.noise_late * self._execution.taker_noise_bps
        crossing += np.where(is_affected, self._penalty_bps, 0.0)
        price = np.where(fills.is_filled, fills.price, bars.close[fills.end_bar])
        slippage = orders.side * (price / bars.close[orders.bar] - 1) * _BPS + np.where(fills.is_filled, 0.0, crossing)
        return Outcomes(
            is_filled=fills.is_filled,
            went_through=fills.went_through,
            slippage_bps=slippage,
            cost_bps=slippage + np.where(fills.is_filled, fees.maker_bps, fees.taker_bps),
            ends_seconds=bars.close_seconds[fills.end_bar],
        )
