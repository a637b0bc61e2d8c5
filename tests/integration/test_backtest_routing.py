"""The policy in the loop: what it may see, whom it steers, and that all policies get the same orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import log
from typing import Any, cast

import numpy as np
import pytest

from jobs.backtest.actions import FULL_WAIT, HALF_WAIT, QUARTER_WAIT, TAKER, Action
from jobs.backtest.arrays import Flags, Floats
from jobs.backtest.backtest import Backtest, BacktestRequest, run_backtest
from jobs.backtest.comparison import ALWAYS_MAKER, ALWAYS_TAKER, ORACLE
from jobs.backtest.orders import Orders, Profile, coin_profile
from jobs.backtest.outages import OutagePlan
from jobs.backtest.outcomes import Outcomes, OutcomesByAction
from jobs.backtest.routing import BacktestContext, RoutedOrders, route
from policy import Evidence, Quality, Regime, RouterPolicy, TakerBias
from policy.fee_gap import NO_FEES
from policy.maker_cost import CostParameters
from policy.outage_evidence import OutageParameters
from policy.rules import Decision, Judgement, RuleSet, State, rule_set
from tests.support.backtest_markets import FEES, MINUTE, START, market, orders, walking

FLAT = [(100.5, 99.5, 100.0)] * 60
SLOT_MINUTES = (0, 10, 20, 30)
ON, OFF = (True, TakerBias.PREFER_MAKER), (False, TakerBias.PREFER_TAKER)


@dataclass
class Scripted:
    """A rule set that decides by a script, one line a slot, and keeps what it was shown."""

    script: Sequence[tuple[bool, TakerBias]]
    probe_every: int | None = None
    probe_share: float | None = None
    maker_posts: int | None = None
    has_state: bool = True
    outage_parameters: OutageParameters | None = None
    cost_parameters: CostParameters | None = None
    shown: list[Evidence] = field(default_factory=list)

    def newcomer(self, _: Sequence[State]) -> State:
        return State()

    def decide_with_state(self, evidence: Evidence, before: State | None) -> Judgement:
        maker_first, bias = self.script[len(self.shown)]
        self.shown.append(evidence)
        policy = RouterPolicy(maker_first=maker_first, taker_bias=bias, quality=Quality.OK, reason="")
        decision = Decision(
            policy=policy,
            regime=Regime.NORMAL,
            maker_offset_bps=1.0,
            probe_every=None if maker_first else self.probe_every,
            probe_share=None if maker_first else self.probe_share,
            maker_posts=self.maker_posts,
        )
        return Judgement(evidence=evidence, before=before, decision=decision, after=before)


@dataclass
class Simple:
    """Every maker order takes so many minutes, a taker order none; slippage is the number of the order."""

    arriving: Orders
    minutes: int
    filled: bool

    @property
    def is_rejected(self) -> Flags:
        return np.zeros(len(self.arriving), dtype=np.bool_)

    @property
    def arrival_quote_bps(self) -> Floats:
        return np.zeros(len(self.arriving))

    def of(self, action: Action) -> Outcomes:
        count = len(self.arriving)
        return Outcomes(
            is_filled=np.full(count, action.is_maker and self.filled),
            went_through=np.full(count, action.is_maker),
            slippage_bps=np.arange(count, dtype=np.float64),
            cost_bps=np.zeros(count),
            ends_seconds=self.arriving.arrives_seconds + (self.minutes * 60 if action.is_maker else 0),
        )


def routed(rules: Scripted, arriving: Orders, *, minutes: int = 4, filled: bool = True) -> RoutedOrders:
    setting = BacktestContext.of([market(FLAT)], [START + minute * MINUTE for minute in SLOT_MINUTES], [NO_FEES])
    happened = cast(OutcomesByAction, Simple(arriving, minutes, filled))
    return route(cast(RuleSet, rules), arriving, happened, setting, lambda _: None)


def sent(routing: RoutedOrders) -> list[Action]:
    return [routing.actions[index] for index in routing.action]


def decided(routing: RoutedOrders) -> list[list[Action]]:
    return [[routing.actions[index] for index in row] for row in routing.policy]


def test_a_policy_steers_only_orders_that_arrive_after_its_slot() -> None:
    # an order of bar n arrives at minute n + 1: at 10 and 11, at 20 and 21
    arriving = orders((9, 1), (10, 1), (19, 1), (20, 1))

    routing = routed(Scripted([ON, OFF, ON, ON]), arriving)

    assert sent(routing) == [FULL_WAIT, TAKER, TAKER, FULL_WAIT]


def test_evidence_is_of_outcomes_that_ended_strictly_before_the_slot() -> None:
    # they end at minutes 9, 10 and 11
    arriving = orders((4, 1), (5, 1), (6, 1))
    rules = Scripted([ON] * 4)

    routed(rules, arriving)

    assert [evidence.effectiveness.outcome_count for evidence in rules.shown] == [0, 1, 3, 3]
    assert [evidence.effectiveness.slip_q50 for evidence in rules.shown] == [None, 0.0, 1.0, 1.0]
    assert [evidence.streaks.own.start_count for evidence in rules.shown if evidence.streaks] == [0, 1, 3, 3]
    assert [evidence.streaks.as_of for evidence in rules.shown if evidence.streaks] == [
        START + m * MINUTE for m in SLOT_MINUTES
    ]


def test_a_late_outcome_is_seen_by_its_end_not_by_its_arrival() -> None:
    # the first arrives at minute 2 and takes until 12, the second, a taker order, comes and goes at minute 11
    arriving = orders((1, 1), (10, 1))
    rules = Scripted([ON, OFF, ON, ON])

    routed(rules, arriving, minutes=10)

    assert [evidence.effectiveness.outcome_count for evidence in rules.shown] == [0, 0, 2, 2]
    assert [evidence.effectiveness.maker_started_count for evidence in rules.shown] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("bias", "action"),
    [
        (TakerBias.PREFER_MAKER, FULL_WAIT),
        (TakerBias.BALANCED, HALF_WAIT),
        (TakerBias.PREFER_TAKER, QUARTER_WAIT),
    ],
)
def test_the_bias_sets_the_wait(bias: TakerBias, action: Action) -> None:
    routing = routed(Scripted([(True, bias)] * 4), orders((5, 1)))

    assert sent(routing) == [action]
    assert decided(routing) == [[action]] * 4


def test_while_maker_first_is_off_every_nth_order_goes_as_a_probe_with_half_the_wait() -> None:
    # their probe numbers are 0 to 4
    arriving = orders((1, 1), (2, 1), (3, 1), (4, 1), (5, 1))
    rules = Scripted([OFF] * 4, probe_every=2)

    routing = routed(rules, arriving, filled=False)

    assert routing.is_probe.tolist() == [True, False, True, False, True]
    assert sent(routing) == [HALF_WAIT, TAKER] * 2 + [HALF_WAIT]
    assert decided(routing) == [[TAKER]] * 4


def test_the_policy_sets_into_how_many_posts_the_full_wait_is_divided() -> None:
    script = [ON, (True, TakerBias.BALANCED), OFF, ON]

    routing = routed(Scripted(script, maker_posts=4), orders((5, 1), (15, 1), (25, 1), (35, 1)))

    full = replace(FULL_WAIT, maker_posts=4)
    assert sent(routing) == [full, replace(HALF_WAIT, maker_posts=4), TAKER, full]
    assert [row[0] for row in decided(routing)] == sent(routing)
    # what each order would have been without the policy's taker and its shorter waits
    assert [routing.actions[index] for index in routing.never_off] == [full] * 4


def test_while_maker_first_is_off_every_order_rests_the_share_of_the_policy_and_is_a_probe() -> None:
    rules = Scripted([OFF, ON, OFF, OFF], probe_every=2, probe_share=0.05, maker_posts=4)

    routing = routed(rules, orders((1, 1), (2, -1), (12, 1), (22, 1)), filled=False)

    sliver = Action(patience=1.0, maker_share=0.05)
    assert sent(routing) == [sliver, sliver, replace(FULL_WAIT, maker_posts=4), sliver]
    assert routing.is_probe.tolist() == [True, True, False, True]
    assert [row[0].is_maker for row in decided(routing)] == [False, True, False, False]
    assert routing.maker_share.tolist() == [0.05, 0.05, 1.0, 0.05]


def test_a_rule_set_that_weighs_outages_gets_the_evidence_of_its_market_and_of_the_pool() -> None:
    # three orders that the market came to and that did not fill; they end at minutes 6, 7 and 15
    arriving = orders((1, 1), (2, 1), (10, 1))
    rules = Scripted([ON] * 4, outage_parameters=OutageParameters())

    routed(rules, arriving, filled=False)

    shown = [evidence.streaks for evidence in rules.shown if evidence.streaks]
    assert [streaks.own_outage and streaks.own_outage.order_count for streaks in shown] == [0, 2, 3, 3]
    # the priors of 1 miss in 25, 2 in 26 and 3 in 27: 0.97 / 0.04 = 24.25, 0.97 * 13 = 12.61 and 0.97 * 9 = 8.73
    statistic = [(24.25 * 12.61 + 12.61), ((24.25 * 12.61 + 12.61 + 1) * 8.73)]
    sums = [streaks.own_outage and streaks.own_outage.sum_before for streaks in shown]
    assert sums == [None, *(pytest.approx(log(each), abs=1e-9) for each in (statistic[0], statistic[1], statistic[1]))]
    assert [streaks.pool_outage for streaks in shown] == [streaks.own_outage for streaks in shown]


DAYS = 12
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def question(**changes: Any) -> BacktestRequest:
    markets = [walking(symbol, DAYS * 96) for symbol in SYMBOLS]
    like = Profile(orders_per_day=40, sides=np.array([1, -1]), notionals=np.array([1000.0, 1000.0]))
    asked = BacktestRequest(
        markets=markets,
        profiles=dict.fromkeys(SYMBOLS, like),
        fees=dict.fromkeys(SYMBOLS, FEES),
        rule_sets={name: rule_set(name) for name in ("seed", "breaker")},
        slots=[START + timedelta(hours=number) for number in range(DAYS * 24)],
        fee_gaps={},
        repetition_count=2,
    )
    return replace(asked, **changes)


OUTAGE = OutagePlan(duration=timedelta(hours=24), count=1, is_rejected=True)


def result(evaluation: Backtest, name: str) -> dict[str, object]:
    policy = evaluation.of(name)
    return {
        "cost": policy.cost,
        "by_symbol": policy.over_maker_by_symbol,
        "off": policy.off_share,
        "flips": policy.flips_per_month,
    }


def test_the_same_question_has_the_same_answer_and_another_seed_another() -> None:
    asked = question(outages=OUTAGE)

    assert run_backtest(asked) == run_backtest(asked)
    assert run_backtest(asked).of(ALWAYS_MAKER).cost != run_backtest(replace(asked, seed=2)).of(ALWAYS_MAKER).cost


def test_every_policy_gets_the_same_orders_whatever_others_are_compared() -> None:
    both, alone = run_backtest(question()), run_backtest(question(rule_sets={"breaker": rule_set("breaker")}))

    for name in ("breaker", ALWAYS_MAKER, ALWAYS_TAKER):
        assert result(both, name) == result(alone, name)
    assert len({policy.cost.order_count for policy in both.results}) == 1


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("breaker1", {"min_miss_streak": 10_000}), ("breaker", {"open_sum": 1e6, "pool_open_sum": 1e6})],
)
def test_a_breaker_that_never_opens_costs_to_the_digit_what_always_posting_first_does(
    name: str, parameters: dict[str, object]
) -> None:
    calm = rule_set(name, {"open_reject_streak": 10_000, **parameters})

    evaluation = run_backtest(question(rule_sets={"breaker": calm}, outages=OUTAGE))

    assert evaluation.of("breaker").cost == evaluation.of(ALWAYS_MAKER).cost
    assert set(evaluation.of("breaker").over_maker_by_symbol) == set(SYMBOLS)
    assert all(saving.mean == 0 for saving in evaluation.of("breaker").over_maker_by_symbol.values())


def test_the_breaker_sees_a_day_of_refusals_and_comes_back_and_the_seed_does_not_see_it() -> None:
    evaluation = run_backtest(question(outages=OUTAGE))

    breaker, seed = evaluation.of("breaker").detection, evaluation.of("seed").detection
    assert breaker is not None
    assert seed is not None
    assert (breaker.detected_share, seed.detected_count) == (1.0, 0)
    assert breaker.hours_to_off is not None
    assert breaker.hours_to_off < 6
    assert evaluation.of(ORACLE).over_maker.mean < evaluation.of("breaker").over_maker.mean < 0
    assert evaluation.outage_count == 2 * 2
    assert evaluation.of("breaker").probed_share > 0


def test_what_the_oracle_pays_in_an_outage_is_what_always_taking_pays() -> None:
    evaluation = run_backtest(question(outages=OUTAGE))

    assert evaluation.of(ORACLE).outage_cost_bps == evaluation.of(ALWAYS_TAKER).outage_cost_bps
    assert evaluation.of(ORACLE).outage_cost_bps < evaluation.of(ALWAYS_MAKER).outage_cost_bps  # type: ignore[operator]  # both were measured


def test_money_is_basis_points_of_the_notional_of_a_days_orders() -> None:
    evaluation = run_backtest(question())

    taker = evaluation.of(ALWAYS_TAKER)
    orders_per_day = evaluation.order_count / 2 / evaluation.day_count
    assert taker.money_over_maker_per_day is not None
    assert taker.money_over_maker_per_day.mean == pytest.approx(taker.over_maker.mean / 10_000 * 1000 * orders_per_day)
    unknown = run_backtest(question(profiles=dict.fromkeys(SYMBOLS, coin_profile(40))))
    assert unknown.of(ALWAYS_TAKER).money_over_maker_per_day is None


def test_the_work_that_is_reported_is_the_work_that_was_promised() -> None:
    asked = question()
    reported: list[int] = []

    run_backtest(asked, reported.append)

    assert sum(reported) == asked.step_count == 2 * 2 * DAYS * 24
