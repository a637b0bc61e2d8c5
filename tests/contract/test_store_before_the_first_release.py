"""A store that a version before 0.1.0 wrote, with the words of that time: upgraded, it still verifies, and it goes on.

tests/data/store_before_0.1.0.sql was dumped from such a store: the seed with a breaker in its shadow, a live breaker
with a second one beside it under other parameters, openings by misses and by rejects, overrides, a failed slot and a
missed one.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Boolean, MetaData, create_engine, insert, inspect, select, text

from policy.rules import rule_set
from storage.audit.difference import TamperedError
from storage.errors import SchemaError
from storage.read import breaker_states, policies
from storage.schema import upgrade
from storage.store import Store
from tests.support.runs import evidence, publish
from tests.support.shadowed_history import HOUR, MIDNIGHT
from tests.support.store_calls import read
from tests.support.tampering import behind_the_triggers

_DUMP = Path(__file__).parents[1] / "data" / "store_before_0.1.0.sql"
_HEAD = "39c399920a88c6940d4582a2e7db98c3546927c037b7ed7ef1fc4a7e75e9461b"  # as `router-policy head` of that day said


@pytest.fixture
def earlier_store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """The store as it was left, on SQLite the file itself, on Postgres its rows in the schema of that time."""
    dumped = tmp_path / ("policy.db" if store_url.startswith("sqlite") else "dumped.db")
    connection = sqlite3.connect(dumped)
    connection.executescript(_DUMP.read_text("utf-8"))
    connection.close()
    with Store(store_url) as store:
        if not store_url.startswith("sqlite"):
            upgrade.upgrade(store.writer, "0003")
            with store.writer.begin() as writing:
                writing.execute(text(f"drop table {upgrade.VERSION_TABLE}"))
                writing.execute(text("create table alembic_version (version_num varchar(32) primary key)"))
                writing.execute(text("insert into alembic_version values ('0003')"))
            _copy_rows(f"sqlite:///{dumped}", store)
        yield store


def _copy_rows(source_url: str, target: Store) -> None:
    source, theirs, ours = create_engine(source_url), MetaData(), MetaData()
    theirs.reflect(source)
    ours.reflect(target.writer)
    with source.connect() as reading, target.writer.begin() as writing:
        writing.execute(ours.tables["policy_head"].delete())
        for table in theirs.sorted_tables:
            into = ours.tables[table.name]
            flags = {column.name for column in into.columns if isinstance(column.type, Boolean)}
            rows = [
                {name: bool(value) if name in flags and value is not None else value for name, value in row.items()}
                for row in reading.execute(select(table)).mappings()
            ]
            if rows and table.name != "alembic_version":
                writing.execute(insert(into), rows)
    source.dispose()


def tables(store: Store) -> list[str]:
    with store.reader.connect() as connection:
        return inspect(connection).get_table_names()


def test_an_upgraded_store_verifies_to_the_head_that_was_kept(earlier_store: Store) -> None:
    with pytest.raises(SchemaError, match="schema version 0003, kept in alembic_version"):
        earlier_store.is_set_up()
    earlier_store.set_up()

    assert earlier_store.is_set_up()
    assert "alembic_version" not in tables(earlier_store)
    *_, last = earlier_store.verify(_HEAD)

    assert (last.run_count, last.snapshot_count, last.digest) == (11, 22, _HEAD)


def test_new_runs_follow_old_ones_and_all_of_it_verifies(earlier_store: Store) -> None:
    earlier_store.set_up()

    publish(earlier_store, MIDNIGHT + 20 * HOUR, evidence("BTCUSDT"))
    *_, last = earlier_store.verify(_HEAD)

    assert last.run_count == 12


def test_what_a_breaker_remembered_is_read_on(earlier_store: Store) -> None:
    earlier_store.set_up()

    states = read(earlier_store, breaker_states.states_before, "default", MIDNIGHT + 9 * HOUR, ["breaker"])["breaker"]

    assert states["BTCUSDT"].own.opened_at == states["BTCUSDT"].pool.opened_at == MIDNIGHT + 8 * HOUR


def test_the_rule_set_of_an_old_run_has_the_parameters_of_that_day(earlier_store: Store) -> None:
    earlier_store.set_up()
    stored = "select digest from policy_rule_set where name = 'breaker'"

    rules = read(earlier_store, policies.rule_set_of_run, 11)
    with earlier_store.reader.connect() as connection:
        digest = connection.execute(text(stored)).scalar_one()

    assert rules.parameters == rule_set("breaker1").parameters
    assert rules.digest() == digest != rule_set("breaker1").digest()


@pytest.mark.parametrize(
    ("column", "value"),
    [("reason", "replace(reason, 'run of 12', 'run of 13')"), ("codes", "replace(codes, 'miss_run', 'miss_streak')")],
)
def test_a_change_of_an_old_decision_is_found(earlier_store: Store, column: str, value: str) -> None:
    earlier_store.set_up()
    with behind_the_triggers(earlier_store) as connection:
        connection.execute(text(f"update policy_snapshot set {column} = {value} where rule_set = 'breaker'"))

    with pytest.raises(TamperedError):
        list(earlier_store.verify())


@pytest.mark.parametrize("form", [0, 2, 3, 4])
def test_a_form_that_somebody_gave_to_an_old_entry_is_found(earlier_store: Store, form: int) -> None:
    earlier_store.set_up()
    with behind_the_triggers(earlier_store) as connection:
        connection.execute(text(f"update policy_run set digest_form = {form} where run_id = 11"))

    with pytest.raises(TamperedError, match="run 11: digest is"):
        list(earlier_store.verify())
