"""The rule set `breaker1`: when it opens, how it probes, when it closes, and what it shows meanwhile."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Effectiveness, Evidence, Quality, Volatility
from policy.fee_gap import FeeGap
from policy.reason_codes import Code
from policy.rules import Decision, State, rule_set
from policy.rules.breaker_state import Breaker
from policy.rules.hysteresis import StableQuality
from policy.streaks import Streak, Streaks

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
BREAKER = rule_set("breaker1")
OPEN = State(own=Breaker(opened_at=SLOT - HOUR))
POOL_OPEN = State(pool=Breaker(opened_at=SLOT - HOUR))
# With 40 orders of which all filled, 3 of 46 is below the lowest ratio: each miss counts as one in ten.
STEADY = Streak(start_count=40, miss_count=0)
PANIC = Volatility(atr_short_pct=3.0, atr_long_pct=1.0, atr_ratio=3.0, bar_count=500, bar_age_seconds=60.0)


def seen(own: Streak = STEADY, *, rejects: int = 0, pool: Streak = STEADY, **more: Any) -> Evidence:
    streaks = Streaks(as_of=SLOT, own=own, reject_streak=rejects, pool=pool)
    return replace(Evidence(symbol="BTCUSDT", streaks=streaks), **more)


def judged(evidence: Evidence, before: State | None = None, **parameters: object) -> tuple[Decision, State]:
    judgement = rule_set("breaker1", parameters).decide_with_state(evidence, before)
    assert judgement.after is not None
    return judgement.decision, judgement.after


@pytest.mark.parametrize(
    ("streak", "opens"),
    [
        (Streak(miss_streak=3, start_count=40, miss_count=0), True),  # 0.1 ^ 3 = 0.001, just at the bound
        (Streak(miss_streak=2, start_count=40, miss_count=0), False),  # two are never enough
        (Streak(miss_streak=3, start_count=23, miss_count=0), False),  # 3 of 29, cubed: 0.0011
        (Streak(miss_streak=4, start_count=23, miss_count=0), True),
        (Streak(miss_streak=9, start_count=0, miss_count=0), False),  # 3 of 6: 0.5 ^ 9 = 0.00195
        (Streak(miss_streak=10, start_count=0, miss_count=0), True),  # 0.00098
        (Streak(miss_streak=30, start_count=90, miss_count=90), False),  # at most 0.8: 0.8 ^ 30 = 0.00124
        (Streak(miss_streak=31, start_count=90, miss_count=90), True),  # 0.00099
        (Streak(miss_streak=4, start_count=94, miss_count=15), False),  # 18 of 100: 0.18 ^ 4 = 0.00105
        (Streak(miss_streak=4, start_count=94, miss_count=14), True),  # 0.17 ^ 4 = 0.00084
    ],
)
def test_it_opens_when_the_run_of_misses_is_too_long_to_be_chance(streak: Streak, opens: bool) -> None:
    decision, after = judged(seen(streak))

    assert after.own.opened_at == (SLOT if opens else None)
    assert decision.policy.maker_first is not opens
    assert decision.policy.taker_bias == ("prefer_taker" if opens else "prefer_maker")
    assert decision.probe_every == (5 if opens else None)


@pytest.mark.parametrize(("rejects", "opens"), [(0, False), (1, False), (2, True), (3, True)])
def test_it_opens_on_two_refused_orders_in_a_row(rejects: int, opens: bool) -> None:
    _, after = judged(seen(rejects=rejects))

    assert (after.own.opened_at is not None) is opens
    assert after.pool.opened_at is None


@pytest.mark.parametrize(("misses", "opens"), [(3, False), (4, True)])
def test_the_scopes_breaker_needs_a_chance_ten_times_smaller(misses: int, opens: bool) -> None:
    decision, after = judged(seen(pool=replace(STEADY, miss_streak=misses)))

    assert after.pool.opened_at == (SLOT if opens else None)
    assert after.own.opened_at is None
    assert decision.policy.maker_first is not opens


def test_the_reason_says_by_which_figures_it_opened() -> None:
    decision, _ = judged(seen(Streak(miss_streak=6, start_count=94, miss_count=18)))

    assert (
        "6 misses in a row, own miss ratio 0.21, 0.21^6 = 0.000086 <= 0.001: "
        "the symbol's breaker opened at 2026-04-26T00:15:00Z"
    ) in decision.policy.reason
    codes = {code.code: (code.value, code.threshold) for code in decision.policy.codes}
    assert codes["own_miss_streak"] == (6, 3)
    assert codes["own_miss_ratio"] == (0.21, None)
    assert codes["own_miss_streak_probability"] == (0.000085766, 0.001)


def test_one_filled_probe_closes_it_and_restarts_the_evidence() -> None:
    waiting = replace(STEADY, miss_streak=9, probe_count=4)
    _, still = judged(seen(waiting), OPEN)
    decision, after = judged(seen(replace(waiting, miss_streak=0, probe_count=5, probe_filled_count=1)), OPEN)

    assert still.own == OPEN.own
    assert after.own == Breaker(opened_at=None, restarted_at=SLOT)
    assert (decision.policy.maker_first, decision.policy.taker_bias) == (True, "prefer_maker")
    assert decision.probe_every is None


def test_one_filled_probe_of_any_symbol_closes_the_scopes_breaker_but_not_the_symbols_own() -> None:
    both = State(own=OPEN.own, pool=POOL_OPEN.pool)
    decision, after = judged(seen(pool=replace(STEADY, probe_count=1, probe_filled_count=1)), both)

    assert after.pool == Breaker(opened_at=None, restarted_at=SLOT)
    assert after.own == OPEN.own
    assert decision.policy.maker_first is False


@pytest.mark.parametrize(
    ("opened_hours_ago", "probed_hours_ago", "every"),
    [(3.999, None, 5), (4.0, None, 1), (9.0, 3.999, 5), (9.0, 4.0, 1), (9.0, 5.0, 1)],
)
def test_any_order_may_probe_once_four_hours_have_passed_without_a_probe(
    opened_hours_ago: float, probed_hours_ago: float | None, every: int
) -> None:
    last = SLOT - probed_hours_ago * HOUR if probed_hours_ago is not None else None
    before = State(own=Breaker(opened_at=SLOT - opened_hours_ago * HOUR))

    decision, _ = judged(seen(replace(STEADY, probe_count=1 if last else 0, last_probe_at=last)), before)

    assert decision.probe_every == every


def test_a_newcomer_takes_the_scopes_breaker_over() -> None:
    other = State(own=OPEN.own, pool=POOL_OPEN.pool)

    newcomer = BREAKER.newcomer([other, other])
    decision, after = judged(seen(), newcomer)

    assert after.pool == POOL_OPEN.pool
    assert after.own == Breaker()
    assert decision.policy.maker_first is False
    assert BREAKER.newcomer([]) == State()
    assert rule_set("seed").newcomer([other]) is None


streaks = st.builds(
    Streak,
    miss_streak=st.integers(0, 40),
    start_count=st.integers(0, 300),
    miss_count=st.just(0),
    probe_count=st.integers(0, 5),
    probe_filled_count=st.just(0),
).flatmap(lambda drawn: st.integers(0, drawn.start_count).map(lambda misses: replace(drawn, miss_count=misses)))
states = st.sampled_from([State(), OPEN, POOL_OPEN, State(own=OPEN.own, pool=POOL_OPEN.pool)])


@given(own=streaks, pool=streaks, rejects=st.integers(0, 3), before=states)
def test_one_miss_more_never_closes_it(own: Streak, pool: Streak, rejects: int, before: State) -> None:
    _, fewer = judged(seen(own, pool=pool, rejects=rejects), before)
    more = seen(
        replace(own, miss_streak=own.miss_streak + 1),
        pool=replace(pool, miss_streak=pool.miss_streak + 1),
        rejects=rejects,
    )

    _, after = judged(more, before)

    assert after.own.opened_at == fewer.own.opened_at or after.own.opened_at is not None
    assert after.pool.opened_at == fewer.pool.opened_at or after.pool.opened_at is not None


@given(own=streaks, pool=streaks, before=states)
def test_a_fill_never_opens_it(own: Streak, pool: Streak, before: State) -> None:
    def filled(streak: Streak) -> Streak:
        """One more order, which filled: the run is over, and what was in it counts among the orders before."""
        return replace(
            streak,
            miss_streak=0,
            start_count=streak.start_count + streak.miss_streak + 1,
            miss_count=streak.miss_count + streak.miss_streak,
        )

    _, after = judged(seen(filled(own), pool=filled(pool)), before)

    assert after.own.opened_at == before.own.opened_at
    assert after.pool.opened_at == before.pool.opened_at


@given(state=states, quality=st.sampled_from(list(Quality)))
def test_what_is_remembered_reads_back_as_it_was_written(state: State, quality: Quality) -> None:
    _, after = judged(seen(), state)

    for remembered in (state, after):
        assert State.from_text(remembered.to_text()) == remembered
        fields = asdict(remembered)
        assert fields.pop("cost_route") is None  # of the rule set measured
        for breaker in (fields["own"], fields["pool"]):
            del breaker["relapse_count"], breaker["open_periods"]  # of version 2
        text = json.dumps(fields, default=datetime.isoformat, sort_keys=True, separators=(",", ":"))
        assert remembered.to_text() == text


def attempts(fallback: float, count: int, slippage: float = 1.0) -> Effectiveness:
    return Effectiveness(
        maker_fill_ratio=1.0 - fallback,
        fallback_ratio=fallback,
        slip_q50=slippage,
        outcome_count=count,
        maker_started_count=count,
        slippage_count=count,
    )


@pytest.mark.parametrize(
    ("effectiveness", "label"),
    [
        (attempts(1.0, 19), "ok"),  # too few to say
        (attempts(1.0, 20), "broken"),  # 20 of 20: at least 0.924 beyond doubt
        (attempts(0.95, 20), "degraded"),  # 19 of 20: at least 0.85
        (attempts(0.65, 20), "ok"),  # 13 of 20: at least 0.51
        (attempts(0.65, 1000), "degraded"),  # 650 of 1000: at least 0.63
        (attempts(0.2, 20), "good"),
        (attempts(0.5, 20), "ok"),
        (attempts(0.0, 20, slippage=25.0), "broken"),
    ],
)
def test_a_label_is_worse_only_beyond_doubt(effectiveness: Effectiveness, label: str) -> None:
    decision, _ = judged(seen(effectiveness=effectiveness))

    assert decision.policy.quality == label
    assert decision.policy.maker_first is True


def test_a_label_changes_when_three_runs_agree() -> None:
    good, bad = seen(effectiveness=attempts(0.1, 50)), seen(effectiveness=attempts(0.98, 500))
    shown, state = [], None
    for evidence in (good, bad, bad, good, bad, bad, bad, good):
        decision, state = judged(evidence, state)
        shown.append(str(decision.policy.quality))

    assert shown == ["good", "good", "good", "good", "good", "good", "broken", "broken"]


def test_survivors_end_a_good_label_at_once_and_are_named() -> None:
    _, good = judged(seen(effectiveness=attempts(0.1, 50)))

    decision, state = judged(seen(effectiveness=replace(attempts(0.1, 50), survivor_count=30)), good)

    assert decision.policy.quality == "ok"
    assert state.stable_quality == StableQuality(quality=Quality.OK, candidate=Quality.OK)
    assert Code(code="survivor_count_not_good", value=30, threshold=0) in decision.policy.codes
    assert (
        "the source does not keep the misses of 30 maker starts, so the quality is never good" in decision.policy.reason
    )


def test_panic_changes_nothing_unless_less_variance_is_asked_for() -> None:
    plain, _ = judged(seen(volatility=PANIC))
    calm, _ = judged(seen(volatility=PANIC), low_variance=True)

    assert (plain.policy.maker_first, plain.policy.taker_bias) == (True, "prefer_maker")
    assert (calm.policy.maker_first, calm.policy.taker_bias) == (True, "prefer_taker")


@pytest.mark.parametrize(
    ("fees", "acts", "maker_first"),
    [
        (FeeGap(gap_bps=0.49, is_one_tick=True), True, False),
        (FeeGap(gap_bps=0.5, is_one_tick=True), True, True),
        (FeeGap(gap_bps=0.49, is_one_tick=False), True, True),
        (FeeGap(gap_bps=0.49, is_one_tick=None), True, True),
        (FeeGap(), True, True),
        (FeeGap(gap_bps=0.49, is_one_tick=True), False, True),
    ],
)
def test_it_crosses_at_once_where_the_fees_leave_nothing_to_save_and_it_was_asked_to(
    fees: FeeGap, acts: bool, maker_first: bool
) -> None:
    decision, after = judged(seen(fee_gap=fees), act_on_fee_gap=acts)

    assert decision.policy.maker_first is maker_first
    assert decision.probe_every is None
    assert after.own.opened_at is None


def test_without_the_order_of_events_nothing_opens_and_it_says_so() -> None:
    decision, after = judged(Evidence(symbol="BTCUSDT"))
    _, still = judged(Evidence(symbol="BTCUSDT"), OPEN)

    assert decision.policy.maker_first is True
    assert "the order of events was not measured" in decision.policy.reason
    assert after.own == Breaker()
    assert still.own == OPEN.own


def test_what_it_compared_can_be_told() -> None:
    checks = BREAKER.explain(seen(replace(STEADY, miss_streak=3, probe_count=1)), OPEN)

    comparisons = {
        (check.rule, check.figure): (check.value, check.sign, check.threshold, check.holds) for check in checks
    }
    assert comparisons["own opens", "miss_streak"] == (3.0, ">=", 3.0, True)
    assert comparisons["own opens", "probability"] == (0.001, "<=", 0.001, True)
    assert comparisons["own closes", "filled_probes"] == (0.0, ">=", 1.0, False)
    assert comparisons["all may probe", "idle_hours"] == (1.0, ">=", 4.0, False)
    assert ("pool closes", "filled_probes") not in comparisons
