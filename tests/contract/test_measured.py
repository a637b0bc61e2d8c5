"""The rule set `measured` in the store: its evidence and state, verified, explained, compared and replayed.

Of BTCUSDT nothing is known at 00:00. At 01:00 its 2,000 maker orders cost 1 bps more than crossing, and it goes to
taker; at 02:00 they cost 0.1 more, which is not clear; at 03:00 1 bps less, and it goes back. The margin is 0.68 bps.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from console.commands.explain import explanation_lines
from console.records.explanation_records import ExplanationRecord
from jobs.analysis.explain import explain_policy
from jobs.analysis.replay import NotReplayableError, replay
from jobs.analysis.replay_result import ReplayVerdict
from policy.maker_cost import CostRoute
from policy.rules import State, rule_set
from policy.streaks import Streaks
from storage.audit.difference import TamperedError
from storage.read import breaker_states, policies
from storage.read.rule_set_comparison import rule_set_differences
from storage.schema.tables import policy_breaker
from storage.store import Store
from tests.support.measured_history import COSTS_BY_HOUR, MEASURED, QUIET, publish_measured_history, seen
from tests.support.shadowed_history import HOUR, MIDNIGHT, SEED, publish_run
from tests.support.store_calls import read
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")


def test_every_run_verifies_and_its_state_goes_on(store: Store) -> None:
    publish_measured_history(store)

    *_, last = store.verify()
    remembered = [
        read(store, breaker_states.states_before, "default", MIDNIGHT + hour * HOUR, ["measured"])["measured"]
        for hour in (1, 2, 3, 4)
    ]
    decided = [
        period.policy.snapshot.maker_first
        for hour in COSTS_BY_HOUR
        if (period := read(store, policies.in_force, "default", "BTCUSDT", MIDNIGHT + (hour + 0.5) * HOUR)) is not None
    ]

    assert last.run_count == 4
    assert [state["BTCUSDT"].cost_route for state in remembered] == [
        None,
        CostRoute.TAKER,
        CostRoute.TAKER,
        CostRoute.MAKER,
    ]
    assert decided == [True, False, False, True]


def test_explain_shows_the_evidence_beside_its_bounds(store: Store) -> None:
    publish_measured_history(store)

    explanation = explain_policy(store, "default", "BTCUSDT", MIDNIGHT + 1.5 * HOUR)

    assert explanation is not None
    checks = {(check.rule, check.figure): (check.value, check.holds) for check in explanation.checks}
    assert checks["own to taker", "maker_cost_bps"] == (1.0, True)
    assert checks["own to maker", "maker_cost_bps"] == (1.0, False)
    assert explanation.period.policy.snapshot.reason.startswith(
        "go straight to taker; the symbol's own maker orders cost 1 bps more than crossing, ±0.68"
    )
    assert explanation.breaker is not None
    assert explanation.breaker.after.cost_route is CostRoute.TAKER
    record = ExplanationRecord.of(explanation).model_dump(mode="json")
    assert record["breaker"]["after"]["cost_route"] == "taker"
    assert "the way that costs less: not known before, taker after" in list(explanation_lines(explanation))


@pytest.mark.parametrize("cell", ["cost_evidence", "pool_cost_evidence", "cost_route", "state_before"])
def test_a_changed_cell_of_the_evidence_or_the_state_is_found(store: Store, cell: str) -> None:
    publish_measured_history(store)
    column = policy_breaker.columns[cell]
    with store.reader.connect() as connection:
        before = connection.scalar(select(column).where(policy_breaker.c.run_id == 3))
    changed = {
        "cost_evidence": str(before).replace("2000", "2001", 1),
        "pool_cost_evidence": str(before).replace("0.25", "0.26", 1),
        "cost_route": "maker",
        "state_before": str(before).replace('"cost_route":"taker",', ""),
    }[cell]
    assert changed != before
    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_breaker).where(policy_breaker.c.run_id == 3).values({cell: changed}))

    with pytest.raises(TamperedError):
        list(store.verify())


def test_a_route_that_is_not_one_of_the_two_is_refused(store: Store) -> None:
    publish_measured_history(store)

    with (
        behind_the_triggers(store) as connection,
        pytest.raises(IntegrityError, match="cost_route_known"),
        connection.begin_nested(),
    ):
        connection.execute(update(policy_breaker).values(cost_route="both"))


def test_a_run_is_derived_again_by_the_parameters_of_its_day(store: Store) -> None:
    states: dict[str, State | None] = {}
    publish_run(
        store, 1, (seen(1),), rule_set("measured", {"least_own_orders": 2001, "least_pool_orders": 2001}), SEED, states
    )
    with store.reader.connect() as connection:
        assert connection.scalar(text("select maker_first from policy_snapshot")) in (True, 1)
    *_, last = store.verify()

    assert last.run_count == 1  # with the defaults it would have gone to taker


def test_it_is_compared_with_a_shadow_as_any_rule_set(store: Store) -> None:
    publish_measured_history(store)

    (difference,) = read(store, rule_set_differences, "default")

    assert (difference.live, difference.shadow, difference.run_count) == ("measured", "seed", 4)
    assert difference.live_totals.maker_first_seconds == 3600  # the newest run counts for no time
    assert difference.live_totals.flip_count == 2


def test_it_is_replayed_on_its_own_record(store: Store) -> None:
    publish_measured_history(store)

    *_, same = replay(store, "default", MEASURED)
    *_, never = replay(store, "default", rule_set("measured", {"least_own_orders": 2001, "least_pool_orders": 2001}))
    *_, breaker = replay(store, "default", rule_set("breaker"))

    assert (same.recorded_by, same.change_count) == ("measured", 0)
    assert [(change.start, change.run_count, change.verdict) for change in never.changes] == [
        (MIDNIGHT + HOUR, 2, ReplayVerdict.NEVER_SENT)
    ]
    assert breaker.recorded_by == "measured"
    # Orders that were never sent are missing from the evidence of sixty days, and from that of seven.
    assert never.symbols["BTCUSDT"].tallies[ReplayVerdict.OTHER_ORDERS].run_count == 1


def test_orders_that_were_never_sent_are_missing_from_the_evidence_for_sixty_days(store: Store) -> None:
    states: dict[str, State | None] = {}
    for hour in (1, 3, 20 * 24):
        shown = replace(
            seen(min(hour, 3)), streaks=Streaks(as_of=MIDNIGHT + hour * HOUR, own_outage=QUIET, pool_outage=QUIET)
        )
        publish_run(store, hour, (shown,), MEASURED, SEED, states)
    strict = {"least_own_orders": 2001, "least_pool_orders": 2001}

    *_, measured = replay(store, "default", rule_set("measured", strict))
    *_, breaker = replay(store, "default", rule_set("breaker"))

    assert MIDNIGHT + 20 * 24 * HOUR - timedelta(days=7) > MIDNIGHT + 3 * HOUR
    assert measured.symbols["BTCUSDT"].tallies[ReplayVerdict.OTHER_ORDERS].run_count == 2
    assert breaker.symbols["BTCUSDT"].tallies[ReplayVerdict.OTHER_ORDERS].run_count == 1


def test_it_cannot_be_replayed_on_the_record_of_a_breaker(store: Store) -> None:
    states: dict[str, State | None] = {}
    publish_run(store, 0, (seen(0),), rule_set("breaker"), SEED, states)

    with pytest.raises(NotReplayableError, match="measured what maker orders cost over 60 days, clipped to 150 bps"):
        list(replay(store, "default", MEASURED))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"cost_days": 30}, "30 days, clipped to 150"), ({"cost_clip_bps": 50}, "60 days, clipped to 50")],
)
def test_it_cannot_be_replayed_on_costs_of_other_days_or_another_clip(
    store: Store, parameters: dict[str, object], words: str
) -> None:
    publish_measured_history(store)

    with pytest.raises(NotReplayableError, match=words):
        list(replay(store, "default", rule_set("measured", parameters)))


def test_runs_whose_costs_are_of_other_days_are_left_out_of_a_replay(store: Store) -> None:
    states: dict[str, State | None] = {}
    publish_run(store, 1, (seen(1),), rule_set("measured", {"cost_days": 30}), SEED, states)
    publish_run(store, 2, (seen(2),), MEASURED, SEED, states)
    publish_run(store, 3, (seen(3),), MEASURED, SEED, states)

    *_, replayed = replay(store, "default", MEASURED)

    assert (replayed.run_count, replayed.skipped_run_count) == (2, 1)
    assert (replayed.first_slot, replayed.change_count) == (MIDNIGHT + 2 * HOUR, 0)
