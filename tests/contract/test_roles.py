"""Roles on a real Postgres: each may do its work and is refused everything else."""

from collections.abc import Iterator
from itertools import product

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.errors import StoreSettingsError
from storage.read import policies
from storage.schema.roles import ANALYST, ROUTER, WRITER, router_login_statements
from storage.schema.tables import metadata
from storage.store import Store
from storage.write import leases
from tests.support.postgres import fresh_database
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish, result
from tests.support.store_calls import read, write

TABLES = sorted(metadata.tables)
VIEWS = ["policy_change", "policy_gap", "policy_history", "policy_latest"]
MAY_INSERT = {
    "policy_scope", "policy_slot", "policy_rule_set", "policy_run", "policy_snapshot", "policy_reject",
    "policy_shadow", "policy_breaker", "policy_saving",
    "policy_run_failure", "policy_override", "policy_override_end",
    "policy_day", "policy_day_cost", "policy_day_drift",
}  # fmt: skip
MAY_UPDATE = {"policy_head", "policy_slot", "policy_day"}
MAY_DELETE = {"policy_day_cost", "policy_day_drift"}


@pytest.fixture(scope="module")
def owner(postgres_url: str) -> Iterator[Store]:
    with fresh_database(postgres_url) as url, Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        store.apply_roles()
        store.apply_roles()
        yield store


def attempt(owner: Store, role: str, statement: str) -> str:
    """Run a statement as a role, undo it, and say what became of it: `done` or `refused`."""
    with owner.writer.connect() as connection:
        connection.execute(text(f"set role {role}"))
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            # Any other complaint is a trigger's or a constraint's about this very row: the role may.
            return "refused" if "permission denied" in str(error.orig) else "done"
        finally:
            connection.rollback()
            connection.execute(text("reset role"))
            connection.rollback()
    return "done"


@pytest.mark.parametrize(("role", "relation"), list(product([WRITER, ANALYST], TABLES + VIEWS)))
def test_the_writer_and_the_analyst_read_everything(owner: Store, role: str, relation: str) -> None:
    assert attempt(owner, role, f"select * from {relation}") == "done"


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_the_router_reads_the_latest_and_nothing_else(owner: Store, relation: str) -> None:
    expected = "done" if relation == "policy_latest" else "refused"

    assert attempt(owner, ROUTER, f"select * from {relation}") == expected


@pytest.mark.parametrize("table", TABLES)
def test_the_writer_inserts_and_updates_only_what_publishing_needs(owner: Store, table: str) -> None:
    column = metadata.tables[table].c[0].name

    inserted = attempt(owner, WRITER, f"insert into {table} select * from {table}")
    updated = attempt(owner, WRITER, f"update {table} set {column} = {column}")

    assert inserted == ("done" if table in MAY_INSERT else "refused")
    assert updated == ("done" if table in MAY_UPDATE else "refused")


@pytest.mark.parametrize(("role", "table"), list(product([WRITER, ROUTER, ANALYST], TABLES)))
def test_nobody_deletes_or_truncates(owner: Store, role: str, table: str) -> None:
    # What was published stays; the figures of a day are written again by whoever publishes.
    expected = "done" if role == WRITER and table in MAY_DELETE else "refused"
    assert attempt(owner, role, f"delete from {table}") == expected
    assert attempt(owner, role, f"truncate {table} cascade") == "refused"


@pytest.mark.parametrize(("role", "table"), list(product([ROUTER, ANALYST], TABLES)))
def test_the_router_and_the_analyst_write_nothing(owner: Store, role: str, table: str) -> None:
    column = metadata.tables[table].c[0].name

    assert attempt(owner, role, f"insert into {table} select * from {table}") == "refused"
    assert attempt(owner, role, f"update {table} set {column} = {column}") == "refused"


@pytest.mark.parametrize("role", [WRITER, ROUTER, ANALYST])
@pytest.mark.parametrize(
    "statement",
    [
        "create table intruder (x int)",
        "drop view policy_latest",
        "alter table policy_run disable trigger all",
        "set session_replication_role = replica",
        "copy policy_run to program 'cat'",
        "select pg_read_file('postgresql.conf')",
    ],
)
def test_no_role_gets_past_what_it_was_granted(owner: Store, role: str, statement: str) -> None:
    with owner.writer.connect() as connection:
        connection.execute(text(f"set role {role}"))
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner|must be superuser"):
            connection.execute(text(statement))


def test_the_writer_can_claim_publish_and_override(owner: Store) -> None:
    url = owner.url.set(username="test_login_writer").render_as_string(hide_password=False)
    with owner.writer.begin() as connection:
        connection.execute(text(f"create role test_login_writer login in role {WRITER}"))
    try:
        with Store(url) as writer:
            run = writer.publish(claim(writer, SLOT + QUARTER), result([evidence("BTCUSDT")]))
            write(writer, leases.record_failure, claim(writer, SLOT + 2 * QUARTER), "broken", QUARTER)
        assert read(owner, policies.newest_run, "default") == run
    finally:
        with owner.writer.begin() as connection:
            connection.execute(text("drop role test_login_writer"))


def test_a_login_role_of_routers_has_no_more_connections_than_its_limit(owner: Store) -> None:
    statements = list(router_login_statements("test_bot", 2))
    owner.apply_roles(statements)
    owner.apply_roles(statements)
    url = owner.url.set(username="test_bot", drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(url) as first, psycopg.connect(url):
            assert first.execute("select count(*) > 0 from policy_latest").fetchone() == (True,)
            assert first.execute("show statement_timeout").fetchone() == ("1s",)
            with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
                psycopg.connect(url)
    finally:
        with owner.writer.begin() as connection:
            connection.execute(text("drop role test_bot"))


@pytest.mark.parametrize("name", ["", "Bot", 'a"b', "a'b", "a$$b", "a;drop role b", "1a", "ü", "a" * 64])
def test_a_name_of_a_login_role_that_needs_quotes_is_refused(name: str) -> None:
    with pytest.raises(StoreSettingsError, match="is not a valid name"):
        list(router_login_statements(name, 2))


def test_sqlite_has_no_roles_and_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("store") / "policy.db"
    with Store(f"sqlite:///{path}") as store, pytest.raises(StoreSettingsError, match="has no roles"):
        store.apply_roles()
