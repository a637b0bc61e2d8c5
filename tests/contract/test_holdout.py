"""The holdout in the store: which share and salt each policy has, what readers see of it, and that it verifies."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from policy.experiment.experiment import Experiment
from storage.audit.difference import TamperedError
from storage.audit.digest import entry_digest
from storage.read import policies
from storage.records import RunResult
from storage.schema.tables import policy_run, policy_snapshot
from storage.store import Store
from storage.write import overrides
from tests.support.runs import QUARTER, SLOT, claim, evidence, make_override, result
from tests.support.store_calls import read, write
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

SPRING = Experiment(share=0.02, salt="spring")
BOTH = (evidence("BTCUSDT"), evidence("ETHUSDT"))


def held_out(experiment: Experiment = SPRING) -> RunResult:
    return replace(result(BOTH), experiment=experiment)


def holdouts_in_force(store: Store) -> dict[str, tuple[float | None, str | None]]:
    """Share and salt of each symbol, as readers see them."""
    shown = read(store, policies.latest, "default")
    return {policy.symbol: (policy.snapshot.holdout_share, policy.snapshot.holdout_salt) for policy in shown}


def test_every_policy_has_the_share_and_the_salt_of_the_experiment_and_verifies(store: Store) -> None:
    store.publish(claim(store), held_out())

    *_, last = store.verify()

    assert last.run_count == 1
    assert holdouts_in_force(store) == {"BTCUSDT": (0.02, "spring"), "ETHUSDT": (0.02, "spring")}


def test_the_share_falls_once_the_saving_is_known_and_verifies(store: Store) -> None:
    store.publish(claim(store), held_out(replace(SPRING, half_width_bps=0.4)))

    assert holdouts_in_force(store)["BTCUSDT"] == (0.005, "spring")
    assert [progress.run_count for progress in store.verify()][-1] == 1


def test_a_policy_that_lets_probes_through_holds_nothing_out(store: Store) -> None:
    run = held_out()
    (bitcoin, decided), ether = run.decisions
    probing = replace(decided, probe_every=5)
    store.publish(claim(store), replace(run, decisions=((bitcoin, probing), ether)))

    assert holdouts_in_force(store) == {"BTCUSDT": (None, None), "ETHUSDT": (0.02, "spring")}


def test_a_rule_set_may_name_its_own_share_without_an_experiment(store: Store) -> None:
    run = held_out(Experiment(salt="default"))
    (bitcoin, decided), ether = run.decisions
    store.publish(claim(store), replace(run, decisions=((bitcoin, replace(decided, holdout_share=0.05)), ether)))

    with store.reading() as connection:
        stored = connection.scalar(select(policy_run.c.experiment))

    assert holdouts_in_force(store) == {"BTCUSDT": (0.05, "default"), "ETHUSDT": (None, None)}
    assert stored == '{"half_width_bps":null,"salt":"default","share":0.0,"then":0.005,"until_bps":0.5}'


def test_an_override_holds_nothing_out_and_its_end_brings_the_holdout_back(store: Store) -> None:
    store.publish(claim(store), held_out())
    override = make_override(store, reason="maintenance")
    assert override is not None
    during = holdouts_in_force(store)
    write(store, overrides.end_override, "default", "BTCUSDT", author="ann", reason="it is over")

    assert during == {"BTCUSDT": (None, None), "ETHUSDT": (0.02, "spring")}
    assert holdouts_in_force(store)["BTCUSDT"] == (0.02, "spring")


@pytest.mark.parametrize(
    ("column", "value"), [("holdout_share", 0.5), ("holdout_share", None), ("holdout_salt", "autumn")]
)
def test_verify_derives_share_and_salt_again(store: Store, column: str, value: object) -> None:
    store.publish(claim(store), held_out())
    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_snapshot).values({column: value}))

    with pytest.raises(TamperedError, match=f"run 1, BTCUSDT: {column} is"):
        list(store.verify())


def test_another_experiment_of_a_run_is_found(store: Store) -> None:
    store.publish(claim(store), held_out())
    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_run).values(experiment=replace(SPRING, share=0.01).to_text()))

    with pytest.raises(TamperedError, match=r"holdout_share is 0\.02, derived 0\.01"):
        list(store.verify())


@pytest.mark.parametrize("damaged", ["{", '{"share":"much"}', "[1]", '{"part":0.02}'])
def test_an_experiment_that_cannot_be_read_is_found(store: Store, damaged: str) -> None:
    store.publish(claim(store), held_out())
    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_run).values(experiment=damaged))

    with pytest.raises(TamperedError, match="run 1"):
        list(store.verify())


def test_a_share_of_0_leaves_the_rows_and_the_digest_as_they_were(store: Store) -> None:
    off = replace(SPRING, share=0.0)
    store.publish(claim(store), replace(result(BOTH), experiment=off))
    store.publish(claim(store, SLOT + QUARTER), result(BOTH))

    with store.reading() as connection:
        run, without = connection.execute(select(policy_run).order_by(policy_run.c.run_id)).all()
        rows = connection.execute(select(policy_snapshot).order_by(policy_snapshot.c.run_id)).all()
    before = [tuple(row)[:-2] for row in rows]  # the columns of the holdout are the last two

    assert policy_snapshot.columns.keys()[-2:] == ["holdout_share", "holdout_salt"]
    assert [tuple(row)[-2:] for row in rows] == [(None, None)] * 4
    assert (run.experiment, without.experiment) == (None, None)
    assert {row[1:3] + row[4:] for row in before[:2]} == {row[1:3] + row[4:] for row in before[2:]}
    rejects = [(run.run_id, "orders", "zero_fill", 3, "log.jsonl:7")]
    assert entry_digest(policy_run, tuple(run)[:-1], before[:2], rejects) == run.digest
