"""The loop: orders make outcomes, outcomes make evidence, and evidence makes the policy of the next orders."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain

import numpy as np

from jobs.backtest.actions import FULL_WAIT, HALF_WAIT, QUARTER_WAIT, TAKER, Action
from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.cost_log import CostLog
from jobs.backtest.evidence import EndedOrder, History, MakerOrders
from jobs.backtest.market import Market
from jobs.backtest.orders import PROBE_NUMBER_COUNT, Orders
from jobs.backtest.outage_log import OutageLog
from jobs.backtest.outcomes import OutcomesByAction
from jobs.backtest.routing_rules import RoutingRules
from policy import Evidence, TakerBias, Volatility
from policy.fee_gap import FeeGap
from policy.rules import Decision, State
from policy.streaks import Streaks

_WAITS = {
    TakerBias.PREFER_MAKER: FULL_WAIT,
    TakerBias.BALANCED: HALF_WAIT,
    TakerBias.PREFER_TAKER: QUARTER_WAIT,
}
_REPORT_EVERY = 96


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutedOrders:
    """How each order was sent, and the policy at each slot (first axis) of each market (second axis).

    Both are indexes of `actions`, and so is `never_off`: how each order would go if maker first were never off, with
    the full wait and as many posts as the policy states.
    """

    actions: Sequence[Action]
    action: Integers
    never_off: Integers
    policy: Integers
    is_probe: Flags

    @property
    def maker_share(self) -> Floats:
        """The share of each order that was posted first."""
        shares = np.array([action.maker_share if action.is_maker else 0.0 for action in self.actions])
        return np.asarray(shares[self.action])

    @property
    def is_off(self) -> Flags:
        """Whether the policy is taker, by slot and by market."""
        return np.array([not action.is_maker for action in self.actions])[self.policy]

    def flips(self) -> Flags:
        """Return whether the policy changed, by slot after the first and by market."""
        return np.asarray(np.diff(self.policy, axis=0) != 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BacktestContext:
    """What is the same for every policy: the slots, oldest first, and the volatility of each market at them.

    `slots_seconds` are the slots since 1970; `volatility` is by market, then by slot; `fee_gaps` by market.
    """

    markets: Sequence[Market]
    slots: Sequence[datetime]
    slots_seconds: Sequence[int]
    volatility: Sequence[Sequence[Volatility]]
    fee_gaps: Sequence[FeeGap]

    @classmethod
    def of(cls, markets: Sequence[Market], slots: Sequence[datetime], fee_gaps: Sequence[FeeGap]) -> "BacktestContext":
        """Measure the volatility of each market at each slot."""
        seconds = np.array([int(slot.timestamp()) for slot in slots], dtype=np.int64)
        return cls(
            markets=markets,
            slots=slots,
            slots_seconds=seconds.tolist(),
            volatility=[market.volatility_at(seconds) for market in markets],
            fee_gaps=fee_gaps,
        )


def always(action: Action, orders: Orders, context: BacktestContext) -> RoutedOrders:
    """Send every order the same way."""
    return RoutedOrders(
        actions=(action,),
        action=np.zeros(len(orders), dtype=np.int64),
        never_off=np.zeros(len(orders), dtype=np.int64),
        policy=np.zeros((len(context.slots), len(context.markets)), dtype=np.int64),
        is_probe=np.zeros(len(orders), dtype=np.bool_),
    )


def route(
    rules: RoutingRules,
    orders: Orders,
    outcomes: OutcomesByAction,
    context: BacktestContext,
    report: Callable[[int], None],
) -> RoutedOrders:
    """Send every order by the rule set, which decides at each slot on the orders that ended before it.

    An order follows the policy of the newest slot before its arrival, and maker first before the first slot. If the
    policy holds orders out, chance sends that share of them the other way. `report` is called from time to time with
    the number of slots that were done since the last call.
    """
    loop = _Loop(rules, orders, outcomes, context)
    for number in range(len(context.slots)):
        loop.run_slot(number)
        if (number + 1) % _REPORT_EVERY == 0:
            report(_REPORT_EVERY)
    report(len(context.slots) % _REPORT_EVERY)
    return loop.routed()


class _Loop:
    """One rule set on its way through the slots."""

    def __init__(
        self, rules: RoutingRules, orders: Orders, outcomes: OutcomesByAction, context: BacktestContext
    ) -> None:
        self._rules, self._context, self._outcomes = rules, context, outcomes
        self._arrives: list[int] = orders.arrives_seconds.tolist()
        self._market: list[int] = orders.market.tolist()
        self._probe_number: list[int] = orders.probe_number.tolist()
        self._histories = [History() for _ in context.markets]
        self._pool = MakerOrders()
        self._outage_log = _outage_log(rules, len(context.markets), len(orders))
        self._cost_log = _cost_log(rules, context)
        self._states: list[State | None] = [rules.newcomer(()) for _ in context.markets]
        self._under_way: list[tuple[int, int]] = []
        self._next_order = 0
        self._sent: list[Action] = [FULL_WAIT] * len(orders)
        self._never_off: list[Action] = [FULL_WAIT] * len(orders)
        self._is_probe = [False] * len(orders)
        self._policies: list[list[Action]] = []
        self._send_until(context.slots_seconds[0], None)

    def run_slot(self, number: int) -> None:
        """Decide for every market as of the slot, and send the orders that arrive up to the next one."""
        seconds = self._context.slots_seconds
        self._add_outcomes(seconds[number])
        decisions = self._decide(number)
        self._policies.append([_action(decision) for decision in decisions])
        self._send_until(seconds[number + 1] if number + 1 < len(seconds) else None, decisions)

    def routed(self) -> RoutedOrders:
        """Return what was sent and decided, after the last slot."""
        actions = tuple(dict.fromkeys((*self._sent, *self._never_off, *chain.from_iterable(self._policies))))
        index = {action: number for number, action in enumerate(actions)}
        return RoutedOrders(
            actions=actions,
            action=np.array([index[action] for action in self._sent], dtype=np.int64),
            never_off=np.array([index[action] for action in self._never_off], dtype=np.int64),
            policy=np.array([[index[action] for action in row] for row in self._policies], dtype=np.int64),
            is_probe=np.array(self._is_probe, dtype=np.bool_),
        )

    def _add_outcomes(self, slot_seconds: int) -> None:
        """Add the outcomes that ended before the slot to the evidence."""
        while self._under_way and self._under_way[0][0] < slot_seconds:
            _, order = heapq.heappop(self._under_way)
            outcome = self._outcome(order)
            self._histories[self._market[order]].add(outcome)
            self._pool.add(outcome)
            if self._outage_log:
                self._outage_log.add(self._market[order], outcome, self._states[self._market[order]] or State())
            if self._cost_log:
                self._cost_log.add(self._market[order], outcome)

    def _outcome(self, order: int) -> EndedOrder:
        action = self._sent[order]
        outcomes = self._outcomes.of(action)
        return EndedOrder(
            ends_seconds=int(outcomes.ends_seconds[order]),
            slippage_bps=float(outcomes.slippage_bps[order]),
            arrival_quote_bps=float(self._outcomes.arrival_quote_bps[order]),
            is_maker=action.is_maker,
            is_filled=bool(outcomes.is_filled[order]),
            is_rejected=action.is_maker and bool(self._outcomes.is_rejected[order]),
            went_through=bool(outcomes.went_through[order]),
            is_probe=self._is_probe[order],
        )

    def _decide(self, number: int) -> list[Decision]:
        judgements = [
            self._rules.decide_with_state(evidence, state)
            for evidence, state in zip(self._evidence(number), self._states, strict=True)
        ]
        self._states = [judgement.after for judgement in judgements]
        return [judgement.decision for judgement in judgements]

    def _evidence(self, number: int) -> list[Evidence]:
        slot, context = self._context.slots_seconds[number], self._context
        nothing: list[None] = [None] * len(context.markets)
        streaks = self._streaks(number) if self._rules.has_state else nothing
        costs = self._cost_log.evidence(slot) if self._cost_log else nothing
        return [
            Evidence(
                symbol=market.symbol,
                effectiveness=self._histories[index].effectiveness(slot),
                volatility=context.volatility[index][number],
                fee_gap=context.fee_gaps[index],
                streaks=streaks[index],
                cost=costs[index],
            )
            for index, market in enumerate(context.markets)
        ]

    def _streaks(self, number: int) -> list[Streaks]:
        slot, as_of = self._context.slots_seconds[number], self._context.slots[number]
        states = [state or State() for state in self._states]
        pool = self._pool.streak(slot, states[0].pool)
        outages = self._outage_log.evidence(slot, states) if self._outage_log else None
        return [
            Streaks(
                as_of=as_of,
                own=history.maker_orders.streak(slot, state.own),
                reject_streak=history.maker_orders.reject_streak(slot, state.own),
                pool=pool,
                own_outage=outages.own[market] if outages else None,
                pool_outage=outages.pool if outages else None,
            )
            for market, (history, state) in enumerate(zip(self._histories, states, strict=True))
        ]

    def _send_until(self, seconds: int | None, decisions: Sequence[Decision] | None) -> None:
        """Send the orders that arrive at this time or before; None sends all that are left."""
        while self._next_order < len(self._arrives):
            order = self._next_order
            if seconds is not None and self._arrives[order] > seconds:
                return
            if decisions is not None:
                self._send(order, decisions[self._market[order]])
            ends = self._outcomes.of(self._sent[order]).ends_seconds[order]
            heapq.heappush(self._under_way, (int(ends), order))
            self._next_order += 1

    def _send(self, order: int, decision: Decision) -> None:
        self._never_off[order] = _as_maker(TakerBias.PREFER_MAKER, decision.maker_posts)
        self._sent[order] = _action(decision)
        if not decision.policy.maker_first:
            probe = _probe(decision, self._probe_number[order])
            self._is_probe[order], self._sent[order] = probe is not None, probe or TAKER
        if decision.holdout_share and self._probe_number[order] < decision.holdout_share * PROBE_NUMBER_COUNT:
            self._sent[order] = TAKER if decision.policy.maker_first else self._never_off[order]


def _outage_log(rules: RoutingRules, market_count: int, order_count: int) -> OutageLog | None:
    parameters = rules.outage_parameters
    return OutageLog(market_count, order_count, parameters) if parameters else None


def _cost_log(rules: RoutingRules, context: BacktestContext) -> CostLog | None:
    parameters = rules.cost_parameters
    return CostLog([fee_gap.gap_bps for fee_gap in context.fee_gaps], parameters) if parameters else None


def _action(decision: Decision) -> Action:
    """Return how the policy sends orders that are no probes."""
    if not decision.policy.maker_first:
        return TAKER
    return _as_maker(decision.policy.taker_bias, decision.maker_posts)


@cache
def _as_maker(bias: TakerBias, maker_posts: int | None) -> Action:
    return replace(_WAITS[bias], maker_posts=maker_posts or 1)


def _probe(decision: Decision, probe_number: int) -> Action | None:
    """Return how an order is a probe while maker first is off, None if it is none; a probe is posted once."""
    if decision.probe_share is not None:
        return replace(FULL_WAIT, maker_share=decision.probe_share)
    every = decision.probe_every
    return HALF_WAIT if every is not None and probe_number % every == 0 else None
