"""Setting up: what is in a database is told without a write, and what is somebody else's is left alone."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from storage.errors import SchemaError
from storage.read import policies
from storage.store import Store
from tests.support.store_calls import read


@pytest.fixture
def foreign_url(store_url: str) -> str:
    """A database with a table of something else."""
    run_in(store_url, "create table trades (trade_id integer primary key)")
    return store_url


@pytest.fixture
def bare(store_url: str) -> Iterator[Store]:
    with Store(store_url) as store:
        yield store


def run_in(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url: str) -> list[str]:
    engine = create_engine(url)
    names = sorted(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_an_empty_database_is_told_and_stays_empty(bare: Store, store_url: str, tmp_path: Path) -> None:
    assert bare.is_set_up() is False
    assert list(tmp_path.iterdir()) == []
    assert tables(store_url) == []


def test_a_database_that_is_set_up_is_told(bare: Store) -> None:
    bare.set_up()

    assert bare.is_set_up() is True


def test_a_database_of_something_else_is_refused_and_stays_as_it_was(foreign_url: str) -> None:
    with Store(foreign_url) as store:
        with pytest.raises(SchemaError, match="holds tables of another program") as refused:
            store.is_set_up()
        with pytest.raises(SchemaError, match="router-policy init"):
            store.ensure_set_up()

    assert tables(foreign_url) == ["trades"]
    assert foreign_url.rpartition("/")[2].partition("?")[0] in str(refused.value)


def test_a_file_of_something_else_is_not_even_put_into_another_journal_mode(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "bot.db")
    connection.execute("create table trades (trade_id integer primary key)")
    connection.close()
    before = (tmp_path / "bot.db").read_bytes()

    with Store(f"sqlite:///{tmp_path / 'bot.db'}") as store, pytest.raises(SchemaError):
        store.ensure_set_up()

    assert (tmp_path / "bot.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bot.db"]


def test_set_up_puts_the_store_beside_other_tables_where_that_is_meant(foreign_url: str) -> None:
    with Store(foreign_url) as store:
        store.set_up()

        assert store.is_set_up() is True
        assert read(store, policies.latest, "default") == []
    assert "trades" in tables(foreign_url)


def test_versions_that_something_else_keeps_are_no_versions_of_the_store(foreign_url: str) -> None:
    run_in(
        foreign_url,
        "create table alembic_version (version_num varchar(32) primary key)",
        "insert into alembic_version values ('0004')",
    )

    with Store(foreign_url) as store, pytest.raises(SchemaError, match="holds tables of another program"):
        store.ensure_set_up()


@pytest.mark.parametrize("revision", ["9f3a1c2b7d10", "0003"])
def test_a_bots_own_migrations_and_the_store_share_a_database(foreign_url: str, revision: str) -> None:
    """Whoever came first: the revision of the bot stays where Alembic keeps it, also one that the store has as well."""
    run_in(
        foreign_url,
        "create table alembic_version (version_num varchar(32) primary key)",
        f"insert into alembic_version values ('{revision}')",
    )

    with Store(foreign_url) as store:
        store.set_up()
        store.set_up()
        assert store.is_set_up()
        with store.reader.connect() as connection:
            kept = connection.scalars(text("select version_num from alembic_version")).all()

    assert kept == [revision]


def test_several_processes_may_set_up_one_database_at_once(store_url: str) -> None:
    stores = [Store(store_url) for _ in range(5)]
    with ThreadPoolExecutor(len(stores)) as threads:
        set_up = [threads.submit(store.set_up) for store in stores]
        errors = [future.exception() for future in set_up]
    with Store(store_url) as store:
        assert store.is_set_up()
    for store in stores:
        store.close()

    assert errors == [None] * len(stores)


def test_setting_up_over_versions_that_are_not_known_is_refused_in_words(bare: Store, store_url: str) -> None:
    bare.set_up()
    run_in(store_url, "update policy_schema_version set version_num = '9999'")

    with pytest.raises(SchemaError, match=r"does not have \(.*9999.*name another database"):
        bare.set_up()


def test_the_journal_of_a_killed_writer_does_not_hide_the_store(tmp_path: Path) -> None:
    """A file in rollback mode with a journal that is still hot: as it stands while a writer is within a transaction."""
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    writer = sqlite3.connect(tmp_path / "policy.db", isolation_level=None)
    writer.execute("pragma journal_mode = delete")
    writer.execute("pragma cache_size = 1")
    writer.execute("begin immediate")
    writer.execute(
        "create table filler as with recursive n(i) as (select 1 union all select i + 1 from n limit 2000)"
        " select i, hex(randomblob(100)) from n"
    )
    left = tmp_path / "left"
    left.mkdir()
    for name in ("policy.db", "policy.db-journal"):
        (left / name).write_bytes((tmp_path / name).read_bytes())
    writer.close()

    with Store(f"sqlite:///{left / 'policy.db'}") as store:
        assert store.is_set_up() is True
        assert read(store, policies.latest, "default") == []
