"""The schema: what the migrations make is what the tables in the code say, and nothing is lost on the way."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from storage.read import policies
from storage.schema import upgrade
from storage.schema.tables import metadata
from storage.store import Store
from tests.support.runs import SLOT, evidence, publish
from tests.support.store_calls import read

COMPARED = {"include_object": upgrade.is_compared, "version_table": upgrade.VERSION_TABLE}


def test_migrations_and_tables_do_not_differ(store: Store) -> None:
    with store.writer.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, **COMPARED}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_a_difference_would_be_seen(store: Store) -> None:
    with store.writer.begin() as connection:
        connection.execute(text("alter table policy_scope add column extra text"))
    with store.writer.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=COMPARED), metadata)

    assert len(differences) == 1


def test_the_range_of_slots_has_an_index_that_fits_the_database(store: Store) -> None:
    with store.writer.connect() as connection:
        names = {index["name"] for index in inspect(connection).get_indexes("policy_snapshot")}

    assert "ix_policy_snapshot_scope_symbol_slot" in names
    assert ("ix_policy_snapshot_slot_brin" in names) == (store.url.get_backend_name() == "postgresql")


def test_down_and_up_again_works_with_data_in_it(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))

    upgrade.downgrade(store.writer, "base")
    with store.writer.connect() as connection:
        left = [name for name in inspect(connection).get_table_names() if name.startswith("policy_")]
    upgrade.upgrade(store.writer)

    assert left == [upgrade.VERSION_TABLE]
    assert read(store, policies.latest, "default") == []
    assert publish(store, SLOT, evidence("BTCUSDT")).run_id == 1


def test_setting_up_twice_keeps_what_is_there(store: Store) -> None:
    publish(store)

    store.set_up()

    assert len(read(store, policies.latest, "default")) == 2


def test_every_view_is_readable_and_every_table_described(store: Store) -> None:
    with store.reader.connect() as connection:
        views = sorted(inspect(connection).get_view_names())
        for view in views:
            connection.execute(text(f"select * from {view}"))

    assert {"policy_change", "policy_history", "policy_latest"} <= set(views)
    assert all(table.comment and all(column.comment for column in table.columns) for table in metadata.tables.values())
