"""The rule set `breaker`, version 2: when it opens, how it probes, when it closes, and how often an order is posted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Evidence
from policy.fee_gap import FeeGap
from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder
from policy.rules import Decision, State, UnknownRuleSetError, rule_set, rule_set_from_text
from policy.rules.breaker_state import Breaker, OpenPeriod
from policy.streaks import Streak, Streaks

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = OutageEvidence(sum_before=-3.5, order_count=40)
OPEN = State(own=Breaker(opened_at=SLOT - HOUR))
POOL_OPEN = State(pool=Breaker(opened_at=SLOT - HOUR))


def summed(total: float) -> OutageEvidence:
    return OutageEvidence(sum_before=total, order_count=40)


def probed(filled_in_a_row: int) -> OutageEvidence:
    return OutageEvidence(sum_before=9.0, order_count=40, filled_probe_streak=filled_in_a_row)


def seen(
    own: OutageEvidence | None = QUIET, *, pool: OutageEvidence | None = QUIET, rejects: int = 0, **more: Any
) -> Evidence:
    streaks = Streaks(as_of=SLOT, reject_streak=rejects, own_outage=own, pool_outage=pool)
    return replace(Evidence(symbol="BTCUSDT", streaks=streaks), **more)


def judged(evidence: Evidence, before: State | None = None, **parameters: object) -> tuple[Decision, State]:
    judgement = rule_set("breaker", parameters).decide_with_state(evidence, before)
    assert judgement.after is not None
    return judgement.decision, judgement.after


def missed(minute: int, *, went_through: bool | None) -> WeighedOrder:
    """A miss of a symbol of which 75 of 75 orders of its kind had filled: 1 in 100 misses, or 77 in 80 fills."""
    return WeighedOrder(
        symbol="BTCUSDT",
        order_id=f"o{minute}",
        ended_at=SLOT - timedelta(minutes=minute),
        went_through=went_through,
        is_filled=False,
        so_far=FillCount(order_count=75, fill_count=75),
    )


@pytest.mark.parametrize(("total", "opens"), [(5.999999999, False), (6.0, True), (9.2, True), (-40.0, False)])
def test_the_symbols_breaker_opens_at_a_sum_of_6(total: float, opens: bool) -> None:
    decision, after = judged(seen(summed(total)))

    assert after.own.opened_at == (SLOT if opens else None)
    assert after.pool.opened_at is None
    assert decision.policy.maker_first is not opens
    assert decision.policy.taker_bias == ("prefer_taker" if opens else "prefer_maker")
    assert (decision.probe_every, decision.probe_share) == ((5, 0.05) if opens else (None, None))


@pytest.mark.parametrize(("total", "opens"), [(12.999, False), (13.0, True)])
def test_the_scopes_breaker_opens_at_a_sum_of_13(total: float, opens: bool) -> None:
    decision, after = judged(seen(pool=summed(total)))

    assert after.pool.opened_at == (SLOT if opens else None)
    assert after.own.opened_at is None
    assert decision.policy.maker_first is not opens


@pytest.mark.parametrize(("rejects", "opens"), [(1, False), (2, True)])
def test_it_opens_on_two_refused_orders_in_a_row(rejects: int, opens: bool) -> None:
    decision, after = judged(seen(rejects=rejects))

    assert (after.own.opened_at is not None) is opens
    assert ("2 post-only rejects in a row >= 2" in decision.policy.reason) is opens


def test_the_sum_is_derived_from_the_newest_orders() -> None:
    # Each adds log(0.97 / 0.01) = 4.574711: log(97) alone, and log(97 * 98) = 9.159679 together.
    newest = (missed(9, went_through=True), missed(5, went_through=True))
    one = OutageEvidence(order_count=1, newest_orders=newest[:1])
    two = OutageEvidence(order_count=2, newest_orders=newest)

    _, after_one = judged(seen(one))
    decision, after_two = judged(seen(two))

    assert after_one.own.opened_at is None
    assert after_two.own.opened_at == SLOT
    codes = {code.code: (code.value, code.threshold) for code in decision.policy.codes}
    assert codes["own_outage_sum"] == (pytest.approx(9.159679, abs=1e-6), 6.0)
    assert codes["own_traded_through_misses"] == (2, None)
    assert codes["own_other_misses"] == (0, None)
    assert (
        "of the last 2 maker orders 2 missed, 2 of them although the market traded through their price, "
        "and the evidence of an outage is 9.16 >= 6: the symbol's breaker opened at 2026-04-26T00:15:00Z"
    ) in decision.policy.reason


def test_quiet_misses_do_not_open_it() -> None:
    # Where 5 of 100 orders fill that the market did not trade through, a miss adds log(0.985 / 0.95) = 0.0362.
    quiet = WeighedOrder(
        symbol="BTCUSDT",
        order_id=None,
        ended_at=SLOT - HOUR,
        went_through=False,
        is_filled=False,
        so_far=FillCount(order_count=95, fill_count=3),
    )
    decision, after = judged(seen(OutageEvidence(sum_before=0.0, order_count=48, newest_orders=(quiet,) * 8)))

    assert after.own.opened_at is None
    assert decision.policy.maker_first is True


def test_one_filled_probe_closes_it_and_restarts_the_evidence() -> None:
    _, still = judged(seen(probed(0)), OPEN)
    decision, after = judged(seen(probed(1)), OPEN)

    assert still.own == OPEN.own
    assert after.own.opened_at is None
    assert after.own.restarted_at == SLOT
    assert after.own.open_periods == (OpenPeriod(opened_at=SLOT - HOUR, closed_at=SLOT),)
    assert decision.policy.maker_first is True
    assert (decision.probe_every, decision.probe_share) == (None, None)
    assert "the symbol's breaker closed: a probe filled" in decision.policy.reason


@pytest.mark.parametrize(("relapse_count", "needed"), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 4), (9, 4)])
def test_after_relapses_it_closes_on_more_probes_in_a_row_but_at_most_4(relapse_count: int, needed: int) -> None:
    before = State(own=replace(OPEN.own, relapse_count=relapse_count))

    _, still = judged(seen(probed(needed - 1)), before)
    decision, after = judged(seen(probed(needed)), before)

    assert still.own.opened_at is not None
    assert after.own.opened_at is None
    assert after.own.relapse_count == relapse_count
    assert (f"closed: {needed} probes in a row filled" in decision.policy.reason) is (needed > 1)


@pytest.mark.parametrize(
    ("closed_hours_ago", "relapse_count", "after_opening"),
    [(None, 0, 0), (24.0, 0, 1), (24.01, 0, 0), (2.0, 1, 2), (25.0, 3, 0)],
)
def test_an_opening_within_24_hours_of_closing_is_a_relapse(
    closed_hours_ago: float | None, relapse_count: int, after_opening: int
) -> None:
    closed_at = SLOT - closed_hours_ago * HOUR if closed_hours_ago is not None else None
    before = State(own=Breaker(restarted_at=closed_at, relapse_count=relapse_count))

    _, after = judged(seen(summed(7.0)), before)

    assert after.own.opened_at == SLOT
    assert after.own.relapse_count == after_opening


def test_open_periods_are_remembered_for_seven_days() -> None:
    long_ago = OpenPeriod(opened_at=SLOT - 200 * HOUR, closed_at=SLOT - 168 * HOUR)
    recent = OpenPeriod(opened_at=SLOT - 180 * HOUR, closed_at=SLOT - 167 * HOUR)
    before = State(own=replace(OPEN.own, open_periods=(long_ago, recent)))

    _, after = judged(seen(probed(1)), before)

    assert after.own.open_periods == (recent, OpenPeriod(opened_at=SLOT - HOUR, closed_at=SLOT))
    assert State.from_text(after.to_text()) == after


@pytest.mark.parametrize(
    ("fees", "posts", "because"),
    [
        (FeeGap(gap_bps=1.7, is_one_tick=True), 4, "posting again at the new price: the fee gap of 1.7 bps is 1.7"),
        (FeeGap(gap_bps=1.69, is_one_tick=True), 1, None),
        (FeeGap(gap_bps=1.69, is_one_tick=None), 1, None),
        (FeeGap(gap_bps=0.0, is_one_tick=False), 4, "posting again at the new price: the spread is wide"),
        (FeeGap(gap_bps=None, is_one_tick=False), 4, "posting again at the new price: the spread is wide"),
        (FeeGap(), 1, None),
    ],
)
def test_an_order_is_posted_again_if_the_fee_gap_or_the_spread_pays_for_it(
    fees: FeeGap, posts: int, because: str | None
) -> None:
    decision, _ = judged(seen(fee_gap=fees))

    assert decision.maker_posts == posts
    assert ("posting again" in decision.policy.reason) is (because is not None)
    assert because is None or because in decision.policy.reason


def test_an_open_breaker_gives_no_reason_for_posting_again() -> None:
    decision, _ = judged(seen(fee_gap=FeeGap(gap_bps=3.0)), OPEN)

    assert "posting again" not in decision.policy.reason
    assert not any(code.code.startswith("reposts") for code in decision.policy.codes)


def test_version_1_and_the_seed_neither_post_again_nor_send_slivers() -> None:
    evidence = replace(seen(rejects=2, fee_gap=FeeGap(gap_bps=3.0)))

    for name in ("seed", "breaker1"):
        decision = rule_set(name).decide(evidence)
        assert (decision.maker_posts, decision.probe_share) == (None, None)


@pytest.mark.parametrize("missing", ["own", "pool", "both"])
def test_without_the_evidence_nothing_opens_or_closes_and_it_says_so(missing: str) -> None:
    own = None if missing in ("own", "both") else summed(9.0)
    pool = None if missing in ("pool", "both") else summed(99.0)

    decision, after = judged(seen(own, pool=pool, rejects=2))
    _, still = judged(seen(own, pool=pool), OPEN)

    assert decision.policy.maker_first is True
    assert "the evidence of an outage was not measured" in decision.policy.reason
    assert after.own == Breaker()
    assert still.own == OPEN.own


def test_a_symbol_without_maker_orders_stays_as_it_is() -> None:
    _, after = judged(seen(OutageEvidence(), pool=OutageEvidence()))
    _, still = judged(seen(OutageEvidence(), pool=OutageEvidence()), POOL_OPEN)

    assert after == replace(State(), stable_quality=after.stable_quality)
    assert still.pool == POOL_OPEN.pool


sums = st.floats(-50, 50).map(lambda total: round(total, 9))
states = st.sampled_from([State(), OPEN, POOL_OPEN, State(own=OPEN.own, pool=POOL_OPEN.pool)])


@given(own=sums, pool=sums, more=st.floats(0, 10), before=states)
def test_a_larger_sum_never_closes_it(own: float, pool: float, more: float, before: State) -> None:
    _, smaller = judged(seen(summed(own), pool=summed(pool)), before)
    _, larger = judged(seen(summed(own + more), pool=summed(pool + more)), before)

    for less, greater in ((smaller.own, larger.own), (smaller.pool, larger.pool)):
        assert less.opened_at is None or greater.opened_at == less.opened_at


@given(own=sums, pool=sums, streak=st.integers(0, 6), relapses=st.integers(0, 5), before=states)
def test_what_is_remembered_reads_back_as_it_was_written(
    own: float, pool: float, streak: int, relapses: int, before: State
) -> None:
    started = replace(before, own=replace(before.own, relapse_count=relapses))
    _, after = judged(
        seen(replace(summed(own), filled_probe_streak=streak), pool=replace(summed(pool), filled_probe_streak=streak)),
        started,
    )

    assert State.from_text(after.to_text()) == after


def test_what_it_compared_can_be_told() -> None:
    before = State(own=replace(OPEN.own, relapse_count=1))
    streaks = Streaks(
        as_of=SLOT, own=Streak(probe_count=1, last_probe_at=SLOT - HOUR), own_outage=probed(1), pool_outage=QUIET
    )
    checks = rule_set("breaker").explain(Evidence(symbol="BTCUSDT", streaks=streaks), before)

    comparisons = {
        (check.rule, check.figure): (check.value, check.sign, check.threshold, check.holds) for check in checks
    }
    assert comparisons["own opens", "outage_sum"] == (9.0, ">=", 6.0, True)
    assert comparisons["own opens", "reject_streak"] == (0.0, ">=", 2.0, False)
    assert comparisons["pool opens", "pool_outage_sum"] == (-3.5, ">=", 13.0, False)
    assert comparisons["own closes", "filled_probes"] == (1.0, ">=", 2.0, False)
    assert comparisons["all may probe", "idle_hours"] == (1.0, ">=", 4.0, False)
    assert ("pool closes", "filled_probes") not in comparisons


def test_breaker_names_version_2_and_breaker1_version_1() -> None:
    assert (rule_set("breaker").version, rule_set("breaker1").version) == (2, 1)
    assert (rule_set("breaker:calm").version, rule_set("breaker1:calm").version) == (2, 1)


@pytest.mark.parametrize("name", ["breaker", "breaker:calm"])
def test_what_was_stored_as_version_1_is_still_derived_by_version_1(name: str) -> None:
    first = rule_set("breaker1", {"open_probability": 0.01})
    stored = rule_set_from_text(name, 1, first.parameters_text())

    assert (stored.name, stored.version, stored.parameters) == (name, 1, first.parameters)
    evidence = Evidence(symbol="BTCUSDT", streaks=Streaks(as_of=SLOT, own=Streak(miss_streak=2, start_count=40)))
    assert stored.decide(evidence) == first.decide(evidence)
    newest = rule_set_from_text(name, 2, rule_set("breaker").parameters_text())
    assert newest.parameters == rule_set("breaker").parameters
    with pytest.raises(UnknownRuleSetError, match="is at version 2 in this program and was at 3 then"):
        rule_set_from_text(name, 3, "{}")


def test_a_parameter_of_version_1_names_the_rule_set_that_has_it() -> None:
    with pytest.raises(UnknownRuleSetError, match=r"no parameter .open_probability., which version 1 has: .*breaker1"):
        rule_set("breaker", {"open_probability": 0.01})


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("outage_fill_probability", 0.0, "more than 0"),
        ("outage_fill_probability", 1.0, "less than 1"),
        ("highest_ratio", 1.0, "less than 1"),
        ("lowest_through_miss_ratio", 0.0, "more than 0"),
        ("prior_through_orders", 0.0, "more than 0"),
        ("probe_share", 0.0, "more than 0"),
        ("probe_share", 1.1, "at most 1"),
    ],
)
def test_a_parameter_that_makes_a_logarithm_or_a_share_impossible_is_refused(
    name: str, value: float, bound: str
) -> None:
    with pytest.raises(UnknownRuleSetError, match=f"parameter {name} must be {bound}, was {value}"):
        rule_set("breaker", {name: value})
