"""Views, triggers and indexes that somebody changed: `verify` finds them, although every row is as it was published."""

import pytest
from sqlalchemy import text

from jobs.analysis.store_findings import find_in_store
from storage.audit.difference import TamperedError
from storage.store import Store
from tests.support.runs import SLOT, publish

_OBJECTS = text(
    "select type, name, sql from sqlite_master where sql is not null and type in ('view','trigger','index')"
)


def objects(store: Store) -> list[tuple[str, str, str]]:
    with store.reader.connect() as connection:
        return [(row.type, row.name, row.sql) for row in connection.execute(_OBJECTS)]


def run_in(store: Store, *statements: str) -> None:
    with store.writer.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_every_view_trigger_and_index_that_is_dropped_or_changed_is_found(module_store: Store) -> None:
    if module_store.url.get_backend_name() != "sqlite":
        pytest.skip("on Postgres only triggers are compared")
    publish(module_store, SLOT)
    for kind, name, sql in objects(module_store):
        run_in(module_store, f"drop {kind} {name}")
        with pytest.raises(TamperedError, match=f"schema: {kind} {name}"):
            list(module_store.verify())
        run_in(module_store, sql)

    *_, last = module_store.verify()
    assert last.run_count == 1
    assert {kind for kind, _, _ in objects(module_store)} == {"view", "trigger", "index"}


def test_a_latest_policy_that_lies_is_found(store: Store) -> None:
    if store.url.get_backend_name() != "sqlite":
        pytest.skip("on Postgres only triggers are compared")
    publish(store, SLOT)
    sql = next(sql for _, name, sql in objects(store) if name == "policy_latest")
    run_in(store, "drop view policy_latest", sql.replace("coalesce(o.maker_first, s.maker_first)", "0", 1))

    with pytest.raises(TamperedError, match="schema: view policy_latest"):
        list(store.verify())


def test_a_trigger_that_was_added_is_found_and_an_index_may_be_added(store: Store) -> None:
    if store.url.get_backend_name() != "sqlite":
        pytest.skip("on Postgres triggers that were added are not looked for")
    publish(store, SLOT)
    run_in(store, "create index by_reason on policy_snapshot (reason)")
    list(store.verify())
    run_in(store, "create trigger liar after insert on policy_run begin delete from policy_slot; end")

    with pytest.raises(TamperedError, match="schema: trigger liar is 'added'"):
        list(store.verify())


def test_check_finds_a_view_that_was_changed(store: Store, store_url: str) -> None:
    if store.url.get_backend_name() != "sqlite":
        pytest.skip("on Postgres only triggers are compared")
    run_in(store, "drop view policy_gap", "create view policy_gap as select 1 as slot")

    with pytest.raises(TamperedError, match="schema: view policy_gap is 'changed'"):
        list(find_in_store(store_url, "default"))


@pytest.mark.parametrize("statement", ["drop trigger {name} on {table}", "alter table {table} disable trigger {name}"])
@pytest.mark.parametrize("suffix", ["_no_change", "_no_truncate"])
def test_a_trigger_that_is_dropped_or_disabled_is_found_on_postgres(store: Store, statement: str, suffix: str) -> None:
    if store.url.get_backend_name() == "sqlite":
        pytest.skip("triggers of SQLite cannot be disabled, and have other names")
    publish(store, SLOT)
    list(store.verify())
    run_in(store, statement.format(name=f"policy_snapshot{suffix}", table="policy_snapshot"))

    with pytest.raises(TamperedError, match=f"schema: trigger policy_snapshot{suffix}"):
        list(store.verify())
