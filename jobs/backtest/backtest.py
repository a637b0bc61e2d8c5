"""The use case: what each policy would have cost on these candles, with the same orders for each policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from jobs.backtest.actions import FULL_WAIT, TAKER, Action
from jobs.backtest.arrays import Flags
from jobs.backtest.comparison import (
    ALWAYS_MAKER,
    ALWAYS_REPOSTED,
    ALWAYS_TAKER,
    ORACLE,
    FillRuleResult,
    PlainCosts,
    PolicyComparison,
    PolicyResult,
    Repetition,
)
from jobs.backtest.errors import BacktestError
from jobs.backtest.execution import Execution
from jobs.backtest.fill_evidence import FillEvidence
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders, Profile, draw_orders
from jobs.backtest.outages import Outage, OutagePlan, arriving_within, draw_outages
from jobs.backtest.outcomes import OutcomesByAction
from jobs.backtest.routing import BacktestContext, RoutedOrders, always, route
from jobs.backtest.routing_rules import RoutingRules
from jobs.plan import Fees
from policy.fee_gap import NO_FEES, FeeGap


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What is backtested: the markets in order, how each is traded, and the rule sets by their names in the result.

    Profiles and fees are by symbol, for every market. `fee_gaps` are what the rule sets know of the fees. `slots` are
    when policies are computed, the oldest before the first order. `fill_evidence` is of the log, and changes no result;
    None if the log was not read. `maker_posts` is how many posts the plain policy that
    re-posts divides the full wait into. With `drift_bps` the price moves so far with an order while it waits. `outages`
    None simulates none. Each of the `repetition_count` repetitions draws orders of its own. The same request gives the
    same result.
    """

    markets: Sequence[Market]
    profiles: Mapping[str, Profile]
    fees: Mapping[str, Fees]
    rule_sets: Mapping[str, RoutingRules]
    slots: Sequence[datetime]
    fee_gaps: Mapping[str, FeeGap]
    execution: Execution = field(default_factory=Execution)
    fill_evidence: FillEvidence | None = None
    maker_posts: int = 4
    drift_bps: float = 0.0
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

    `by_fill_rule` compares the plain policies under every fill rule, with the same orders. `order_count` is over all
    repetitions, `day_count` of one of them, `outage_count` over all repetitions and markets.
    """

    results: Sequence[PolicyResult]
    by_fill_rule: Mapping[FillRule, FillRuleResult]
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
        by_fill_rule={rule: comparison.by_fill_rule(rule) for rule in FillRule},
        order_count=comparison.order_count,
        day_count=comparison.day_count,
        outage_count=sum(len(repetition.outages) for repetition in repetitions),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chance:
    """What is drawn for one repetition."""

    orders: Orders
    outages: Sequence[Outage]
    is_within_outage: Flags

    @classmethod
    def of(cls, request: BacktestRequest, number: int) -> "_Chance":
        markets, plan, seed = request.markets, request.outages, request.seed
        orders = draw_orders(
            markets,
            request.profiles,
            request.execution.wait_bars,
            seed=seed,
            repetition=number,
            drift_bps=request.drift_bps,
        )
        outages = draw_outages(plan, markets, seed=seed, repetition=number) if plan else ()
        return cls(orders=orders, outages=outages, is_within_outage=arriving_within(orders, outages))

    def outcomes(self, request: BacktestRequest, fill_rule: FillRule) -> OutcomesByAction:
        """Return what becomes of the orders if they fill by this rule."""
        plan, execution = request.outages, replace(request.execution, fill_rule=fill_rule)
        is_affected = self.is_within_outage & (self.orders.failure_draw < (plan.miss_share if plan else 0.0))
        fees = [request.fees[market.symbol] for market in request.markets]
        return OutcomesByAction(self.orders, request.markets, fees, execution, is_affected, plan)


def _repeat(
    request: BacktestRequest, context: BacktestContext, number: int, report: Callable[[int], None]
) -> Repetition:
    chance = _Chance.of(request, number)
    outcomes = chance.outcomes(request, request.execution.fill_rule)
    reposted = replace(FULL_WAIT, maker_posts=request.maker_posts)
    routings = _plain_routings(chance, context, reposted, has_outages=request.outages is not None)
    for name, rules in request.rule_sets.items():
        routings[name] = route(rules, chance.orders, outcomes, context, report)
    return Repetition(
        orders=chance.orders,
        outcomes=outcomes,
        outages=chance.outages,
        is_within_outage=chance.is_within_outage,
        routings=routings,
        by_fill_rule={rule: PlainCosts.of(chance.outcomes(request, rule), reposted) for rule in FillRule},
    )


def _plain_routings(
    chance: _Chance, context: BacktestContext, reposted: Action, *, has_outages: bool
) -> dict[str, RoutedOrders]:
    """Send all orders alike; with outages also as an oracle, which takes during them and posts first otherwise."""
    maker = always(FULL_WAIT, chance.orders, context)
    routings = {
        ALWAYS_TAKER: always(TAKER, chance.orders, context),
        ALWAYS_MAKER: maker,
        ALWAYS_REPOSTED: always(reposted, chance.orders, context),
    }
    if has_outages:
        action = chance.is_within_outage.astype(np.int64)
        routings[ORACLE] = replace(maker, actions=(FULL_WAIT, TAKER), action=action)
    return routings
