"""The result of each policy over all repetitions, compared with always taking and always posting first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from jobs.backtest.arrays import Flags, Floats
from jobs.backtest.detection import Detection, Sighting, detection, sightings
from jobs.backtest.fills import Action, Outcomes
from jobs.backtest.orders import Orders
from jobs.backtest.outages import Outage
from jobs.backtest.routing import BacktestContext, RoutedOrders
from jobs.backtest.statistics import Estimate, estimate

ALWAYS_TAKER = "always taker"
ALWAYS_MAKER = "always maker first"
ORACLE = "oracle"
_DAY_SECONDS = 86400
_MONTH_DAYS = 30
_BPS = 1e4
CostEstimate = TypeVar("CostEstimate", np.float64, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy: its cost in basis points per order, and how much more that is than each of the two plain policies.

    Estimates by symbol are of symbols with orders. `over_maker_by_day` has the sum of the differences by the day since
    1970 on which the orders arrived, oldest first. `money_over_maker_per_day` is in the quote currency, None if
    notionals are unknown. `started_share`, `filled_share` and `probe_share` are of all orders, `off_share` is of the
    time, and `flips_per_month` how often one market's policy changed in 30 days. `outage_cost_bps` is the mean of the
    orders that arrive in an outage, None without any. `detection` is None without outages, and for policies that decide
    nothing.
    """

    name: str
    cost: Estimate
    over_maker: Estimate
    over_taker: Estimate
    over_maker_by_symbol: Mapping[str, Estimate]
    over_maker_by_day: Sequence[tuple[int, float]]
    money_over_maker_per_day: Estimate | None
    started_share: float
    filled_share: float
    probe_share: float
    off_share: float
    flips_per_month: float
    outage_cost_bps: float | None
    detection: Detection | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repetition:
    """The orders of one repetition, their outcome by each action, and how each policy sent them."""

    orders: Orders
    outcomes: Outcomes
    outages: Sequence[Outage]
    is_within_outage: Flags
    routings: Mapping[str, RoutedOrders]

    def sent(self, values: NDArray[CostEstimate], name: str) -> NDArray[CostEstimate]:
        """Return each order's value by the action with which the policy sent it."""
        chosen: NDArray[CostEstimate] = values[self.routings[name].action, np.arange(len(self.orders))]
        return chosen


class PolicyComparison:
    """All orders of all repetitions together, one repetition after the other."""

    def __init__(self, context: BacktestContext, repetitions: Sequence[Repetition]) -> None:
        self._context, self._repetitions = context, repetitions
        self._market = np.concatenate([each.orders.market for each in repetitions])
        self._day = np.concatenate([each.orders.arrives_seconds for each in repetitions]) // _DAY_SECONDS
        self._repetition = np.repeat(np.arange(len(repetitions)), [len(each.orders) for each in repetitions])
        self._notional = np.concatenate([each.orders.notional for each in repetitions])
        self._is_within_outage = np.concatenate([each.is_within_outage for each in repetitions])

    def result(self, name: str) -> PolicyResult:
        """Return the result of one policy. Raises ValueError if there are no orders."""
        cost = self._cost(name)
        over_maker = cost - self._cost(ALWAYS_MAKER)
        action = np.concatenate([each.routings[name].action for each in self._repetitions])
        policy = np.concatenate([each.routings[name].policy for each in self._repetitions])
        within = cost[self._is_within_outage]
        return PolicyResult(
            name=name,
            cost=self._estimate(cost),
            over_maker=self._estimate(over_maker),
            over_taker=self._estimate(cost - self._cost(ALWAYS_TAKER)),
            over_maker_by_symbol=self._by_symbol(over_maker),
            over_maker_by_day=self._by_day(over_maker),
            money_over_maker_per_day=self._money_per_day(over_maker),
            started_share=float((action != Action.TAKER).mean()),
            filled_share=float(
                np.concatenate([each.sent(each.outcomes.is_filled, name) for each in self._repetitions]).mean()
            ),
            probe_share=float(np.concatenate([each.routings[name].is_probe for each in self._repetitions]).mean()),
            off_share=float((policy == Action.TAKER).mean()),
            flips_per_month=self._flips_per_month(name),
            outage_cost_bps=float(within.mean()) if len(within) else None,
            detection=self._detection(name),
        )

    @property
    def order_count(self) -> int:
        """How many orders each policy sent."""
        return len(self._market)

    @property
    def day_count(self) -> float:
        """How many days one repetition lasts."""
        seconds = self._context.slots_seconds
        return (seconds[-1] - seconds[0]) / _DAY_SECONDS

    def _cost(self, name: str) -> Floats:
        return np.concatenate([each.sent(each.outcomes.cost_bps, name) for each in self._repetitions])

    def _estimate(self, values: Floats, which: Flags | slice = slice(None)) -> Estimate:
        return estimate(values[which], self._day[which], self._repetition[which])

    def _by_symbol(self, values: Floats) -> dict[str, Estimate]:
        symbols = [market.symbol for market in self._context.markets]
        return {symbols[index]: self._estimate(values, self._market == index) for index in np.unique(self._market)}

    def _by_day(self, values: Floats) -> list[tuple[int, float]]:
        days, day_index = np.unique(self._day, return_inverse=True)
        return list(zip(days.tolist(), np.bincount(day_index, weights=values).tolist(), strict=True))

    def _money_per_day(self, over_maker: Floats) -> Estimate | None:
        if np.isnan(self._notional).any() or self.day_count == 0:
            return None
        orders_per_day = self.order_count / len(self._repetitions) / self.day_count
        return self._estimate(over_maker * self._notional / _BPS).scaled(orders_per_day)

    def _flips_per_month(self, name: str) -> float:
        flips = sum(int((np.diff(each.routings[name].policy, axis=0) != 0).sum()) for each in self._repetitions)
        market_days = self.day_count * len(self._context.markets) * len(self._repetitions)
        return flips / market_days * _MONTH_DAYS if market_days else 0.0

    def _detection(self, name: str) -> Detection | None:
        if name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE) or not any(each.outages for each in self._repetitions):
            return None
        slots = np.array(self._context.slots_seconds, dtype=np.int64)
        all_sightings: list[Sighting] = []
        for each in self._repetitions:
            all_sightings += sightings(each.outages, slots, each.routings[name].policy == Action.TAKER)
        return detection(all_sightings)
