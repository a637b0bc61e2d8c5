"""The result of each policy over all repetitions, compared with always taking and always posting first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.backtest.actions import FULL_WAIT, TAKER, Action
from jobs.backtest.arrays import Flags, Floats
from jobs.backtest.detection import Detection, Sighting, detection, false_opening_count, sightings
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.orders import Orders
from jobs.backtest.outages import Outage
from jobs.backtest.outcomes import Outcomes, OutcomesByAction, together
from jobs.backtest.routing import BacktestContext, RoutedOrders
from jobs.backtest.statistics import Estimate, estimate

ALWAYS_TAKER = "always taker"
ALWAYS_MAKER = "always maker first"
ALWAYS_REPOSTED = "always re-posted"
ORACLE = "oracle"
PLAIN_POLICIES = (ALWAYS_TAKER, ALWAYS_MAKER, ALWAYS_REPOSTED, ORACLE)
_DAY_SECONDS = 86400
_MONTH_DAYS = 30
_BPS = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy: its cost in basis points per order, and how much more that is than each of the plain policies.

    Estimates by symbol are of symbols with orders. `over_maker_by_day` has the sum of the differences by the day since
    1970 on which the orders arrived, oldest first. `over_never_off` is over the same policy if it never turned maker
    first off, and `oracle_over_never_off` what an oracle of the outages differs from that, None without outages.
    `money_over_maker_per_day` is in the quote currency, None if notionals are unknown. `cost_deviation_bps` is the
    standard deviation of an order's cost. `started_share` and `filled_share` are of the quantity, `probed_share` is of
    the orders, `off_share` of the time. `flips_per_month` is how often one market's policy changed in 30 days, and
    `false_openings_per_month` how often it turned off without an outage. `outage_cost_bps` is the mean of the orders
    that arrive in an outage, None without any. `detection` is None without outages, and for policies that decide
    nothing.
    """

    name: str
    cost: Estimate
    over_maker: Estimate
    over_taker: Estimate
    over_never_off: Estimate
    oracle_over_never_off: Estimate | None
    over_maker_by_symbol: Mapping[str, Estimate]
    over_maker_by_day: Sequence[tuple[int, float]]
    money_over_maker_per_day: Estimate | None
    cost_deviation_bps: float
    started_share: float
    filled_share: float
    probed_share: float
    off_share: float
    flips_per_month: float
    false_openings_per_month: float
    outage_cost_bps: float | None
    detection: Detection | None

    @property
    def oracle_gain_share(self) -> float | None:
        """The share of the oracle's gain that turning maker first off has; None if the oracle has no clear gain."""
        oracle = self.oracle_over_never_off
        if self.detection is None or oracle is None or not oracle.is_clear or oracle.mean >= 0:
            return None
        return self.over_never_off.mean / oracle.mean


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRuleResult:
    """What always taking and always re-posting cost more than always posting once, if orders fill by one rule."""

    taker_over_maker: Estimate
    reposted_over_maker: Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainCosts:
    """The cost of each order by the three plain policies, in basis points."""

    taker_bps: Floats
    maker_bps: Floats
    reposted_bps: Floats

    @classmethod
    def of(cls, outcomes: OutcomesByAction, reposted: Action) -> "PlainCosts":
        """Take them from the outcomes; `reposted` is how orders are re-posted."""
        taker, maker, again = (outcomes.of(action).cost_bps for action in (TAKER, FULL_WAIT, reposted))
        return cls(taker_bps=taker, maker_bps=maker, reposted_bps=again)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repetition:
    """The orders of one repetition, their outcome by each action, and how each policy sent them.

    `by_fill_rule` has the costs of the plain policies if orders filled by another rule.
    """

    orders: Orders
    outcomes: OutcomesByAction
    outages: Sequence[Outage]
    is_within_outage: Flags
    routings: Mapping[str, RoutedOrders]
    by_fill_rule: Mapping[FillRule, PlainCosts]

    def sent(self, name: str) -> Outcomes:
        """Return each order's outcome as the policy sent it."""
        routing = self.routings[name]
        return self.outcomes.sent(routing.actions, routing.action)

    def never_off(self, name: str) -> Outcomes:
        """Return each order's outcome if the policy never turned maker first off."""
        routing = self.routings[name]
        return self.outcomes.sent(routing.actions, routing.never_off)


