"""Replay and explanation read the same from both databases."""

from datetime import timedelta

from jobs.analysis.replay import replay
from jobs.analysis.replay_result import ReplayVerdict
from policy.rules import rule_set
from policy.snapshot import Snapshot
from storage.audit import chain
from storage.read import explanation, policies
from storage.store import Store
from tests.support.runs import publish
from tests.support.shadowed_history import HOUR, MIDNIGHT, MISSES, PROBED, publish_shadowed_history
from tests.support.store_calls import read


def snapshot_at(store: Store, symbol: str, hour: float) -> Snapshot:
    period = read(store, policies.in_force, "default", symbol, MIDNIGHT + hour * HOUR)
    assert period is not None
    return period.policy.snapshot


def test_the_stored_evidence_is_decided_on_again_and_nothing_is_written(store: Store) -> None:
    publish_shadowed_history(store)
    head = read(store, chain.head)

    *_, seed = replay(store, "default", rule_set("seed", {"broken_fallback_ratio": 0.99}))
    *_, breaker = replay(store, "default", rule_set("breaker1"), MIDNIGHT + 2 * HOUR)

    assert {verdict: tally.run_count for verdict, tally in seed.symbols["BTCUSDT"].tallies.items()} == {
        ReplayVerdict.SAME: 2,
        ReplayVerdict.OTHER_WAIT: 0,
        ReplayVerdict.TAKER_INSTEAD: 0,
        ReplayVerdict.NEVER_SENT: 2,
        ReplayVerdict.OTHER_STATE: 0,
        ReplayVerdict.OTHER_ORDERS: 2,
    }
    assert seed.total.tallies[ReplayVerdict.NEVER_SENT].seconds == timedelta(hours=3).total_seconds()
    # From 02:00 on, in the state of then: taker as the seed until a probe filled, then maker first as the seed.
    assert breaker.symbols["BTCUSDT"].tallies[ReplayVerdict.SAME].run_count == 4
    assert read(store, chain.head) == head


def test_runs_before_a_shadow_was_there_are_left_out_and_counted(store: Store) -> None:
    publish(store, MIDNIGHT - HOUR)
    publish_shadowed_history(store)

    *_, summary = replay(store, "default", rule_set("breaker1"))

    assert (summary.skipped_run_count, summary.run_count, summary.first_slot) == (1, 6, MIDNIGHT)


def test_the_breaker_of_a_shadow_is_read_with_the_reason_of_its_opening(store: Store) -> None:
    publish_shadowed_history(store)

    (shadow,) = read(store, explanation.shadows_of, snapshot_at(store, "BTCUSDT", 3.5))
    (ether,) = read(store, explanation.shadows_of, snapshot_at(store, "ETHUSDT", 3.5))

    breaker = shadow.breaker
    assert breaker is not None
    assert breaker.before is not None
    assert breaker.before.own.opened_at == breaker.after.own.opened_at == MIDNIGHT + HOUR
    assert breaker.evidence.streaks is not None
    assert breaker.evidence.streaks.own == PROBED
    assert breaker.evidence.effectiveness.fallback_ratio == 0.95
    (opening,) = breaker.openings
    assert (opening.level, opening.opened_at) == ("own", MIDNIGHT + HOUR)
    assert opening.reason is not None
    assert f"{MISSES.miss_streak} misses in a row, own miss ratio 0.1087" in opening.reason
    assert ether.breaker is not None
    assert ether.breaker.openings == ()


def test_a_rule_set_that_remembers_nothing_has_no_breaker(store: Store) -> None:
    publish_shadowed_history(store)

    snapshot = snapshot_at(store, "BTCUSDT", 0)
    assert read(store, explanation.breaker_of, snapshot, snapshot.rule_set) is None


def test_an_opening_whose_run_was_pruned_has_no_reason(store: Store) -> None:
    publish_shadowed_history(store, until_hour=3)
    list(store.prune(timedelta(0)))  # all but the newest run

    (shadow,) = read(store, explanation.shadows_of, snapshot_at(store, "BTCUSDT", 3))

    assert shadow.breaker is not None
    (opening,) = shadow.breaker.openings
    assert (opening.opened_at, opening.reason) == (MIDNIGHT + HOUR, None)
