"""Replay, without a database: which rows change, and which of them nobody can know."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.analysis.replay import NotReplayableError, replay_runs
from jobs.analysis.replay_result import Replay, ReplayVerdict
from jobs.analysis.symbol_replay import agree
from policy import Evidence
from policy.rules import RecordedRules, RuleSet, State, rule_set
from policy.rules.breaker_state import Breaker
from policy.streaks import Streak, Streaks
from storage.read.replay_inputs import ReplayableRun, ReplayInput
from tests.support.runs import evidence

START = datetime(2026, 4, 26, tzinfo=UTC)
DAY = timedelta(days=1)
SEED = rule_set("seed")
BREAKER = rule_set("breaker1")
STEADY = Streak(start_count=40, miss_count=2)
MISSES = replace(STEADY, miss_streak=6)  # 0.1087 ^ 6 = 0.0000016
FEW = replace(STEADY, miss_streak=3)  # 0.1087 ^ 3 = 0.0013, above 0.001
FILLED = replace(STEADY, probe_count=1, probe_filled_count=1)
GOOD, WEAK, BAD = 0.1, 0.7, 0.95


@dataclass(frozen=True)
class Past:
    """What was recorded: one symbol's rows, a step apart."""

    rows: Sequence[ReplayInput]
    step: timedelta = DAY
    rule_sets: tuple[str, ...] = ("seed", "breaker1")

    def runs(self) -> list[ReplayableRun]:
        slots = [START + number * self.step for number in range(len(self.rows))]
        recorded = {name: RecordedRules(name=name, version=1) for name in self.rule_sets}
        return [
            ReplayableRun(run_id=number, slot=slot, until=until, symbol_count=1, rule_sets=recorded)
            for number, (slot, until) in enumerate(zip(slots, [*slots[1:], None], strict=False))
        ]

    def inputs(self, runs: Sequence[ReplayableRun], breaker: str | None) -> dict[int, list[ReplayInput]]:  # noqa: ARG002
        return {run.run_id: [self.rows[run.run_id]] for run in runs}


def seed_rows(*fallbacks: float, live: RuleSet = SEED) -> list[ReplayInput]:
    """What the seed decided on these ratios, one run after the other."""
    return [row(evidence("BTCUSDT", fallback=fallback), live) for fallback in fallbacks]


def row(seen: Evidence, live: RuleSet, before: State | None = None) -> ReplayInput:
    policy = live.decide(seen, before if live.has_state else None).policy
    return ReplayInput(evidence=seen, maker_first=policy.maker_first, taker_bias=policy.taker_bias, before=before)


def breaker_rows(
    *streaks: Streak, live: RuleSet = SEED, recorded: RuleSet = BREAKER, step: timedelta = DAY
) -> list[ReplayInput]:
    """What was live on these runs of misses, with a breaker that was recorded beside it."""
    rows, before = [], None
    for number, own in enumerate(streaks):
        streaks_then = Streaks(as_of=START + number * step, own=own, pool=STEADY)
        seen = replace(evidence("BTCUSDT"), streaks=streaks_then)
        rows.append(row(seen, live, before))
        before = recorded.decide_with_state(seen, before).after
    return rows


def replayed(past: Past, rules: RuleSet) -> Replay:
    *_, summary = replay_runs("default", rules, past.runs(), past.inputs)
    return summary


def verdicts(past: Past, rules: RuleSet) -> list[ReplayVerdict]:
    """The verdict of each row, one run at a time."""
    observed: list[ReplayVerdict] = []
    for count in range(1, len(past.rows) + 1):
        tallies = replayed(replace(past, rows=past.rows[:count]), rules).total.tallies
        before = {verdict: observed.count(verdict) for verdict in ReplayVerdict}
        (newest,) = [verdict for verdict, tally in tallies.items() if tally.run_count > before[verdict]]
        observed.append(newest)
    return observed


S, W, T = ReplayVerdict.SAME, ReplayVerdict.OTHER_WAIT, ReplayVerdict.TAKER_INSTEAD
N, O, X = ReplayVerdict.NEVER_SENT, ReplayVerdict.OTHER_ORDERS, ReplayVerdict.OTHER_STATE  # noqa: E741