class PolicyComparison:
    """All orders of all repetitions together, one repetition after the other."""

    def __init__(self, context: BacktestContext, repetitions: Sequence[Repetition]) -> None:
        self._context, self._repetitions = context, repetitions
        self._market = np.concatenate([each.orders.market for each in repetitions])
        self._day = np.concatenate([each.orders.arrives_seconds for each in repetitions]) // _DAY_SECONDS
        self._repetition = np.repeat(np.arange(len(repetitions)), [len(each.orders) for each in repetitions])
        self._notional = np.concatenate([each.orders.notional for each in repetitions])
        self._is_within_outage = np.concatenate([each.is_within_outage for each in repetitions])
        self._has_outages = any(each.outages for each in repetitions)
        self._slots_seconds = np.array(context.slots_seconds, dtype=np.int64)
        self._taker_bps = together([each.outcomes.of(TAKER) for each in repetitions]).cost_bps

    def result(self, name: str) -> PolicyResult:
        """Return the result of one policy. Raises ValueError if there are no orders."""
        sent, routings = self._sent(name), [each.routings[name] for each in self._repetitions]
        maker_share = np.concatenate([routing.maker_share for routing in routings])
        over_maker = sent.cost_bps - self._sent(ALWAYS_MAKER).cost_bps
        within = sent.cost_bps[self._is_within_outage]
        never_off = together([each.never_off(name) for each in self._repetitions]).cost_bps
        return PolicyResult(
            name=name,
            cost=self._estimate(sent.cost_bps),
            over_maker=self._estimate(over_maker),
            over_taker=self._estimate(sent.cost_bps - self._taker_bps),
            over_never_off=self._estimate(sent.cost_bps - never_off),
            oracle_over_never_off=self._oracle_over(never_off),
            over_maker_by_symbol=self._by_symbol(over_maker),
            over_maker_by_day=self._by_day(over_maker),
            money_over_maker_per_day=self._money_per_day(over_maker),
            cost_deviation_bps=float(sent.cost_bps.std()),
            started_share=float(maker_share.mean()),
            filled_share=float((maker_share * sent.is_filled).mean()),
            probed_share=float(np.concatenate([routing.is_probe for routing in routings]).mean()),
            off_share=float(np.concatenate([routing.is_off for routing in routings]).mean()),
            flips_per_month=self._per_month(sum(int(routing.flips().sum()) for routing in routings)),
            false_openings_per_month=self._per_month(self._false_opening_count(name)),
            outage_cost_bps=float(within.mean()) if len(within) else None,
            detection=self._detection(name),
        )

    def by_fill_rule(self, rule: FillRule) -> FillRuleResult:
        """Compare the plain policies under a fill rule. Raises ValueError if there are no orders."""
        costs = [each.by_fill_rule[rule] for each in self._repetitions]
        maker = np.concatenate([each.maker_bps for each in costs])
        return FillRuleResult(
            taker_over_maker=self._estimate(np.concatenate([each.taker_bps for each in costs]) - maker),
            reposted_over_maker=self._estimate(np.concatenate([each.reposted_bps for each in costs]) - maker),
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

    def _sent(self, name: str) -> Outcomes:
        return together([each.sent(name) for each in self._repetitions])

    def _oracle_over(self, never_off: Floats) -> Estimate | None:
        if not self._has_outages:
            return None
        return self._estimate(np.where(self._is_within_outage, self._taker_bps - never_off, 0.0))

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

    def _per_month(self, count: int) -> float:
        market_days = self.day_count * len(self._context.markets) * len(self._repetitions)
        return count / market_days * _MONTH_DAYS if market_days else 0.0

    def _false_opening_count(self, name: str) -> int:
        return sum(
            false_opening_count(each.outages, self._slots_seconds, each.routings[name].is_off)
            for each in self._repetitions
        )

    def _detection(self, name: str) -> Detection | None:
        if name in PLAIN_POLICIES or not self._has_outages:
            return None
        all_sightings: list[Sighting] = []
        for each in self._repetitions:
            all_sightings += sightings(each.outages, self._slots_seconds, each.routings[name].is_off)
        return detection(all_sightings)
