"""The evidence of costs in a backtest: kept order by order, as the job measures it, and what it leads to."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from statistics import fmean, pstdev
from typing import cast

import numpy as np
import pytest
from hypothesis import strategies as st

from jobs.backtest.actions import FULL_WAIT, TAKER
from jobs.backtest.cost_log import CostLog
from jobs.backtest.evidence import EndedOrder
from jobs.backtest.execution import Execution
from jobs.backtest.orders import PROBE_NUMBER_COUNT, coin_profile, draw_orders
from jobs.backtest.outcomes import OutcomesByAction
from jobs.backtest.routing import BacktestContext, RoutedOrders, route
from jobs.plan import Fees, Plan
from jobs.run.recompute import recompute
from policy.fee_gap import FeeGap
from policy.maker_cost import CostParameters, CostSample
from policy.rules import RuleSet, rule_set
from storage.records import Origin
from tests.integration.test_backtest_evidence import END, SYMBOLS, Recording, candles_of, markets, rows_of
from tests.support.backtest_markets import START
from tests.support.families import family
from tests.support.outcomes import NAMES, write_csv
from tests.support.small_runs import canonical

DAY = 86400
SLOT = 100 * DAY
GAPS = (3.0, 0.5, None)


def ended(
    at: int, slippage_bps: float, *, is_maker: bool = True, is_filled: bool = False, is_probe: bool = False
) -> EndedOrder:
    return EndedOrder(
        ends_seconds=at,
        slippage_bps=slippage_bps,
        arrival_quote_bps=0.5,
        is_maker=is_maker,
        is_filled=is_maker and is_filled,
        is_rejected=False,
        went_through=False,
        is_probe=is_probe,
    )


orders = st.tuples(
    st.integers(0, 2),
    st.builds(
        ended,
        st.integers(SLOT - 61 * DAY, SLOT - 1),
        st.floats(-200.0, 200.0),
        is_maker=st.booleans(),
        is_filled=st.booleans(),
        is_probe=st.sampled_from((False, False, False, True)),
    ),
)


def expected(sent: Sequence[tuple[int, EndedOrder]], of: Sequence[int], *, is_maker: bool) -> CostSample:
    costs = [
        max(-150.0, min(150.0, order.slippage_bps - 0.5)) - ((GAPS[market] or 0.0) if order.is_filled else 0.0)
        for market, order in sent
        if market in of and order.is_maker is is_maker and not order.is_probe and order.ends_seconds >= SLOT - 60 * DAY
    ]
    return (
        CostSample(order_count=len(costs), mean_bps=fmean(costs), deviation_bps=pstdev(costs))
        if costs
        else CostSample()
    )


@family(short=20, long=300, drawn=st.lists(orders, max_size=40))
def test_the_log_has_the_costs_of_sixty_days_by_market_and_of_those_with_fees_together(
    drawn: list[tuple[int, EndedOrder]],
) -> None:
    sent = sorted(drawn, key=lambda each: each[1].ends_seconds)
    log = CostLog(GAPS, CostParameters())
    for number, (market, order) in enumerate(sent):
        log.add(market, order)
        if number % 7 == 0:
            log.evidence(order.ends_seconds + 1)  # slots go forward, and orders leave on the way

    evidence = log.evidence(SLOT)

    for market, cost in enumerate(evidence):
        own = [market] if GAPS[market] is not None else []
        for sample, of, is_maker in (
            (cost.own.maker, own, True),
            (cost.own.taker, own, False),
            (cost.pool.maker, [0, 1], True),
            (cost.pool.taker, [0, 1], False),
        ):
            hand = expected(sent, of, is_maker=is_maker)
            assert sample.order_count == hand.order_count
            assert sample.mean_bps == pytest.approx(hand.mean_bps, abs=1e-6)
            assert sample.deviation_bps == pytest.approx(hand.deviation_bps, abs=1e-4)


def routed(
    parameters: dict[str, object], gap_bps: float, orders_per_day: float = 40.0
) -> tuple[RoutedOrders, OutcomesByAction, Recording, list[dict[str, object]]]:
    """Send the orders of twelve days by `measured`, hour by hour; also the rows of the log that this leaves."""
    of = markets()
    drawn = draw_orders(of, dict.fromkeys(SYMBOLS, coin_profile(orders_per_day)), 4, seed=3, repetition=0)
    fees = [Fees(maker_bps=1.0, taker_bps=1.0 + gap_bps)] * 3
    nothing = np.zeros(len(drawn), dtype=np.bool_)
    outcomes = OutcomesByAction(drawn, of, fees, Execution(), nothing, None)
    slots = [START + number * timedelta(hours=1) for number in range(12 * 24 + 1)]
    recording = Recording(rule_set("measured", parameters))
    context = BacktestContext.of(of, slots, [FeeGap(gap_bps=gap_bps)] * 3)
    routing = route(cast(RuleSet, recording), drawn, outcomes, context, lambda _: None)
    rows = rows_of(drawn, outcomes, routing)
    for number, row in enumerate(rows):
        row["arrival_quote_bps"] = float(outcomes.arrival_quote_bps[number])
    held_out = drawn.probe_number < 0.05 * PROBE_NUMBER_COUNT
    for row, is_drawn in zip(rows, held_out, strict=True):
        row["is_drawn"] = bool(is_drawn)
    return routing, outcomes, recording, rows


def test_the_evidence_of_a_slot_is_what_the_job_measures_of_the_same_outcomes(tmp_path: Path) -> None:
    _, _, recording, rows = routed({"holdout_while_maker": 0.05, "cost_days": 5}, gap_bps=1.0)
    names = (*NAMES, "went_through", "arrival_quote_bps")
    job = Plan(
        scope="default",
        orders=canonical(write_csv(tmp_path / "log.csv", rows, names), deduplicate=False),
        candles=candles_of(tmp_path, markets()),
        rule_set=recording.rules,
        symbols=SYMBOLS,
        fees={"": Fees(maker_bps=1.0, taker_bps=2.0)},
    )
    for number in (0, 30, 200, 288):
        run = recompute(
            job, START + number * timedelta(hours=1), origin=Origin.MANUAL, started_at=END, states={"measured": {}}
        )
        for judgement, mine in zip(run.judgements, recording.judged[3 * number : 3 * number + 3], strict=True):
            measured, kept = judgement.evidence.cost, mine.evidence.cost
            assert measured is not None
            assert kept is not None
            for theirs, ours in (
                (measured.own.maker, kept.own.maker),
                (measured.own.taker, kept.own.taker),
                (measured.pool.maker, kept.pool.maker),
            ):
                assert theirs.order_count == ours.order_count
                assert theirs.mean_bps == pytest.approx(ours.mean_bps, abs=1e-6)
                assert theirs.deviation_bps == pytest.approx(ours.deviation_bps, abs=1e-5)
    last = recording.judged[-1].evidence.cost
    assert last is not None
    assert last.pool.taker.order_count > 20  # those that were held out


def test_chance_sends_the_share_of_the_policy_the_other_way() -> None:
    never, _, _, rows = routed(
        {"holdout_while_maker": 0.05, "least_own_orders": 10**6, "least_pool_orders": 10**6}, 3.0
    )
    is_taker = [never.actions[action] == TAKER for action in never.action]

    assert is_taker == [row["is_drawn"] for row in rows]
    assert 0.02 < np.mean(is_taker) < 0.08
    assert not never.is_off.any()


def test_where_crossing_costs_less_it_goes_to_taker_and_holds_out_maker_orders() -> None:
    # Taker fees 40 bps below maker fees: a maker fill costs 40 more, which a hundred orders show.
    routing, _, recording, _ = routed({"act_on_fee_gap": False}, -40.0)
    sent = np.array([routing.actions[action].is_maker for action in routing.action])

    assert routing.is_off[-1].all()
    assert not routing.is_off[0].any()
    assert recording.judged[-1].decision.holdout_share == 0.05
    late = sent[-500:]
    assert 0.02 < late.mean() < 0.09
    assert {routing.actions[action] for action in routing.action} <= {TAKER, FULL_WAIT}
