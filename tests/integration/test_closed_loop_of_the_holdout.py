"""The holdout in the whole loop: router, log, job, store, policy, router, and drift over all of it.

Maker orders do not fill from half an hour until the eighth hour, so the seed's rules go to taker on the way. A fifth of
the orders is held out under either policy, and the cap is reached on the second day.
"""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from policy.experiment.experiment import NO_EXPERIMENT, Experiment
from policy.snapshot import Snapshot
from router_policy_client import HoldoutCap
from router_policy_client.order import Outcome
from router_policy_client.simulated import Conditions
from storage.store import Store
from tests.support.assignments import drift_of, lines_of, not_as_assigned, part_of
from tests.support.closed_loop import DAY, GOOD, HOUR, MINUTE, OUTAGE, START, Loop

FIFTH = Experiment(share=0.2, salt="spring")
EVERY = 5 * MINUTE


def loop_in(folder: Path, store: Store, experiment: Experiment) -> Loop:
    def conditions_at(at: datetime) -> Conditions:
        return OUTAGE if START + 30 * MINUTE <= at < START + 8 * HOUR else GOOD

    return Loop(folder, store, conditions_at, experiment=experiment)


def trade_half_a_day(loop: Loop) -> tuple[list[Outcome], list[Snapshot]]:
    outcomes, snapshots = loop.trade(HOUR, EVERY), [loop.compute()]
    for hour in range(2, 13):
        outcomes += loop.trade(hour * HOUR, EVERY)
        snapshots.append(loop.compute())
    return outcomes, snapshots


def test_orders_are_held_out_under_both_policies_and_everything_derives_again(
    tmp_path: Path, sqlite_store: Store
) -> None:
    loop = loop_in(tmp_path, sqlite_store, FIFTH)

    outcomes, snapshots = trade_half_a_day(loop)

    lines = lines_of(loop)
    before, under = lines[:12], lines[12:]
    assert {snapshot.maker_first for snapshot in snapshots} == {True, False}
    assert {(snapshot.holdout_share, snapshot.holdout_salt) for snapshot in snapshots} == {(0.2, "spring")}
    assert not any("holdout" in line or "propensity" in line for line in before)  # without a policy
    held_out = {line["attempt_id"] for line in under if line["holdout"]}
    assert held_out == {line["attempt_id"] for line in under if part_of(line["attempt_id"]) < 0.2}
    assert {line["policy_maker_first"] for line in under if line["holdout"]} == {True, False}
    assert all(line["maker_start"] is (line["policy_maker_first"] is not line["holdout"]) for line in under)
    assert {(line["holdout"], line["propensity"]) for line in under} == {(True, 0.2), (False, 0.8)}
    full_waits = {outcome.gate.patience for outcome in outcomes if outcome.gate.holdout and outcome.maker_started}
    assert full_waits == {1.0}
    assert not_as_assigned(drift_of(loop, sqlite_store)) == []
    assert [progress.run_count for progress in sqlite_store.verify()][-1] == 12


def test_a_tampered_assignment_is_found_by_drift(tmp_path: Path, sqlite_store: Store) -> None:
    loop = loop_in(tmp_path, sqlite_store, FIFTH)
    loop.trade(HOUR, EVERY)
    loop.compute()
    loop.trade(6 * HOUR, EVERY)
    lines = lines_of(loop)
    first, second = [line for line in lines if line.get("holdout")][:2]
    first.update(holdout=False, propensity=0.8)
    del second["holdout"], second["propensity"]
    second.update(maker_start=True, is_maker_final=True)
    loop.log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    assert sorted(not_as_assigned(drift_of(loop, sqlite_store))) == sorted(
        [
            (first["attempt_id"], "logged as not held out, and by its id it is held out"),
            (
                second["attempt_id"],
                "went maker first, and was assigned straight to taker; without a propensity: its client knows no "
                "holdouts",
            ),
        ]
    )


def test_the_cap_stops_the_holdout_for_the_day_and_drift_knows(tmp_path: Path, sqlite_store: Store) -> None:
    loop = loop_in(tmp_path, sqlite_store, FIFTH)
    loop.trade(8 * HOUR + 30 * MINUTE, EVERY)
    loop.compute()
    loop.holdout_cap = HoldoutCap(money_a_day=1e-9, path=tmp_path / "holdout_costs.jsonl")

    first_day = loop.trade(DAY, EVERY)
    loop.compute()
    second_day = loop.trade(DAY + HOUR, EVERY)

    for day in (first_day, second_day):
        count = [outcome.gate.holdout for outcome in day].index(True) + 1
        assert {outcome.gate.propensity for outcome in day[:count]} == {0.2, 0.8}
        assert {(outcome.gate.holdout, outcome.gate.propensity) for outcome in day[count:]} == {(None, 1.0)}
        assert {outcome.maker_started for outcome in day[count:]} == {day[0].gate.reading.maker_first}
    assert not_as_assigned(drift_of(loop, sqlite_store)) == []
    assert [progress.run_count for progress in sqlite_store.verify()][-1] == 2


def test_a_share_of_0_changes_nothing_to_the_bit(tmp_path: Path, sqlite_template: Path) -> None:
    logs, decided = [], []
    for name, experiment in (("without", NO_EXPERIMENT), ("off", replace(FIFTH, share=0.0))):
        folder = tmp_path / name
        folder.mkdir()
        with Store(f"sqlite:///{shutil.copy(sqlite_template, folder)}") as store:
            loop = loop_in(folder, store, experiment)
            loop.trade(HOUR, EVERY)
            decided.append(loop.compute())
            loop.trade(HOUR + timedelta(minutes=30), EVERY)
            logs.append(loop.log.read_bytes())
            assert [progress.run_count for progress in store.verify()][-1] == 1

    assert logs[0] == logs[1]
    assert decided[0] == decided[1]
    assert decided[0].holdout_share is None
