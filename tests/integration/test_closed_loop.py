"""The whole loop on simulated time: router, log, job, store, policy, router; and what an outage does to it.

What the seed's rules make of an outage depends on how much good evidence lies behind it: a young log locks maker-first
out until the evidence ages out after 7 days, a week of good orders hides the same outage altogether.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from policy.snapshot import Snapshot
from router_policy_client.order import Outcome
from storage.store import Store
from tests.support.closed_loop import DAY, GOOD, HOUR, MINUTE, OUTAGE, START, Loop
from tests.support.command import command


@pytest.fixture
def loop_of(tmp_path: Path, sqlite_store: Store) -> Callable[..., Loop]:
    """Makes a loop whose maker orders are not filled between two times after the start."""
    return lambda begin, end, *rules, **market: Loop(
        tmp_path, sqlite_store, lambda at: OUTAGE if START + begin <= at < START + end else GOOD, *rules, **market
    )


def styles(outcomes: list[Outcome]) -> set[tuple[bool, bool | None, bool]]:
    return {(outcome.maker_started, outcome.maker_filled, outcome.fallback_used) for outcome in outcomes}


FILLED_AS_MAKER = {(True, True, False)}
FELL_BACK = {(True, False, True)}
STRAIGHT_TO_TAKER = {(False, False, False)}


def test_with_a_young_log_an_outage_locks_maker_first_out_until_its_evidence_ages_out(
    loop_of: Callable[..., Loop],
) -> None:
    loop = loop_of(30 * MINUTE, 8 * HOUR)
    tenth = 10 * MINUTE
    assert styles(loop.trade(30 * MINUTE, tenth)) == FILLED_AS_MAKER
    first = loop.trade(HOUR, tenth)
    assert [(outcome.gate.reading.status, outcome.gate.patience) for outcome in first] == [("missing", 0.5)] * 3

    # An order each ten minutes: 3 good ones, then misses until they are nine in ten, at the fifth hour.
    seen = [loop.compute()]
    missed = []
    for hour in range(2, 6):
        missed += loop.trade(hour * HOUR, tenth)
        seen.append(loop.compute())
    assert styles(missed) == FELL_BACK
    assert [policy.maker_started_count for policy in seen] == [6, 12, 18, 24, 30]
    assert [policy.fallback_ratio for policy in seen] == pytest.approx([3 / 6, 9 / 12, 15 / 18, 21 / 24, 27 / 30])
    assert [policy.quality for policy in seen] == ["ok", "degraded", "degraded", "degraded", "broken"]
    assert [policy.maker_first for policy in seen] == [True, True, True, True, False]
    assert [outcome.gate.patience for outcome in missed] == [0.5] * 6 + [0.25] * 18

    # Locked out: nothing starts as maker any more, though the venue fills again from the eighth hour on.
    locked = loop.trade(8 * HOUR, tenth)
    for day in range(1, 8):
        locked += loop.trade(day * DAY, 3 * HOUR)
        assert loop.compute().quality == "broken"
    assert styles(locked) == STRAIGHT_TO_TAKER
    assert {(outcome.gate.reading.status, outcome.gate.reading.quality) for outcome in locked} == {("fresh", "broken")}

    # The last miss was 4 h 50 min after the start: it counts until 7 days after that, and then nothing is left of it.
    locked = loop.trade(7 * DAY + 4 * HOUR + 45 * MINUTE, HOUR)
    still = loop.compute()
    assert (still.quality, still.maker_started_count, still.fallback_ratio) == ("broken", 1, 1.0)
    assert styles(locked + loop.trade(7 * DAY + 5 * HOUR, tenth)) == STRAIGHT_TO_TAKER
    released = loop.compute()
    assert (released.quality, released.maker_first, released.maker_started_count) == ("ok", True, 0)
    assert styles(loop.trade(7 * DAY + 6 * HOUR, tenth)) == FILLED_AS_MAKER
    healed = loop.compute()
    assert (healed.quality, healed.taker_bias, healed.maker_fill_ratio) == ("good", "prefer_maker", 1.0)


def test_with_a_week_of_good_orders_behind_it_an_outage_of_six_hours_is_not_seen(
    loop_of: Callable[..., Loop],
) -> None:
    loop = loop_of(7 * DAY, 7 * DAY + 6 * HOUR)
    assert styles(loop.trade(7 * DAY, HOUR)) == FILLED_AS_MAKER
    assert loop.compute().quality == "good"

    missed, seen = [], []
    for hour in range(1, 7):
        missed += loop.trade(7 * DAY + hour * HOUR, 10 * MINUTE)
        seen.append(loop.compute())

    assert styles(missed) == FELL_BACK  # every single one of 36
    assert len(missed) == 36
    assert {outcome.gate.patience for outcome in missed} == {1.0}  # each waited the full time in vain
    assert {(policy.quality, policy.maker_first, policy.taker_bias) for policy in seen} == {
        ("good", True, "prefer_maker")
    }
    # 168 good orders, of which 6 have aged out by then, beside 36 misses
    assert seen[-1].fallback_ratio == pytest.approx(36 / (162 + 36))
    assert seen[-1].maker_started_count == 198


def test_each_order_of_the_log_names_the_run_whose_policy_it_was_sent_by(
    loop_of: Callable[..., Loop],
) -> None:
    loop = loop_of(HOUR, HOUR)
    loop.trade(HOUR, 30 * MINUTE)
    loop.compute()
    loop.trade(2 * HOUR, 30 * MINUTE)
    second = loop.compute()
    loop.trade(3 * HOUR, 30 * MINUTE)

    rows = [json.loads(line) for line in loop.log.read_text().splitlines()]
    assert [row["policy_run_id"] for row in rows] == [None, None, *[second.run_id - 1] * 2, *[second.run_id] * 2]
    assert [row["policy_status"] for row in rows] == ["missing", "missing"] + ["fresh"] * 4


SIX_HOURS = pytest.param(6, marks=pytest.mark.long)


def through_an_outage(loop: Loop, runs_an_hour: int, outage_hours: int = 6) -> tuple[list[Outcome], list[Snapshot]]:
    """Trade a good week, then some hours without a maker fill and three more, with so many runs in each hour."""
    loop.trade(7 * DAY, HOUR)
    loop.compute()
    outcomes, seen = [], []
    for number in range(1, (outage_hours + 3) * runs_an_hour + 1):
        outcomes += loop.trade(7 * DAY + number * HOUR / runs_an_hour, 5 * MINUTE)
        seen.append(loop.compute())
    return outcomes, seen


@pytest.mark.parametrize("outage_hours", [3, SIX_HOURS])
def test_the_breaker_detects_probes_and_recovers_through_the_same_outage(
    loop_of: Callable[..., Loop], outage_hours: int
) -> None:
    loop = loop_of(7 * DAY, 7 * DAY + outage_hours * HOUR, "breaker1")
    outcomes, seen = through_an_outage(loop, 4, outage_hours)
    run_count, outage_runs, outage_orders = 4 * (outage_hours + 3), 4 * outage_hours, 12 * outage_hours

    # Three orders a quarter of an hour and 168 good ones before: three misses in a row are a chance of 0.1 ^ 3.
    assert [policy.maker_first for policy in seen[:2]] == [False, False]
    assert "3 misses in a row, own miss ratio 0.1, 0.1^3 = 0.001 <= 0.001" in seen[0].reason
    assert styles(outcomes[:3]) == FELL_BACK
    held_back, after = outcomes[3:outage_orders], outcomes[outage_orders:]
    probes = [outcome for outcome in held_back if outcome.gate.probe]
    assert 5 / 69 <= len(probes) / len(held_back) <= 25 / 69  # one in five, chosen by their ids
    assert styles(probes) == FELL_BACK
    assert {outcome.gate.patience for outcome in probes} == {0.5}
    assert styles([outcome for outcome in held_back if not outcome.gate.probe]) == STRAIGHT_TO_TAKER

    # The venue fills again after the outage: the first probe that fills closes it at the next run.
    filled = next(number for number, outcome in enumerate(after) if outcome.maker_filled)
    closed_at_run = outage_runs + filled // 3
    assert after[filled].gate.probe
    assert filled <= 25
    assert [policy.maker_first for policy in seen] == [False] * closed_at_run + [True] * (run_count - closed_at_run)
    assert "closed: a probe filled" in seen[closed_at_run].reason
    assert styles(after[3 * (filled // 3 + 1) :]) == FILLED_AS_MAKER


def test_slivers_show_the_end_of_an_outage_that_the_quotes_have_shown(loop_of: Callable[..., Loop]) -> None:
    loop = loop_of(7 * DAY, 7 * DAY + 6 * HOUR, "breaker", volatility_bps=1.0)

    outcomes, seen = through_an_outage(loop, 1)

    # Twelve orders an hour: after the first hour the market was seen beyond the price of some that did not fill.
    missed, held_back, after = outcomes[:12], outcomes[12:72], outcomes[72:]
    assert styles(missed) == FELL_BACK
    assert any(outcome.rest is not None and outcome.rest.went_through for outcome in missed)
    assert [policy.maker_first for policy in seen] == [False] * 6 + [True] * 3
    assert styles(held_back) == FELL_BACK
    assert {(outcome.gate.probe, outcome.maker_share, outcome.gate.patience) for outcome in held_back} == {
        (True, 0.05, 1.0)
    }
    # From the sixth hour on every sliver fills, and the next run closes the breaker.
    assert {outcome.maker_share for outcome in after[:12]} == {0.05}
    assert styles(after) == FILLED_AS_MAKER
    assert {outcome.maker_share for outcome in after[12:]} == {None}
    lines = [json.loads(line)["attempt_id"] for line in loop.log.read_text().splitlines()]
    assert lines == [str(number) for number in range(1, 168 + 108 + 1)]
    assert {(outcome.filled, outcome.unfilled_reason) for outcome in outcomes} == {(1, None)}


@pytest.mark.parametrize("outage_hours", [2, SIX_HOURS])
def test_without_quotes_that_show_it_version_2_opens_on_misses_and_closes_within_two_hours(
    loop_of: Callable[..., Loop], sqlite_store: Store, outage_hours: int
) -> None:
    loop = loop_of(7 * DAY, 7 * DAY + outage_hours * HOUR, "breaker")
    outcomes, seen = through_an_outage(loop, 4, outage_hours)
    outage_runs = 4 * outage_hours

    # The price stands still, so it is known of no order whether the market traded through it. Nine in ten and more
    # filled before: a fill leaves 0.03 of the statistic, so R = (1 + R) * 0.03 = 0.0309, and a miss makes 1 + R
    # 0.985 / 0.1 times as large: R = 10.15, 109.9 and 1092 = exp(6.996).
    assert styles(outcomes[:3]) == FELL_BACK
    assert (
        "of the last 8 maker orders 3 missed, 0 of them although the market traded through their price"
        in seen[0].reason
    )
    assert "the evidence of an outage is 6.996 >= 6: the symbol's breaker opened" in seen[0].reason
    held_back = {(policy.maker_first, policy.probe_share, policy.maker_posts) for policy in seen[:outage_runs]}
    assert held_back == {(False, 0.05, 1)}
    recovered = [policy.maker_first for policy in seen].index(True)
    assert outage_runs <= recovered <= outage_runs + 8
    assert all(policy.maker_first for policy in seen[recovered:])
    assert styles(outcomes[3 * (recovered + 1) :]) == FILLED_AS_MAKER
    *_, last = sqlite_store.verify()
    assert last.run_count == 1 + len(seen)


def test_in_the_shadow_of_the_seed_the_breaker_sees_what_the_seed_does_not(
    loop_of: Callable[..., Loop], tmp_path: Path
) -> None:
    loop = loop_of(7 * DAY, 7 * DAY + 6 * HOUR, "seed", ("breaker1",))

    outcomes, seen = through_an_outage(loop, 1)

    # 72 misses beside 162 good orders: at the end 0.31 fell back, which is "ok" and changes no route.
    assert {(policy.quality, policy.maker_first) for policy in seen} == {("good", True), ("ok", True)}
    assert styles(outcomes[:72]) == FELL_BACK
    (tmp_path / "router-policy.toml").write_text(
        f"[store]\nurl = 'sqlite:///policy.db'\n[orders]\npath = '{loop.log.name}'\n[rules]\nshadow = ['breaker1']\n"
    )
    done = command(tmp_path, "compare", "--json")
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads(done.stdout)["pairs"]
    assert (pair["live"], pair["shadow"]) == ("seed", "breaker1")
    # Held back from the first run until orders fill again: six of nine hours.
    assert 0.5 < pair["all"]["maker_first_disagree_share"] < 0.9
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        *_, last = store.verify()
    assert last.run_count == 10
