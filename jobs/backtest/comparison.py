"""What the runs say of each policy, held against always taking and always posting first."""

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
from jobs.backtest.routing import BacktestContext, Routing
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
    """One policy: its cost in basis points an order, and how much more that is than each of the two plain ones.

    Estimates by symbol are of those with orders; `over_maker_by_day` sums the differences up by the day since 1970 on
    which the orders arrived, oldest first. `money_over_maker_per_day` is in the quote currency, None where notionals
    are not known. `started_share`, `filled_share` and `probe_share` are of all orders, `off_share` is of the time, and
    `flips_per_month` how often one market's policy changed in 30 days. `outage_cost_bps` is the mean of the orders that
    arrive in an outage, None without any. `detection` is None without outages, and for what decides nothing.
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
class DrawnRun:
    """The orders of one run with all that can become of them, and how each policy sent them."""

    orders: Orders
    outcomes: Outcomes
    outages: Sequence[Outage]
    is_within_outage: Flags
    routings: Mapping[str, Routing]

    def sent(self, of_all: NDArray[CostEstimate], name: str) -> NDArray[CostEstimate]:
        """Choose each order's figure by the action that the policy sent it with."""
        chosen: NDArray[CostEstimate] = of_all[self.routings[name].action, np.arange(len(self.orders))]
        return chosen


class PolicyComparison:
    """All orders of all runs together, one after the other."""

    def __init__(self, setting: BacktestContext, runs: Sequence[DrawnRun]) -> None:
        self._setting, self._runs = setting, runs
        self._market = np.concatenate([run.orders.market for run in runs])
        self._day = np.concatenate([run.orders.arrives_seconds for run in runs]) // _DAY_SECONDS
        self._run = np.repeat(np.arange(len(runs)), [len(run.orders) for run in runs])
        self._notional = np.concatenate([run.orders.notional for run in runs])
        self._is_within_outage = np.concatenate([run.is_within_outage for run in runs])

    def result(self, name: str) -> PolicyResult:
        """Sum one policy up. Raises ValueError where there is no order."""
        cost = self._cost(name)
        over_maker = cost - self._cost(ALWAYS_MAKER)
        action = np.concatenate([run.routings[name].action for run in self._runs])
        policy = np.concatenate([run.routings[name].policy for run in self._runs])
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
            filled_share=float(np.concatenate([run.sent(run.outcomes.is_filled, name) for run in self._runs]).mean()),
            probe_share=float(np.concatenate([run.routings[name].is_probe for run in self._runs]).mean()),
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
        """How many days one run lasts."""
        seconds = self._setting.slots_seconds
        return (seconds[-1] - seconds[0]) / _DAY_SECONDS

    def _cost(self, name: str) -> Floats:
        return np.concatenate([run.sent(run.outcomes.cost_bps, name) for run in self._runs])

    def _estimate(self, values: Floats, which: Flags | slice = slice(None)) -> Estimate:
        return estimate(values[which], self._day[which], self._run[which])

    def _by_symbol(self, values: Floats) -> dict[str, Estimate]:
        symbols = [market.symbol for market in self._setting.markets]
        return {symbols[place]: self._estimate(values, self._market == place) for place in np.unique(self._market)}

    def _by_day(self, values: Floats) -> list[tuple[int, float]]:
        days, place = np.unique(self._day, return_inverse=True)
        return list(zip(days.tolist(), np.bincount(place, weights=values).tolist(), strict=True))

    def _money_per_day(self, over_maker: Floats) -> Estimate | None:
        if np.isnan(self._notional).any() or self.day_count == 0:
            return None
        orders_per_day = self.order_count / len(self._runs) / self.day_count
        return self._estimate(over_maker * self._notional / _BPS).scaled(orders_per_day)

    def _flips_per_month(self, name: str) -> float:
        flips = sum(int((np.diff(run.routings[name].policy, axis=0) != 0).sum()) for run in self._runs)
        market_days = self.day_count * len(self._setting.markets) * len(self._runs)
        return flips / market_days * _MONTH_DAYS if market_days else 0.0

    def _detection(self, name: str) -> Detection | None:
        if name in (ALWAYS_TAKER, ALWAYS_MAKER, ORACLE) or not any(run.outages for run in self._runs):
            return None
        slots = np.array(self._setting.slots_seconds, dtype=np.int64)
        found: list[Sighting] = []
        for run in self._runs:
            found += sightings(run.outages, slots, run.routings[name].policy == Action.TAKER)
        return detection(found)
