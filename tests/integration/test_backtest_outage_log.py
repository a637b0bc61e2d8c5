"""The evidence of an outage that a backtest sums over arrays is what `policy.outage_evidence` gives order by order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import pytest
from hypothesis import strategies as st

from jobs.backtest.evidence import EndedOrder
from jobs.backtest.outage_log import OutageLog, shiryaev_roberts_sum
from policy.outage_evidence import (
    FillCount,
    OutageEvidence,
    OutageParameters,
    increment,
    normal_fill_probability,
    outage_sum,
    outage_sum_in_closed_form,
)
from policy.rules.breaker_state import Breaker, State
from tests.support.families import family

MARKET_COUNT = 3
HOUR = 3600
WEEK = 7 * 24 * HOUR
UNUSUAL = OutageParameters(
    outage_fill_probability=0.1,
    prior_through_misses=2.0,
    prior_through_orders=10.0,
    lowest_through_miss_ratio=0.05,
    prior_other_fills=1.0,
    prior_other_orders=3.0,
    lowest_other_fill_ratio=0.1,
    highest_ratio=0.8,
)


@dataclass
class Sent:
    """One maker order as it was added: of a market, with the state of that market when it ended."""

    market: int
    outcome: EndedOrder
    state: State


def ended(at: int, *, through: bool, filled: bool, is_maker: bool = True, is_probe: bool = False) -> EndedOrder:
    return EndedOrder(
        ends_seconds=at,
        slippage_bps=0.0,
        arrival_quote_bps=0.5,
        is_maker=is_maker,
        is_filled=filled,
        is_rejected=False,
        went_through=through,
        is_probe=is_probe,
    )


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def in_plain_form(
    sent: list[Sent], slot: int, breaker: Breaker, parameters: OutageParameters, market: int | None
) -> OutageEvidence:
    """Walk the orders one by one; `market` None is the pool."""
    window = [each for each in sent if each.outcome.is_maker and each.outcome.ends_seconds >= slot - WEEK]
    counts: dict[tuple[int, bool], FillCount] = {}
    increments = []
    for each in window:
        outcome, kind = each.outcome, (each.market, each.outcome.went_through)
        so_far = counts.get(kind, FillCount())
        if not each.state.is_open and not outcome.is_probe:
            filled = so_far.fill_count + outcome.is_filled
            counts[kind] = FillCount(order_count=so_far.order_count + 1, fill_count=filled)
        is_mine = each.state.own.opened_at is None if market is None else each.market == market
        if is_mine and (breaker.restarted_at is None or at(outcome.ends_seconds) >= breaker.restarted_at):
            normal = normal_fill_probability(outcome.went_through, so_far, parameters)
            increments.append(increment(outcome.went_through, normal, parameters, is_filled=outcome.is_filled))
    probes = [
        each.outcome.is_filled
        for each in sent
        if each.outcome.is_maker
        and market in (None, each.market)
        and breaker.opened_at is not None
        and at(each.outcome.ends_seconds) >= breaker.opened_at
    ]
    streak = max((len(list(run)) for is_filled, run in groupby(probes) if is_filled), default=0)
    total = outage_sum(increments) if increments else None
    return OutageEvidence(sum_before=total, order_count=len(increments), filled_probe_streak=streak)


def assert_alike(mine: OutageEvidence, plain: OutageEvidence) -> None:
    assert (mine.order_count, mine.filled_probe_streak) == (plain.order_count, plain.filled_probe_streak)
    assert mine.sum_before == (None if plain.sum_before is None else pytest.approx(plain.sum_before, abs=1e-8))


@family(
    short=15,
    long=1000,
    seed=st.integers(0, 10**6),
    orders_per_hour=st.sampled_from([0.2, 2.0]),
    fill_ratio=st.sampled_from([0.1, 0.6, 0.97]),
    parameters=st.sampled_from([OutageParameters(), UNUSUAL]),
)
def test_at_every_slot_the_evidence_is_that_of_a_walk_over_the_orders(
    seed: int, orders_per_hour: float, fill_ratio: float, parameters: OutageParameters
) -> None:
    chance = np.random.default_rng(seed)
    log, sent = OutageLog(MARKET_COUNT, 10_000, parameters), list[Sent]()
    states = [State()] * MARKET_COUNT
    for slot in range(24 * HOUR, 10 * 24 * HOUR, 12 * HOUR):
        for ends in np.sort(chance.integers(slot - 12 * HOUR, slot, chance.poisson(12 * orders_per_hour))).tolist():
            market, maker = int(chance.integers(MARKET_COUNT)), bool(chance.random() < 0.9)
            outcome = ended(
                ends,
                through=maker and chance.random() < 0.7,
                filled=maker and chance.random() < fill_ratio,
                is_maker=maker,
                is_probe=chance.random() < 0.05,
            )
            log.add(market, outcome, states[market])
            sent.append(Sent(market, outcome, states[market]))

        evidence = log.evidence(slot, states)

        for market in range(MARKET_COUNT):
            assert_alike(evidence.own[market], in_plain_form(sent, slot, states[market].own, parameters, market))
        assert_alike(evidence.pool, in_plain_form(sent, slot, states[0].pool, parameters, None))
        pool = moved(states[0].pool, slot, chance)
        states = [State(own=moved(state.own, slot, chance), pool=pool) for state in states]


def moved(breaker: Breaker, slot: int, chance: np.random.Generator) -> Breaker:
    """Open or close a breaker now and then."""
    if chance.random() < 0.7:
        return breaker
    if breaker.opened_at is None:
        return Breaker(opened_at=at(slot), restarted_at=breaker.restarted_at)
    return Breaker(restarted_at=at(slot))


def test_the_sum_is_that_of_the_closed_form() -> None:
    increments = [4.5, -3.5, 0.04, 4.6, 4.6]

    assert shiryaev_roberts_sum(np.array(increments)) == pytest.approx(outage_sum_in_closed_form(increments))


def test_two_orders_that_the_market_traded_through_and_that_missed_open_a_breaker_after_many_that_filled() -> None:
    log = OutageLog(1, 300, OutageParameters())
    for minute in range(200):
        log.add(0, ended(minute * 60, through=True, filled=True), State())
    before = log.evidence(200 * 60, [State()])
    for minute in (200, 201):
        log.add(0, ended(minute * 60, through=True, filled=False), State())

    after = log.evidence(202 * 60, [State()])

    assert before.own[0].sum_before is not None
    assert before.own[0].sum_before < -3
    # eps is 1 in 225, at least 0.01: log(0.97 / 0.01) = 4.57 twice, less what is left of the fills before
    assert after.own[0].sum_before == pytest.approx(2 * np.log(97) + np.log(1 + 1 / 97), abs=0.05)