@pytest.mark.parametrize(
    ("parameters", "fallbacks", "expected"),
    [
        ({}, [GOOD, BAD, GOOD], [S, S, S]),
        # Maker orders that were never sent, and seven days of evidence in which they would have been; the run of
        # day 8 covers days 1 to 7, and the orders of day 0 are none of them.
        ({"broken_fallback_ratio": 0.99}, [BAD, *[GOOD] * 8], [N, *[O] * 7, S]),
        ({"broken_fallback_ratio": 0.99}, [GOOD, BAD, BAD, *[GOOD] * 8], [S, N, N, *[O] * 7, S]),
        # Taker although maker orders were sent: the run itself is known, later ones stand on orders it would not send.
        ({"broken_fallback_ratio": 0.65}, [GOOD, WEAK, WEAK, *[GOOD] * 8], [S, T, O, *[O] * 7, S]),
        # Another wait is another decision on the same evidence.
        ({"good_fallback_ratio": 0.05}, [GOOD, GOOD, BAD], [W, W, S]),
        # Both go straight to taker, whatever they call it.
        ({"broken_slip_q50_bps": 0.1}, [BAD, BAD], [S, S]),
    ],
)
def test_a_row_is_observed_where_no_other_orders_would_have_been_sent_in_the_seven_days_before(
    parameters: dict[str, object], fallbacks: list[float], expected: list[ReplayVerdict]
) -> None:
    assert verdicts(Past(seed_rows(*fallbacks)), rule_set("seed", parameters)) == expected


def test_time_is_counted_from_slot_to_slot_and_the_newest_run_counts_as_none() -> None:
    sums = replayed(Past(seed_rows(GOOD, BAD, GOOD)), rule_set("seed", {"broken_fallback_ratio": 0.99})).total

    assert {
        verdict: (tally.run_count, tally.seconds) for verdict, tally in sums.tallies.items() if tally.run_count
    } == {
        ReplayVerdict.SAME: (1, 86_400.0),
        ReplayVerdict.NEVER_SENT: (1, 86_400.0),
        ReplayVerdict.OTHER_ORDERS: (1, 0.0),
    }
    assert (sums.not_observed.run_count, sums.whole.run_count) == (2, 3)


def test_flips_are_counted_and_those_beside_rows_that_nobody_can_know_apart() -> None:
    sums = replayed(Past(seed_rows(GOOD, WEAK, GOOD, BAD)), rule_set("seed", {"broken_fallback_ratio": 0.65})).total

    assert sums.live_flip_count == 1  # at the last
    assert sums.replayed_flip_count == 3
    assert sums.not_observed_flip_count == 2  # the first begins and ends in rows that are known


def test_changes_are_stretches_of_the_same_decisions() -> None:
    summary = replayed(Past(seed_rows(GOOD, BAD, BAD, GOOD)), rule_set("seed", {"broken_fallback_ratio": 0.99}))

    (change,) = summary.changes
    assert (change.symbol, change.start, change.until, change.run_count) == (
        "BTCUSDT",
        START + DAY,
        START + 3 * DAY,
        2,
    )
    assert (change.live.maker_first, change.replayed.maker_first, change.replayed.taker_bias) == (
        False,
        True,
        "prefer_taker",
    )
    assert change.verdict is ReplayVerdict.NEVER_SENT
    assert change.reason.startswith("the maker-first router is degraded")
    assert summary.change_count == 1


HOUR = timedelta(hours=1)


def test_a_breaker_that_opens_where_the_recorded_one_did_not_is_known_in_that_run_only() -> None:
    past = Past(breaker_rows(STEADY, FEW, STEADY, step=HOUR), step=HOUR)

    # 0.0013 is below 0.01: it would have opened, and its probes were never sent
    assert verdicts(past, rule_set("breaker1", {"open_probability": 0.01})) == [S, T, X]


def test_a_breaker_that_does_not_open_where_the_recorded_one_did_says_what_was_never_sent() -> None:
    past = Past(breaker_rows(STEADY, MISSES, MISSES, FILLED, STEADY, live=BREAKER, step=HOUR), step=HOUR)

    # The recorded one opens in the second run and closes in the fourth; then its evidence has restarted.
    assert verdicts(past, rule_set("breaker1", {"open_probability": 0.0000001})) == [S, N, N, X, X]


