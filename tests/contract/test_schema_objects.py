"""Views, indexes, triggers and functions that somebody changed: they are found, although every row is as published."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Engine, make_url, text

from jobs.analysis.findings import Severity
from jobs.analysis.store_findings import find_in_store
from storage.audit.difference import TamperedError
from storage.audit.schema_objects import Objects, expected_objects, schema_differences
from storage.schema.roles import ANALYST
from storage.schema.tables import metadata
from storage.store import Store
from tests.support.command import command
from tests.support.pgbouncer import pooled
from tests.support.postgres import fresh_database, name_of
from tests.support.runs import SLOT, publish

_ON_SQLITE = """
select type, name, tbl_name from sqlite_master where sql is not null and type in ('view', 'trigger', 'index')
"""
_ON_POSTGRES = """
select 'view', viewname, viewname from pg_views where schemaname = 'public'
union all select 'index', indexname, tablename from pg_indexes where schemaname = 'public'
union all select 'trigger', tgname, tgrelid::regclass::text from pg_trigger where not tgisinternal
union all select 'function', proname, '' from pg_proc where pronamespace = 'public'::regnamespace
"""
_FUNCTION = "create or replace function policy_refuse_change() returns trigger language plpgsql"
# What somebody who owns the database may do on Postgres, and the object that is named.
_CHANGES = {
    "create or replace view policy_gap as select scope, slot, 'missed'::text as state, owner,"
    " 0::bigint as failure_count, null::text as last_error from policy_slot where false": "view policy_gap is",
    "alter view policy_latest set (security_barrier = true)": "view policy_latest is 'changed'",
    "drop view policy_gap; create table policy_gap (slot text)": "view policy_gap is None",
    f"{_FUNCTION} as 'begin return coalesce(new, old); end'": "function policy_refuse_change is 'changed'",
    "alter function policy_refuse_change() security definer": "function policy_refuse_change is 'changed'",
    "alter function policy_refuse_change() set search_path = pg_temp": "function policy_refuse_change is 'changed'",
    "alter table policy_run drop constraint uq_policy_run_scope_slot": "index uq_policy_run_scope_slot is None",
    "drop index ix_policy_snapshot_scope_symbol_slot;"
    "create index ix_policy_snapshot_scope_symbol_slot on policy_snapshot (scope, symbol, slot) where run_id < 0":
        "index ix_policy_snapshot_scope_symbol_slot is 'changed'",
    "alter table policy_run disable trigger policy_run_no_change": "trigger policy_run_no_change",
    "alter table policy_run enable replica trigger policy_run_no_change": "trigger policy_run_no_change",
    "drop trigger policy_run_no_change on policy_run; create trigger policy_run_no_change before update on policy_run"
    " for each row when (false) execute function policy_refuse_change()": "trigger policy_run_no_change",
    "create schema liar; create function liar.policy_refuse_change() returns trigger language plpgsql"
    " as 'begin return coalesce(new, old); end'; drop trigger policy_run_no_change on policy_run;"
    "create trigger policy_run_no_change before update or delete on policy_run for each row"
    " execute function liar.policy_refuse_change('run_id')": "trigger policy_run_no_change on policy_run is 'changed'",
    "create trigger liar before insert on policy_run for each row execute function policy_refuse_change()":
        "trigger liar on policy_run is 'added'",
    "create rule liar as on insert to policy_reject do instead nothing": "rule liar on policy_reject is 'added'",
    "alter table policy_snapshot enable row level security": "row security of policy_snapshot is 'added'",
}  # fmt: skip
_ALLOWED = [
    "create index by_reason on policy_snapshot (reason)",
    "create view policy_newest as select * from policy_latest",
    "create table trades (id int); create rule ours as on insert to trades do instead nothing",
    "alter table policy_run enable always trigger policy_run_no_change",
    "create schema shop; create table shop.policy_run (run_id int); set search_path = shop, public",
]


def differences_after(store: Store, *statements: str) -> list[str]:
    """Return what is found after these statements, which are undone."""
    expected = expected_once(store.writer)
    with store.writer.connect() as connection, connection.begin() as transaction:
        for statement in statements:
            connection.exec_driver_sql(statement)
        differences = [str(TamperedError(difference)) for difference in schema_differences(connection, expected)]
        transaction.rollback()
    return differences


@cache
def expected_once(engine: Engine) -> Objects | None:
    """Return what a database should have, made once: no test changes a setting of a database that it shares."""
    return expected_objects(engine)


def run_in(store: Store, *statements: str) -> None:
    with store.writer.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def drop_statement(connection: Connection, kind: str, name: str, table: str) -> str:
    if connection.dialect.name == "sqlite":
        return f"drop {kind} {name}"
    constraint = text("select conrelid::regclass::text from pg_constraint where conname = :name")
    if kind == "index" and (owner := connection.scalar(constraint, {"name": name})):
        return f"alter table {owner} drop constraint {name} cascade"
    return f"drop {kind} {name} on {table}" if kind == "trigger" else f"drop {kind} {name} cascade"


def objects(store: Store) -> Sequence[tuple[str, str, str]]:
    """Return the kind and the name of each object, and the statement that drops it."""
    is_sqlite = store.url.get_backend_name() == "sqlite"
    with store.reader.connect() as connection:
        return [
            (kind, name, drop_statement(connection, kind, name, table))
            for kind, name, table in connection.execute(text(_ON_SQLITE if is_sqlite else _ON_POSTGRES)).all()
            if is_sqlite or table == "" or table in metadata.tables or kind == "view"
        ]


def test_every_view_trigger_index_and_function_that_is_dropped_is_found(module_store: Store) -> None:
    publish(module_store, SLOT)
    kinds = set()
    for kind, name, drop in objects(module_store):
        differences = differences_after(module_store, drop)
        assert any(re.match(rf"schema: {kind} {name}( on \w+)? is None", line) for line in differences), drop
        kinds.add(kind)

    *_, last = module_store.verify()
    assert last.run_count == 1
    assert kinds - {"function"} == {"view", "trigger", "index"}
    assert ("function" in kinds) == (module_store.url.get_backend_name() == "postgresql")


def test_a_latest_policy_that_lies_is_found(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    is_sqlite = store.url.get_backend_name() == "sqlite"
    asked = "select sql from sqlite_master where name = 'policy_latest'" if is_sqlite else (
        "select 'create view policy_latest as ' || pg_get_viewdef('policy_latest'::regclass)"
    )  # fmt: skip
    with store.reader.connect() as connection:
        sql = connection.scalar(text(asked)) or ""
    lie = sql.replace("coalesce(o.maker_first, s.maker_first)", "0", 1).replace(
        "COALESCE(o.maker_first, s.maker_first)", "false", 1
    )
    run_in(store, "drop view policy_latest", lie)

    with pytest.raises(TamperedError, match="schema: view policy_latest is 'changed'"):
        list(store.verify())
    wrong = [finding for finding in find_in_store(store_url, "default") if finding.severity is Severity.WRONG]
    assert len(wrong) == 1
    assert wrong[0].message.startswith("schema: view policy_latest is 'changed'")


def test_a_trigger_that_was_added_is_found_and_an_index_may_be_added_on_sqlite(sqlite_store: Store) -> None:
    liar = "create trigger liar after insert on policy_run begin delete from policy_slot; end"

    assert differences_after(sqlite_store, "create index by_reason on policy_snapshot (reason)") == []
    assert differences_after(sqlite_store, liar) == ["schema: trigger liar is 'added', derived None"]


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'policy.db'}") as store:
        store.set_up()
        yield store


@pytest.fixture(scope="module")
def postgres_store(postgres_url: str, postgres_template: str) -> Iterator[Store]:
    with fresh_database(postgres_url, postgres_template) as url, Store(url) as store:
        yield store


@pytest.mark.parametrize("change", _CHANGES)
def test_what_an_owner_of_postgres_can_change_is_found(postgres_store: Store, change: str) -> None:
    differences = differences_after(postgres_store, change)

    assert [line for line in differences if line.startswith(f"schema: {_CHANGES[change]}")] != []


@pytest.mark.parametrize("change", _ALLOWED)
def test_what_others_keep_beside_the_store_on_postgres_is_no_change(postgres_store: Store, change: str) -> None:
    assert differences_after(postgres_store, change) == []


def test_check_names_each_object_that_was_changed(postgres_url: str, postgres_template: str) -> None:
    with fresh_database(postgres_url, postgres_template) as url, Store(url) as store:
        run_in(store, "drop view policy_gap", "drop index ix_policy_override_scope_symbol")
        wrong = [finding.message for finding in find_in_store(url, "default") if not finding.ok]

    assert [message.partition(" is ")[0] for message in wrong] == [
        "schema: view policy_gap", "schema: index ix_policy_override_scope_symbol",
    ]  # fmt: skip


def test_the_schema_is_compared_under_any_name_and_search_path_and_nothing_is_left(postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute('create schema "Bot\'s (a.b)"')
            connection.execute(f'alter database {name_of(url)} set search_path = "Bot\'s (a.b)", public')
            connection.execute(f"alter database {name_of(url)} set quote_all_identifiers = on")
        with Store(url) as store:
            store.set_up()
            publish(store, SLOT)
            *_, last = store.verify()
            with store.reader.connect() as reading:
                schemas = reading.scalars(text("select nspname from pg_namespace where nspname like 'router%'")).all()

    assert (last.run_count, list(schemas)) == (1, [])


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_a_change_is_found_through_a_pooler(postgres_url: str, postgres_template: str, pool_mode: str) -> None:
    with (
        fresh_database(postgres_url, postgres_template) as url,
        pooled(url, pool_mode) as through,
        Store(through) as store,
    ):
        list(store.verify())
        run_in(store, "alter table policy_run disable trigger policy_run_no_truncate")
        with pytest.raises(TamperedError, match="trigger policy_run_no_truncate on policy_run is 'changed'"):
            list(store.verify())


def test_a_user_who_may_only_read_is_told_what_was_not_compared(
    postgres_url: str, postgres_template: str, tmp_path: Path
) -> None:
    with fresh_database(postgres_url, postgres_template) as url, Store(url) as owner:
        publish(owner, SLOT)
        owner.apply_roles()
        run_in(owner, f"create role test_reader login in role {ANALYST}")
        try:
            reader_url = make_url(url).set(username="test_reader").render_as_string(hide_password=False)
            settings = {"ROUTER_POLICY_STORE__URL": reader_url, "ROUTER_POLICY_ORDERS__PATH": "orders.jsonl"}
            with Store(reader_url) as reader:
                verified = command(tmp_path, "verify", **settings)
                assert "1 run with 2 snapshots: all as published" in verified.stdout
                assert "trigger functions were not compared" in verified.stderr
                assert any("were not compared" in finding.message for finding in find_in_store(reader_url, "default"))
                run_in(owner, "alter table policy_run disable trigger policy_run_no_change")
                with pytest.raises(TamperedError, match="trigger policy_run_no_change on policy_run is 'disabled'"):
                    list(reader.verify())
        finally:
            run_in(owner, "drop role test_reader")
