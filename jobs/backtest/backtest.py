"""The use case: what each policy would have cost on these candles, with the same orders for all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from jobs.backtest.arrays import Flags
from jobs.backtest.comparison import ALWAYS_MAKER, ALWAYS_TAKER, ORACLE, DrawnRun, PolicyComparison, PolicyResult
from jobs.backtest.errors import BacktestError
from jobs.backtest.fills import Action, Execution, outcomes_of
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders, Profile, draw_orders
from jobs.backtest.outages import OutagePlan, arriving_within, draw_outages
from jobs.backtest.routing import BacktestContext, Routing, always, route
from jobs.plan import Fees
from policy.fee_gap import NO_FEES, FeeGap
from policy.rules import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What is evaluated: the markets in order, how each is traded, and the rule sets by the names they go by.

    Profiles and fees are by symbol, for every market. `fee_gaps` are what the rule sets are told of the fees. `slots`
    are when policies are computed, the oldest before the first order. `outages` None puts none in. The same question
    has the same answer.
    """

    markets: Sequence[Market]
    profiles: Mapping[str, Profile]
    fees: Mapping[str, Fees]
    rule_sets: Mapping[str, RuleSet]
    slots: Sequence[datetime]
    fee_gaps: Mapping[str, FeeGap]
    execution: Execution = field(default_factory=Execution)
    outages: OutagePlan | None = None
    run_count: int = 1
    seed: int = 1

    @property
    def step_count(self) -> int:
        """How many steps of work will be reported."""
        return self.run_count * len(self.rule_sets) * len(self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The answer: each policy's result, the plain ones first, and how much was looked at.

    `order_count` is over all runs, `day_count` of one run, `outage_count` over all runs and markets.
    """

    results: Sequence[PolicyResult]
    order_count: int
    day_count: float
    outage_count: int

    def of(self, name: str) -> PolicyResult:
        """Return the result of this policy. Raises StopIteration for a name that there is not."""
        return next(result for result in self.results if result.name == name)


def _ignore(steps: int) -> None:
    """Report nothing."""


def run_backtest(question: BacktestRequest, report: Callable[[int], None] = _ignore) -> Backtest:
    """Send the same orders by every policy, run by run, and compare what they cost.

    `report` is told how many steps more are done. Raises EvaluationError where the candles are too short for the
    outages, or not one order arrives.
    """
    fee_gaps = [question.fee_gaps.get(market.symbol, NO_FEES) for market in question.markets]
    setting = BacktestContext.of(question.markets, question.slots, fee_gaps)
    runs = [_run(question, setting, number, report) for number in range(question.run_count)]
    comparison = PolicyComparison(setting, runs)
    if comparison.order_count == 0:
        raise BacktestError("not one order arrives: the candles are too short, or the orders too few")
    return Backtest(
        results=tuple(comparison.result(name) for name in runs[0].routings),
        order_count=comparison.order_count,
        day_count=comparison.day_count,
        outage_count=sum(len(run.outages) for run in runs),
    )


def _run(question: BacktestRequest, setting: BacktestContext, number: int, report: Callable[[int], None]) -> DrawnRun:
    markets, plan, seed = question.markets, question.outages, question.seed
    orders = draw_orders(markets, question.profiles, question.execution.wait_bars, seed=seed, run=number)
    outages = draw_outages(plan, markets, seed=seed, run=number) if plan else ()
    is_within = arriving_within(orders, outages)
    is_struck = is_within & (orders.failure_draw < (plan.miss_share if plan else 0.0))
    fees = [question.fees[market.symbol] for market in markets]
    outcomes = outcomes_of(orders, markets, fees, question.execution, is_struck, plan)
    routings = _plain_routings(orders, setting, is_within if plan else None)
    for name, rules in question.rule_sets.items():
        routings[name] = route(rules, orders, outcomes, setting, report)
    return DrawnRun(orders=orders, outcomes=outcomes, outages=outages, is_within_outage=is_within, routings=routings)


def _plain_routings(orders: Orders, setting: BacktestContext, is_within_outage: Flags | None) -> dict[str, Routing]:
    """Send without looking; with outages also as one who knows them, takes in them and posts first otherwise."""
    maker = always(Action.FULL_WAIT, orders, setting)
    routings = {ALWAYS_TAKER: always(Action.TAKER, orders, setting), ALWAYS_MAKER: maker}
    if is_within_outage is not None:
        action = np.where(is_within_outage, Action.TAKER, Action.FULL_WAIT)
        routings[ORACLE] = Routing(action=action, policy=maker.policy, is_probe=maker.is_probe)
    return routings