def test_breakers_that_both_open_and_close_agree_again_at_once() -> None:
    strict = rule_set("breaker1", {"open_probability": 0.00001})
    streaks = (STEADY, replace(STEADY, miss_streak=4), MISSES, FILLED, STEADY)  # 0.1087 ^ 4 = 0.00014
    past = Past(breaker_rows(*streaks, live=BREAKER, step=HOUR), step=HOUR)

    # The recorded one opens in the second run, this one in the third, and one probe closes both in the fourth.
    assert verdicts(past, strict)[:4] == [S, N, X, X]
    assert verdicts(past, strict)[4] is O  # the same state, but for seven days other orders


def test_a_breaker_that_is_open_alone_takes_up_the_recorded_state_after_seven_days() -> None:
    past = Past(breaker_rows(STEADY, FEW, *[STEADY] * 15))
    loose = rule_set("breaker1", {"open_probability": 0.01})

    observed = verdicts(past, loose)

    assert observed[1:3] == [T, X]
    assert observed[2:9] == [X] * 7  # it would have been open, which nobody can follow
    assert observed[9:16] == [O] * 7  # closed as recorded, on orders that it would not have sent until day 9
    assert observed[16] is S


def test_a_rule_set_with_state_is_not_replayed_where_its_order_of_events_was_not_measured() -> None:
    past = Past(seed_rows(GOOD), rule_sets=("seed",))

    with pytest.raises(NotReplayableError, match=r"no run of scope 'default' then measured the order of events"):
        replayed(past, BREAKER)


def test_a_variant_is_replayed_on_what_was_measured_for_another_and_says_so() -> None:
    past = Past(breaker_rows(STEADY, STEADY), rule_sets=("seed", "breaker1:calm"))

    assert replayed(past, BREAKER).recorded_by == "breaker1:calm"
    assert replayed(past, rule_set("breaker1:calm")).recorded_by == "breaker1:calm"


def test_without_a_run_there_is_nothing_to_replay() -> None:
    with pytest.raises(NotReplayableError, match="has no run"):
        replayed(Past([]), SEED)


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (State(), State(), True),
        (State(own=Breaker(opened_at=START)), State(), False),
        (State(own=Breaker(opened_at=START)), State(own=Breaker(opened_at=START + DAY)), False),
        (State(pool=Breaker(opened_at=START)), State(), False),
        (State(own=Breaker(restarted_at=START + 3 * DAY)), State(), False),
        # Seven days later it no longer counts when the evidence restarted.
        (State(own=Breaker(restarted_at=START + 2 * DAY)), State(), True),
        (State(own=Breaker(restarted_at=START)), State(own=Breaker(restarted_at=START + DAY)), True),
    ],
)
def test_states_agree_when_they_measure_the_same(ours: State, theirs: State, same: bool) -> None:
    assert agree(ours, theirs, START + 2 * DAY) is same
    assert agree(theirs, ours, START + 2 * DAY) is same


streaks = st.builds(
    lambda run, starts, misses, filled: Streak(
        miss_streak=run,
        start_count=max(starts, misses),
        miss_count=misses,
        probe_count=filled,
        probe_filled_count=filled,
    ),
    st.integers(0, 12),
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(0, 1),
)


@settings(max_examples=50)
@given(own=st.lists(streaks, min_size=1, max_size=12))
def test_the_rules_that_decided_say_the_same_again(own: list[Streak]) -> None:
    summary = replayed(Past(breaker_rows(*own, live=BREAKER, step=HOUR), step=HOUR), BREAKER)

    assert summary.total.tallies[ReplayVerdict.SAME].run_count == len(own)
    assert summary.change_count == 0
    assert summary.total.live_flip_count == summary.total.replayed_flip_count


@settings(max_examples=50)
@given(
    fallbacks=st.lists(st.sampled_from([GOOD, WEAK, BAD]), min_size=1, max_size=24),
    bound=st.sampled_from([0.05, 0.65, 0.9, 0.99]),
)
def test_nothing_that_was_never_sent_and_nothing_that_depends_on_it_is_observed(
    fallbacks: list[float], bound: float
) -> None:
    live = [fallback < 0.9 for fallback in fallbacks]
    would = [fallback < bound for fallback in fallbacks]
    disagree = [a != b for a, b in zip(live, would, strict=True)]

    observed = verdicts(Past(seed_rows(*fallbacks)), rule_set("seed", {"broken_fallback_ratio": bound}))

    for day, verdict in enumerate(observed):
        depends = any(disagree[max(0, day - 7) : day])  # the evidence of a day is of the seven before it
        assert verdict.is_observed is not (depends or (would[day] and not live[day]))
