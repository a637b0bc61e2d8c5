"""Savings in the store: the newest of each, one over time, and that they are under the chain."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, inspect, select, update

from policy.experiment.experiment import Experiment
from policy.experiment.saving import Comparison
from storage.audit.difference import TamperedError
from storage.read.pages import PageBounds
from storage.read.savings import known_savings, saving_series
from storage.schema import upgrade
from storage.schema.tables import policy_saving
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish, result
from tests.support.savings import figure, publish_savings
from tests.support.store_calls import read
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

MAKER, POLICY = Comparison.MAKER_AGAINST_TAKER, Comparison.POLICY_AGAINST_TAKER


def test_the_newest_figure_of_each_symbol_and_comparison_is_known(store: Store) -> None:
    first = [figure(1.0), figure(2.0, comparison=POLICY), figure(3.0, symbol="BTCUSDT")]
    publish_savings(store, SLOT, *first)
    publish_savings(store, SLOT + QUARTER, figure(1.25, margin_bps=None))

    known = read(store, known_savings, "default")

    assert {key: saving.figure for key, saving in known.newest.items()} == {
        ("", MAKER): figure(1.25, margin_bps=None),
        ("", POLICY): figure(2.0, comparison=POLICY),
        ("BTCUSDT", MAKER): figure(3.0, symbol="BTCUSDT"),
    }
    assert known.since == SLOT


def test_of_one_symbol_only_its_own_figures_are_read(store: Store) -> None:
    publish_savings(store, SLOT, figure(1.0), figure(3.0, symbol="BTCUSDT"))
    publish_savings(store, SLOT + QUARTER, figure(2.0))

    of_all, of_one = (read(store, known_savings, "default", symbol=symbol) for symbol in ("", "BTCUSDT"))

    assert {key: saving.figure for key, saving in of_all.newest.items()} == {("", MAKER): figure(2.0)}
    assert {key: saving.figure for key, saving in of_one.newest.items()} == {
        ("BTCUSDT", MAKER): figure(3.0, symbol="BTCUSDT")
    }
    assert of_all.since == of_one.since == SLOT


def test_before_a_slot_only_what_the_runs_before_it_found_is_known(store: Store) -> None:
    publish_savings(store, SLOT, figure(1.0))
    publish_savings(store, SLOT + QUARTER, figure(2.0))

    before = read(store, known_savings, "default", SLOT + QUARTER)

    assert [saving.figure.saving_bps for saving in before.newest.values()] == [1.0]
    assert read(store, known_savings, "default", SLOT).newest == {}
    assert read(store, known_savings, "other").newest == {}


def test_orders_count_from_the_first_run_that_held_any_out(store: Store) -> None:
    publish(store, SLOT)
    assert read(store, known_savings, "default").since is None
    for number in (1, 2):
        held_out = replace(result([evidence("BTCUSDT")]), experiment=Experiment(share=0.02, salt="s"))
        store.publish(claim(store, SLOT + number * QUARTER), held_out)

    assert read(store, known_savings, "default").since == SLOT + QUARTER
    assert read(store, known_savings, "default", SLOT + QUARTER).since is None


def test_one_saving_over_time_is_read_a_page_at_a_time_newest_first(store: Store) -> None:
    for number in range(4):
        publish_savings(store, SLOT + number * QUARTER, figure(float(number)), figure(9.0, symbol="BTCUSDT"))

    points = read(store, saving_series, "default", "", MAKER, PageBounds(limit=2))
    older = read(store, saving_series, "default", "", MAKER, PageBounds(until=points[-1].slot, limit=5))

    assert [point.saving.figure.saving_bps for point in points] == [3.0, 2.0]
    assert [(point.slot, point.saving.figure.saving_bps) for point in older] == [(SLOT + QUARTER, 1.0), (SLOT, 0.0)]


def test_the_history_verifies_and_a_changed_saving_is_found(store: Store) -> None:
    publish_savings(store, SLOT, figure(1.0), figure(2.0, symbol="BTCUSDT"))
    publish(store, SLOT + QUARTER)
    list(store.verify())

    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_saving).where(policy_saving.c.symbol == "BTCUSDT").values(saving_bps=2.5))
    with pytest.raises(TamperedError, match="run 1"):
        list(store.verify())


def test_a_saving_that_is_gone_is_found(store: Store) -> None:
    publish_savings(store, SLOT, figure(1.0))

    with behind_the_triggers(store) as connection:
        connection.execute(delete(policy_saving))
    with pytest.raises(TamperedError, match="run 1"):
        list(store.verify())


def test_a_prune_removes_the_savings_of_its_runs_and_the_start_of_the_orders_stays(store: Store) -> None:
    publish_savings(store, SLOT, figure(1.0))
    publish_savings(store, SLOT + QUARTER, figure(2.0))

    list(store.prune(timedelta(0)))

    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(policy_saving)) == 1
    assert read(store, known_savings, "default").since == SLOT
    list(store.verify())


def test_a_saving_from_before_the_money_of_any_order_still_verifies_after_an_upgrade(store: Store) -> None:
    """A store of schema 0011 had no columns for it: they are null, and what an order saves is the mean of the sum."""
    before = replace(figure(1.5), any_margin_money=None, any_single_look_margin_money=None, mean_notional=None)
    publish_savings(store, SLOT, before)

    upgrade.downgrade(store.writer, "0011")
    with store.writer.connect() as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("policy_saving")}
    store.set_up()
    publish_savings(store, SLOT + QUARTER, figure(2.0))

    assert "mean_notional" not in columns
    older, newer = (read(store, known_savings, "default", slot) for slot in (SLOT + QUARTER, None))
    assert older.newest["", MAKER].figure == before
    assert older.newest["", MAKER].figure.any_saving_money == pytest.approx(0.015)
    assert newer.newest["", MAKER].figure == figure(2.0)
    list(store.verify())


@pytest.mark.parametrize("column", ["any_margin_money", "any_single_look_margin_money", "mean_notional"])
def test_a_changed_figure_of_any_order_in_money_is_found(store: Store, column: str) -> None:
    publish_savings(store, SLOT, figure(1.0))

    with behind_the_triggers(store) as connection:
        connection.execute(update(policy_saving).values({column: 7.0}))
    with pytest.raises(TamperedError, match="run 1"):
        list(store.verify())
