"""The use case: what each policy would have cost on these candles, with the same orders for each policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from jobs.backtest.arrays import Flags
from jobs.backtest.comparison import ALWAYS_MAKER, ALWAYS_TAKER, ORACLE, PolicyComparison, PolicyResult, Repetition
from jobs.backtest.errors import BacktestError
from jobs.backtest.fills import Action, Execution, outcomes_of
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders, Profile, draw_orders
from jobs.backtest.outages import OutagePlan, arriving_within, draw_outages
from jobs.backtest.routing import BacktestContext, RoutedOrders, always, route
from jobs.plan import Fees
from policy.fee_gap import NO_FEES, FeeGap
from policy.rules import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What is backtested: the markets in order, how each is traded, and the rule sets by their names in the result.

    Profiles and fees are by symbol, for every market. `fee_gaps` are what the rule sets know of the fees. `slots` are
    when policies are computed, the oldest before the first order. `outages` None simulates none. Each of
    the `repetition_count` repetitions draws orders of its own. The same request gives the same result.
    """

    markets: Sequence[Market]
    profiles: Mapping[str, Profile]
    fees: Mapping[str, Fees]
    rule_sets: Mapping[str, RuleSet]
    slots: Sequence[datetime]
    fee_gaps: Mapping[str, FeeGap]
    execution: Execution = field(default_factory=Execution)
    outages: OutagePlan | None = None
    repetition_count: int = 1
    seed: int = 1

    @property
    def step_count(self) -> int:
        """How many steps of work the backtest reports."""
        return self.repetition_count * len(self.rule_sets) * len(self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The result of each policy, the plain ones first, and how much was simulated.

    `order_count` is over all repetitions, `day_count` of one of them, `outage_count` over all repetitions and markets.
    """

    results: Sequence[PolicyResult]
    order_count: int
    day_count: float
    outage_count: int

    def of(self, name: str) -> PolicyResult:
        """Return the result of this policy. Raises StopIteration for an unknown name."""
        return next(result for result in self.results if result.name == name)


def _ignore(steps: int) -> None:
    """Report nothing."""


def run_backtest(request: BacktestRequest, report: Callable[[int], None] = _ignore) -> Backtest:
    """Send the same orders by every policy, in each repetition, and compare what they cost.

    `report` is called with the number of steps that were done since the last call. Raises BacktestError if the candles
    are too short for the outages, or if no order arrives.
    """
    fee_gaps = [request.fee_gaps.get(market.symbol, NO_FEES) for market in request.markets]
    context = BacktestContext.of(request.markets, request.slots, fee_gaps)
    repetitions = [_repeat(request, context, number, report) for number in range(request.repetition_count)]
    comparison = PolicyComparison(context, repetitions)
    if comparison.order_count == 0:
        raise BacktestError("no order arrives: the candles are too short, or the orders too few")
    return Backtest(
        results=tuple(comparison.result(name) for name in repetitions[0].routings),
        order_count=comparison.order_count,
        day_count=comparison.day_count,
        outage_count=sum(len(repetition.outages) for repetition in repetitions),
    )


def _repeat(
    request: BacktestRequest, context: BacktestContext, number: int, report: Callable[[int], None]
) -> Repetition:
    markets, plan, seed = request.markets, request.outages, request.seed
    orders = draw_orders(markets, request.profiles, request.execution.wait_bars, seed=seed, repetition=number)
    outages = draw_outages(plan, markets, seed=seed, repetition=number) if plan else ()
    is_within = arriving_within(orders, outages)
    is_affected = is_within & (orders.failure_draw < (plan.miss_share if plan else 0.0))
    fees = [request.fees[market.symbol] for market in markets]
    outcomes = outcomes_of(orders, markets, fees, request.execution, is_affected, plan)
    routings = _plain_routings(orders, context, is_within if plan else None)
    for name, rules in request.rule_sets.items():
        routings[name] = route(rules, orders, outcomes, context, report)
    return Repetition(orders=orders, outcomes=outcomes, outages=outages, is_within_outage=is_within, routings=routings)


def _plain_routings(
    orders: Orders, context: BacktestContext, is_within_outage: Flags | None
) -> dict[str, RoutedOrders]:
    """Send all orders alike; with outages also as an oracle, which takes during them and posts first otherwise."""
    maker = always(Action.FULL_WAIT, orders, context)
    routings = {ALWAYS_TAKER: always(Action.TAKER, orders, context), ALWAYS_MAKER: maker}
    if is_within_outage is not None:
        action = np.where(is_within_outage, Action.TAKER, Action.FULL_WAIT)
        routings[ORACLE] = RoutedOrders(action=action, policy=maker.policy, is_probe=maker.is_probe)
    return routings
