"""The rule set `measured`: when it goes to taker and back, what it does before it knows, and what it holds out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Evidence
from policy.fee_gap import FeeGap
from policy.maker_cost import CostEvidence, CostRoute, CostSample, MakerCost
from policy.outage_evidence import OutageEvidence
from policy.rules import Decision, State, UnknownRuleSetError, recorded_rules, rule_set, rule_set_from_text
from policy.rules.breaker_state import Breaker
from policy.streaks import Streaks

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
QUIET = OutageEvidence(sum_before=-3.5, order_count=40)
OPEN = State(own=Breaker(opened_at=SLOT - timedelta(hours=1)))
# The margin of 2000 orders with a deviation of 10 is 0.679 bps; of 50, 10 * sqrt(1.2 / (50 * 0.2) * log(480)) = 8.61.
GAP = FeeGap(gap_bps=1.7, is_one_tick=True)


def orders(mean_bps: float, count: int = 2000) -> MakerCost:
    return MakerCost(maker=CostSample(order_count=count, mean_bps=mean_bps, deviation_bps=10.0))


def seen(
    own: MakerCost | None = None, pool: MakerCost | None = None, fee_gap: FeeGap = GAP, outage: OutageEvidence = QUIET
) -> Evidence:
    return Evidence(
        symbol="BTCUSDT",
        fee_gap=fee_gap,
        streaks=Streaks(as_of=SLOT, own_outage=outage, pool_outage=QUIET),
        cost=CostEvidence(own=own or MakerCost(), pool=pool or MakerCost()),
    )


def judged(evidence: Evidence, before: State | None = None, **parameters: object) -> tuple[Decision, State]:
    judgement = rule_set("measured", parameters).decide_with_state(evidence, before)
    assert judgement.after is not None
    return judgement.decision, judgement.after


def codes(decision: Decision) -> dict[str, tuple[float | None, float | None]]:
    return {code.code: (code.value, code.threshold) for code in decision.policy.codes}


@pytest.mark.parametrize(("mean_bps", "to_taker"), [(0.67, False), (0.68, True), (-0.68, False)])
def test_it_goes_to_taker_only_if_the_interval_shows_that_maker_orders_cost_more(
    mean_bps: float, to_taker: bool
) -> None:
    decision, after = judged(seen(own=orders(mean_bps)))

    assert decision.policy.maker_first is not to_taker
    assert (after.cost_route is CostRoute.TAKER) is to_taker
    assert decision.policy.taker_bias == ("prefer_taker" if to_taker else "prefer_maker")
    assert (decision.probe_every, decision.probe_share) == (None, None)


@pytest.mark.parametrize(("mean_bps", "back"), [(0.67, False), (0.0, False), (-0.67, False), (-0.68, True)])
def test_it_goes_back_only_if_the_interval_shows_that_maker_orders_cost_less(mean_bps: float, back: bool) -> None:
    decision, after = judged(seen(own=orders(mean_bps)), State(cost_route=CostRoute.TAKER))

    assert decision.policy.maker_first is back
    assert after.cost_route is (CostRoute.MAKER if back else CostRoute.TAKER)
    assert ("kept_taker" in codes(decision)) is not back


def test_the_pool_decides_if_the_symbols_own_evidence_is_not_clear() -> None:
    decision, after = judged(seen(own=orders(0.3), pool=orders(0.9)))

    assert after.cost_route is CostRoute.TAKER
    assert codes(decision)["own_maker_cost_unclear"] == (0.3, pytest.approx(0.679, abs=1e-3))
    assert codes(decision)["pool_maker_costs_more"] == (0.9, pytest.approx(0.679, abs=1e-3))
    assert decision.policy.reason == (
        "go straight to taker; "
        "the symbol's own maker orders cost +0.3 bps against crossing, ±0.68, which is not clear; "
        "the maker orders of all symbols cost 0.9 bps more than crossing, ±0.68; volatility is unknown"
    )


@pytest.mark.parametrize(("own", "pool"), [(-1.0, 1.0), (1.0, -1.0)])
def test_the_symbols_own_evidence_goes_before_the_pools(own: float, pool: float) -> None:
    decision, _ = judged(seen(own=orders(own), pool=orders(pool)))

    assert decision.policy.maker_first is (own < 0)
    assert not any(code.startswith("pool") for code in codes(decision))


@pytest.mark.parametrize(("own", "pool", "decides"), [(49, 99, False), (50, 0, True), (0, 100, True)])
def test_evidence_counts_from_50_orders_of_a_symbol_and_100_of_all(own: int, pool: int, decides: bool) -> None:
    decision, after = judged(seen(own=orders(20.0, own), pool=orders(20.0, pool)))

    assert decision.policy.maker_first is not decides
    assert after.cost_route is (CostRoute.TAKER if decides else None)


def test_what_it_remembered_is_forgotten_when_no_evidence_is_left() -> None:
    decision, after = judged(seen(own=orders(20.0, 49), pool=orders(20.0, 99)), State(cost_route=CostRoute.TAKER))

    assert after.cost_route is None
    assert decision.policy.maker_first is True


@pytest.mark.parametrize(
    ("gap_bps", "is_one_tick", "loses"),
    [(-0.11, True, True), (-0.1, True, False), (-0.11, None, False), (-0.11, False, False)],
)
def test_before_evidence_it_goes_to_taker_only_if_maker_orders_lose_at_their_limit(
    gap_bps: float, is_one_tick: bool | None, loses: bool
) -> None:
    decision, after = judged(seen(fee_gap=FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick)))

    assert decision.policy.maker_first is not loses
    assert after.cost_route is None
    assert ("fee_gap_loses" in codes(decision)) is loses


def test_clear_evidence_goes_before_the_fee_gap() -> None:
    decision, _ = judged(seen(own=orders(-1.0), fee_gap=FeeGap(gap_bps=-0.5, is_one_tick=True)))

    assert decision.policy.maker_first is True
    assert "fee_gap_loses" not in codes(decision)


def test_without_fees_nothing_is_known_and_the_reason_names_it() -> None:
    decision, after = judged(seen(own=orders(5.0), fee_gap=FeeGap()))

    assert decision.policy.maker_first is True
    assert after.cost_route is None
    assert "the settings have no fees for the symbol" in decision.policy.reason


def test_costs_that_were_not_measured_leave_it_as_it_was() -> None:
    decision, after = judged(replace(seen(), cost=None), State(cost_route=CostRoute.TAKER))

    assert decision.policy.maker_first is False
    assert after.cost_route is CostRoute.TAKER
    assert decision.policy.reason == (
        "go straight to taker; what maker orders cost was not measured; volatility is unknown"
    )


def test_taker_orders_of_the_pool_stand_in_for_a_symbol_with_few() -> None:
    # The pool's taker orders paid 0.5 bps beyond their quotes; the symbol's nine paid nothing.
    few = replace(orders(1.0), taker=CostSample(order_count=9, mean_bps=0.0, deviation_bps=0.0))
    many = MakerCost(taker=CostSample(order_count=40, mean_bps=0.5, deviation_bps=0.0))

    decision, _ = judged(seen(own=few, pool=many))

    assert codes(decision)["own_maker_cost_unclear"] == (0.5, pytest.approx(0.679, abs=1e-3))


@pytest.mark.parametrize("own", [orders(5.0), orders(-5.0), None])
def test_an_open_breaker_goes_before_the_evidence_of_costs(own: MakerCost | None) -> None:
    decision, after = judged(seen(own=own, outage=OutageEvidence(sum_before=9.0, order_count=40)), OPEN)

    assert decision.policy.maker_first is False
    assert (decision.probe_every, decision.probe_share) == (5, 0.05)
    assert decision.holdout_share is None
    assert "maker orders are held back but for probes" in decision.policy.reason
    assert after.own.opened_at == OPEN.own.opened_at


@pytest.mark.parametrize(("mean_bps", "share"), [(5.0, 0.05), (-5.0, 0.005)])
def test_it_holds_out_more_while_it_is_taker(mean_bps: float, share: float) -> None:
    decision, _ = judged(seen(own=orders(mean_bps)))
    own_shares, _ = judged(seen(own=orders(mean_bps)), holdout_while_maker=0.0, holdout_while_taker=0.5)

    assert decision.holdout_share == share
    assert own_shares.holdout_share == (0.5 if mean_bps > 0 else 0.0)


def test_without_clear_evidence_it_decides_as_the_breaker() -> None:
    evidence = replace(seen(), cost=CostEvidence(own=orders(0.1), pool=orders(0.1)))
    decision, after = judged(evidence)
    breaker, state = rule_set("breaker").decide_with_state(evidence, None).decision, State()

    assert (decision.policy.maker_first, decision.policy.taker_bias) == (True, breaker.policy.taker_bias)
    assert decision.maker_posts == breaker.maker_posts == 4
    assert after.own == state.own


def test_every_comparison_of_costs_is_explained_and_judged_if_its_orders_count() -> None:
    checks = rule_set("measured").explain(seen(own=orders(0.6), pool=orders(-5, 99)))

    of_costs = [(check.rule, check.value, check.threshold, check.holds) for check in checks if "maker_" in check.figure]
    of_2000, of_99 = pytest.approx(0.679, abs=1e-3), pytest.approx(4.746, abs=1e-3)
    assert of_costs == [
        ("own counts", 2000.0, 50.0, True),
        ("own to taker", 0.6, of_2000, False),
        ("own to maker", 0.6, pytest.approx(-0.679, abs=1e-3), False),
        ("pool counts", 99.0, 100.0, False),
        ("pool to taker", -5, of_99, None),
        ("pool to maker", -5, pytest.approx(-4.746, abs=1e-3), None),
    ]


def test_what_comes_after_evidence_that_is_clear_is_not_judged() -> None:
    losing = FeeGap(gap_bps=-0.2, is_one_tick=True)

    checks = rule_set("measured").explain(seen(own=orders(-0.9), pool=orders(0.9), fee_gap=losing))
    of_pool = rule_set("measured").explain(seen(own=orders(0.6), pool=orders(-0.9), fee_gap=losing))
    kept = rule_set("measured").explain(seen(own=orders(0.6), fee_gap=losing), State(cost_route=CostRoute.MAKER))

    assert {check.rule: check.holds for check in checks if check.figure.endswith("_bps")} == {
        "own to taker": False,
        "own to maker": True,
        "pool to taker": None,
        "pool to maker": None,
        "gap to taker": None,
    }
    holds = {check.rule: check.holds for check in of_pool}
    assert (holds["pool to taker"], holds["pool to maker"], holds["gap to taker"]) == (False, True, None)
    assert {check.rule: check.holds for check in kept}["gap to taker"] is None


@pytest.mark.parametrize(
    ("gap_bps", "is_one_tick", "holds"),
    [(-0.2, True, True), (-0.1, True, False), (-0.2, False, None), (-0.2, None, None)],
)
def test_the_fee_gap_that_decides_before_evidence_is_explained(
    gap_bps: float, is_one_tick: bool | None, holds: bool | None
) -> None:
    evidence = seen(fee_gap=FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick))

    (check,) = (check for check in rule_set("measured").explain(evidence) if check.figure == "fee_gap_bps")

    assert (check.rule, check.value, check.sign, check.threshold) == ("gap to taker", gap_bps, "<", -0.1)
    assert check.holds is holds
    assert judged(evidence)[0].policy.maker_first is not bool(holds)


def test_a_fee_gap_that_decides_nothing_is_not_explained() -> None:
    of_breaker = seen(fee_gap=FeeGap(gap_bps=-0.2, is_one_tick=True))

    checks = rule_set("measured", {"act_on_fee_gap": False}).explain(of_breaker)

    assert [check for check in checks if check.figure == "fee_gap_bps"] == []


@given(
    own=st.floats(-10, 10),
    pool=st.floats(-10, 10),
    own_count=st.integers(0, 5000),
    pool_count=st.integers(0, 5000),
    before=st.sampled_from((None, *CostRoute)),
)
def test_it_never_turns_without_an_interval_that_excludes_zero(
    own: float, pool: float, own_count: int, pool_count: int, before: CostRoute | None
) -> None:
    decision, after = judged(seen(orders(own, own_count), orders(pool, pool_count)), State(cost_route=before))

    turned = after.cost_route not in (before, None)
    assert not turned or codes(decision).keys() & {
        f"{which}_maker_costs_{verdict}" for which in ("own", "pool") for verdict in ("more", "less")
    }
    assert State.from_text(after.to_text()) == after


@pytest.mark.parametrize(
    ("name", "value"), [("holdout_while_maker", -0.1), ("holdout_while_taker", 0.51), ("cost_clip_bps", 0.0)]
)
def test_a_share_or_a_clip_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(UnknownRuleSetError, match=name):
        rule_set("measured", {name: value})


def test_it_reads_back_from_what_is_stored_and_decides_on_the_record_of_its_own_costs_only() -> None:
    rules = rule_set("measured:month", {"cost_days": 30})
    stored = rule_set_from_text(rules.name, rules.version, rules.parameters_text())

    assert stored == rules
    assert stored.cost_parameters is not None
    assert stored.cost_parameters.days == 30
    month = recorded_rules(rules.name, rules.version, rules.parameters_text())
    others = [
        recorded_rules(other.name, other.version, other.parameters_text())
        for other in (
            rule_set("measured"),
            rule_set("measured", {"cost_days": 30, "cost_clip_bps": 50}),
            rule_set("breaker"),
        )
    ]
    assert rules.can_decide_on_record_of(month)
    assert [rules.can_decide_on_record_of(other) for other in others] == [False, False, False]
    assert rule_set("breaker").can_decide_on_record_of(month)
    assert rule_set("breaker1").can_decide_on_record_of(month)
