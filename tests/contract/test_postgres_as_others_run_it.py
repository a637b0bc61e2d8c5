"""Postgres with the settings, encodings and addresses of other people: the same values, or a refusal in one line."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import URL, Engine, make_url, text

import router_policy_client.postgres_url
from router_policy_client import PolicyReader
from storage.database.engine import parse_url, read_engine, write_engine
from storage.database.url import read_url
from storage.errors import StoreSettingsError
from storage.read import policies
from storage.store import Store
from tests.support.families import family
from tests.support.postgres import fresh_database, name_of
from tests.support.runs import SLOT, evidence, publish
from tests.support.store_calls import read

# What a database may have as its default. The plain form is a database without any of them.
SETTINGS = {
    "datestyle": ["SQL, DMY", "German", "Postgres, MDY", "ISO, DMY"],
    "timezone": ["Asia/Kolkata", "America/St_Johns"],
    "extra_float_digits": ["-15", "0", "3"],
    "default_transaction_isolation": ["serializable", "repeatable read"],
    "default_transaction_deferrable": ["on"],
    "standard_conforming_strings": ["off"],
    "statement_timeout": ["100ms"],  # enough for the statement that sets another, also on a machine that is busy
    "lock_timeout": ["1ms"],
    "client_encoding": ["LATIN1", "SQL_ASCII"],
    "intervalstyle": ["iso_8601"],
    "bytea_output": ["escape"],
}
EACH_ALONE = [{name: value} for name, values in SETTINGS.items() for value in values]
# Every value once, as many together as can be. Of many at once, one may hide another, so the long form has each alone.
AT_ONCE = [
    {name: values[number] for name, values in SETTINGS.items() if number < len(values)}
    for number in range(max(map(len, SETTINGS.values())))
]
SYMBOL = "币安人生USDT"


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        yield url


def administer(postgres_url: str, statement: str, *identifiers: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, identifiers)))


def set_default(postgres_url: str, url: str, name: str, value: str) -> None:
    statement = "alter database {} set " + f"{name} = " + (value if name == "search_path" else f"'{value}'")
    administer(postgres_url, statement, name_of(url))


@pytest.mark.parametrize(
    "defaults", [*AT_ONCE, *(pytest.param(alone, marks=pytest.mark.long) for alone in EACH_ALONE)], ids=str
)
def test_no_setting_of_a_database_changes_what_is_published_and_read(
    postgres_url: str, url: str, defaults: Mapping[str, str]
) -> None:
    for name, value in defaults.items():
        set_default(postgres_url, url, name, value)

    with Store(url) as store:
        store.set_up()
        publish(store, SLOT, evidence(SYMBOL, atr_ratio=1 / 3))
        *_, last = store.verify()
        snapshot = read(store, policies.latest, "default")[0].snapshot
        now = store.now()
        with store.reading() as connection:
            timeouts = connection.execute(
                text("select current_setting('statement_timeout'), current_setting('lock_timeout')")
            ).one()
    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30) as reader:
        reading = reader.get(SYMBOL)

    assert last.run_count == 1
    assert tuple(timeouts) == ("20s", "5s")
    assert (snapshot.symbol, snapshot.slot, snapshot.atr_ratio) == (SYMBOL, SLOT, 1 / 3)
    assert abs((now - datetime.now(UTC)).total_seconds()) < 60
    assert (reading.slot, reader.status.last_error) == (SLOT, None)


@pytest.mark.parametrize("make_engine", [read_engine, write_engine])
def test_a_transaction_has_its_own_settings_and_leaves_none(url: str, make_engine: Callable[[URL], Engine]) -> None:
    engine = make_engine(parse_url(url))
    names = ["timezone", "datestyle", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    shown = text("select " + ", ".join(f"current_setting('{name}')" for name in names))
    with engine.connect() as connection:
        with connection.begin():
            inside = list(connection.execute(shown).one())
            prepared = connection.scalar(text("select count(*) from pg_prepared_statements"))
        driver = connection.connection.driver_connection
        assert driver is not None
        after = list(driver.execute(shown.text).fetchone())
        driver.rollback()
    engine.dispose()
    with psycopg.connect(url.replace("+psycopg", "")) as plain:
        expected = list(plain.execute(shown.text).fetchone() or ())

    assert inside == ["UTC", "ISO, YMD", "20s", "5s", "30s"]
    assert after == expected
    assert prepared == 0


def test_settings_among_the_options_of_a_url_last_for_each_transaction(url: str) -> None:
    with Store(url) as store, store.writer.begin() as connection:
        connection.execute(text('create schema "a b"'))
    options = url + r"&options=-c%20search_path%3D%22a\%20b%22%20--statement_timeout%3D7s"
    with Store(options) as store:
        store.set_up()
        publish(store, SLOT)
        with store.reading() as connection:
            assert connection.scalar(text("select current_setting('statement_timeout')")) == "7s"
        assert "options" not in store.reader.url.query
    with PolicyReader(options, interval_seconds=1e9, first_read_seconds=30) as reader:
        assert reader.get("BTCUSDT").slot == SLOT
    with Store(url) as store:
        assert store.is_set_up() is False


def test_roles_are_granted_in_the_schema_of_the_store(postgres_url: str, url: str) -> None:
    administer(url.replace("+psycopg", ""), "create schema {}", "Bot's")
    set_default(postgres_url, url, "search_path", '"Bot\'s", public')
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        store.apply_roles()
        with store.writer.connect() as connection:
            connection.execute(text("set role router_policy_router"))
            assert connection.scalar(text("select symbol from policy_latest order by symbol")) == "BTCUSDT"


@pytest.mark.parametrize(("encoding", "is_refused"), [("SQL_ASCII", False), ("LATIN1", True), ("EUC_JP", True)])
def test_an_encoding_that_cannot_hold_every_symbol_is_refused(
    postgres_url: str, encoding: str, is_refused: bool
) -> None:
    name = f"test_{encoding.lower()}"
    create = f"create database {{}} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'"
    administer(postgres_url, create, name)
    try:
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        with Store(url) as store:
            if is_refused:
                for refuses in (store.set_up, store.ensure_set_up):
                    with pytest.raises(StoreSettingsError, match=f"its encoding is {encoding}.*UTF8"):
                        refuses()
                return
            store.set_up()
            publish(store, SLOT, evidence(SYMBOL))
        with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30) as reader:
            assert reader.get(SYMBOL).slot == SLOT
    finally:
        administer(postgres_url, "drop database {} with (force)", name)


def test_a_database_that_is_read_only_for_this_user_is_refused(postgres_url: str, url: str) -> None:
    set_default(postgres_url, url, "default_transaction_read_only", "on")

    with Store(url) as store, pytest.raises(StoreSettingsError, match="read-only for this user"):
        store.ensure_set_up()


@pytest.mark.parametrize("attributes", ["any", "read-write", "primary", "prefer-standby"])
def test_the_service_and_a_router_use_the_same_url_with_target_session_attributes(url: str, attributes: str) -> None:
    address = f"{url}&target_session_attrs={attributes}"
    with Store(address) as store:
        store.set_up()
        publish(store, SLOT)
    with PolicyReader(address, interval_seconds=1e9, first_read_seconds=30) as reader:
        assert reader.get("BTCUSDT").slot == SLOT


def test_a_reader_cannot_write(url: str) -> None:
    with Store(url) as store:
        store.set_up()
    reader = PolicyReader(url, watch=False)

    with reader._engine.connect() as connection, pytest.raises(Exception, match="read-only transaction"):
        connection.execute(text("delete from policy_head"))


@family(short=20, long=300, value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_it_was_written(postgres_url: str, value: float) -> None:
    engine = write_engine(parse_url(postgres_url))
    with engine.begin() as connection:
        connection.execute(text("set local extra_float_digits = -15"))
    with engine.begin() as connection:
        stored = connection.scalar(text("select cast(:value as double precision)"), {"value": value})
    engine.dispose()

    assert stored == value
    assert math.copysign(1, stored) == math.copysign(1, value)


HOSTS = st.sampled_from(["db", "db.example.org", "10.0.0.1", "[::1]", "%2Ftmp%2Fsockets"])
PORTS = st.sampled_from(["", ":5432", ":6543"])
SCHEMES = st.sampled_from(["postgres", "postgresql", "postgresql+psycopg"])
PASSWORDS = st.sampled_from(["", ":geheim", ":ge%40heim", ":ge/heim", ":ge?h,eim"])


@pytest.mark.parametrize("read", [read_url, router_policy_client.postgres_url.read_url])
@given(
    scheme=SCHEMES, password=PASSWORDS, hosts=st.lists(st.tuples(HOSTS, PORTS), min_size=1, max_size=3),
    query=st.sampled_from(["", "?target_session_attrs=read-write"]),
)  # fmt: skip
def test_urls_as_libpq_reads_them_name_the_same_servers(
    read: Callable[[str], URL], scheme: str, password: str, hosts: list[tuple[str, str]], query: str
) -> None:
    """Compared with libpq's own reading; of a password only what SQLAlchemy and libpq both allow unescaped."""
    netloc = ",".join(host + port for host, port in hosts)
    url = read(f"{scheme}://ann{password}@{netloc}/policies{query}")

    _, arguments = url.get_dialect()().create_connect_args(url)
    expected = psycopg.conninfo.conninfo_to_dict(f"postgresql://ann@{netloc}/policies{query}")

    assert url.drivername == "postgresql+psycopg"
    assert arguments["host"] == expected["host"]
    ports = str(arguments.get("port") or "").split(",")
    assert [port or "5432" for port in ports] == [port or "5432" for port in str(expected.get("port", "")).split(",")]
    assert (arguments["user"], arguments["dbname"]) == ("ann", "policies")
    assert arguments.get("target_session_attrs") == expected.get("target_session_attrs")
