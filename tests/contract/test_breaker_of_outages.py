"""Version 2 of the breaker in the store: its evidence and state, verified, explained and replayed.

Two maker orders miss although the market traded through them, and the breaker opens at 01:00; two hours later a sliver
has filled, and it closes. It opens again an hour after that, which is a relapse.
"""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from jobs.analysis.explain import explain_policy
from jobs.analysis.replay import NotReplayableError, replay
from policy import Evidence
from policy.fee_gap import FeeGap
from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder
from policy.rules import State, rule_set
from policy.rules.breaker_state import OpenPeriod
from policy.streaks import Streaks
from storage.audit.difference import TamperedError
from storage.read import breaker_states, policies
from storage.read.breaker_events import BreakerLevel, BreakerTransition, breaker_events
from storage.read.replay_inputs import replayable_runs
from storage.schema.tables import policy_breaker
from storage.store import Store
from tests.support.runs import evidence
from tests.support.shadowed_history import HOUR, MIDNIGHT, SEED, publish_run, publish_shadowed_history
from tests.support.store_calls import read
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

BREAKER = rule_set("breaker")
QUIET = OutageEvidence(sum_before=-3.5, order_count=40)


def missed(minutes: int, order_id: str | None) -> WeighedOrder:
    return WeighedOrder(
        symbol="BTCUSDT",
        order_id=order_id,
        ended_at=MIDNIGHT + HOUR - timedelta(minutes=minutes),
        went_through=True,
        is_filled=False,
        so_far=FillCount(order_count=75, fill_count=75),
    )


OUTAGE = OutageEvidence(sum_before=-3.5, order_count=42, newest_orders=(missed(9, "o1"), missed(5, None)))
FILLED = OutageEvidence(sum_before=5.0, order_count=44, filled_probe_streak=1)
BY_HOUR = {0: QUIET, 1: OUTAGE, 2: replace(OUTAGE, order_count=43), 3: FILLED, 4: OUTAGE}


def measured(hour: int) -> Evidence:
    streaks = Streaks(as_of=MIDNIGHT + hour * HOUR, own_outage=BY_HOUR[hour], pool_outage=QUIET)
    return replace(evidence("BTCUSDT"), streaks=streaks, fee_gap=FeeGap(gap_bps=3.0))


def publish_history(store: Store) -> None:
    states: dict[str, State | None] = {}
    for hour in BY_HOUR:
        publish_run(store, hour, (measured(hour),), BREAKER, SEED, states)


def test_every_run_verifies_and_its_state_goes_on(store: Store) -> None:
    publish_history(store)

    *_, last = store.verify()
    (latest,) = read(store, policies.latest, "default")
    states = read(store, breaker_states.states_before, "default", MIDNIGHT + 5 * HOUR, ["breaker"])
    own = states["breaker"]["BTCUSDT"].own

    assert last.run_count == 5
    assert (latest.snapshot.maker_first, latest.snapshot.probe_every) == (False, 5)
    assert (latest.snapshot.maker_posts, latest.snapshot.probe_share) == (4, 0.05)
    assert (own.opened_at, own.restarted_at, own.relapse_count) == (MIDNIGHT + 4 * HOUR, MIDNIGHT + 3 * HOUR, 1)
    assert own.open_periods == (OpenPeriod(opened_at=MIDNIGHT + HOUR, closed_at=MIDNIGHT + 3 * HOUR),)


def test_openings_and_closings_are_events(store: Store) -> None:
    publish_history(store)

    events = [(event.slot, event.transition) for event in read(store, breaker_events, "default")]

    assert events == [
        (MIDNIGHT + HOUR, BreakerTransition.OPENED),
        (MIDNIGHT + 3 * HOUR, BreakerTransition.CLOSED),
        (MIDNIGHT + 4 * HOUR, BreakerTransition.OPENED),
    ]


def test_explain_names_the_orders_that_moved_the_sum_and_by_how_much(store: Store) -> None:
    publish_history(store)

    explanation = explain_policy(store, "default", "BTCUSDT", MIDNIGHT + 1.5 * HOUR)
    quiet = explain_policy(store, "default", "BTCUSDT", MIDNIGHT + 0.5 * HOUR)

    assert explanation is not None
    assert quiet is not None
    own, pool = explanation.outages
    # log(1 + exp(-3.5)) = 0.029750, + log(97) = 4.604461; log(1 + exp(4.604461)) = 4.614413, + log(97) = 9.189124
    assert (own.level, own.order_count, own.outage_sum) == (BreakerLevel.OWN, 42, pytest.approx(9.189124, abs=1e-5))
    assert [(move.order.order_id, move.increment) for move in own.moves] == [
        ("o1", pytest.approx(4.574711, abs=1e-6)),
        (None, pytest.approx(4.574711, abs=1e-6)),
    ]
    assert (pool.level, pool.outage_sum, pool.moves) == (BreakerLevel.POOL, -3.5, ())
    assert [outage.moves for outage in quiet.outages] == [(), ()]


@pytest.mark.parametrize("cell", ["outage_evidence", "pool_outage_evidence", "relapse_count", "open_periods"])
def test_a_changed_cell_of_the_evidence_or_the_state_is_found(store: Store, cell: str) -> None:
    publish_history(store)
    column = policy_breaker.columns[cell]
    with store.reader.connect() as connection:
        before = connection.scalar(select(column).where(policy_breaker.c.run_id == 5))
    changed = {
        "outage_evidence": str(before).replace('"is_filled":false', '"is_filled":true', 1),
        "pool_outage_evidence": str(before).replace("-3.5", "-3.6"),
        "open_periods": re.sub("T01:00", "T02:00", str(before)),
        "relapse_count": 2,
    }[cell]
    assert changed != before
    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_breaker).where(policy_breaker.c.run_id == 5).values({cell: changed}))

    with pytest.raises(TamperedError):
        list(store.verify())


def test_a_run_is_derived_again_by_the_parameters_of_its_day(store: Store) -> None:
    states: dict[str, State | None] = {}
    publish_run(store, 1, (measured(1),), rule_set("breaker", {"open_sum": 99.0}), SEED, states)
    with store.reader.connect() as connection:
        assert connection.scalar(text("select maker_first from policy_snapshot")) in (True, 1)
    *_, last = store.verify()

    assert last.run_count == 1  # with the defaults it would have opened


def test_version_2_is_replayed_on_its_own_record_and_version_1_on_either(store: Store) -> None:
    publish_history(store)
    strict = rule_set("breaker", {"open_sum": 10.0})

    (runs,) = {tuple(run.rule_sets.items()) for run in read(store, replayable_runs, "default")}
    *_, same = replay(store, "default", BREAKER)
    *_, later = replay(store, "default", strict)
    *_, first = replay(store, "default", rule_set("breaker1"))

    assert {name: recorded.version for name, recorded in runs} == {"breaker": 2, "seed": 1}
    assert (same.recorded_by, same.change_count) == ("breaker", 0)
    assert [change.start for change in later.changes] == [MIDNIGHT + HOUR, MIDNIGHT + 4 * HOUR]
    assert first.recorded_by == "breaker"


def test_version_2_cannot_be_replayed_on_a_record_of_version_1(store: Store) -> None:
    publish_shadowed_history(store)

    with pytest.raises(NotReplayableError, match="measured the evidence of an outage, which it decides on"):
        list(replay(store, "default", BREAKER))
