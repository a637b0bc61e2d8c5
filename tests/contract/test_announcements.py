"""What Postgres says to those who listen: the number of each entry of the chain, once it is committed."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from router_policy_client import PolicyReader, Status
from storage.audit.chain import CHANNEL
from storage.schema.roles import ROUTER
from storage.store import Store
from storage.write import overrides
from storage.write.publish import publish_run
from tests.support.postgres import fresh_database
from tests.support.runs import QUARTER, SLOT, claim, evidence, make_override, publish, result
from tests.support.store_calls import write


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    with fresh_database(postgres_url) as url, Store(url) as store:
        store.set_up()
        yield store


@pytest.fixture
def listener(store: Store) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    address = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"listen {CHANNEL}")
        yield connection


def heard(listener: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Return what was said by now: what another connection committed before has been said."""
    listener.execute("select 1")
    return [notification.payload for notification in listener.notifies(timeout=0)]


def test_each_entry_is_announced_by_its_number(store: Store, listener: psycopg.Connection[tuple[object, ...]]) -> None:
    first = publish(store, SLOT)
    make_override(store, reason="maintenance")
    write(store, overrides.end_override, "default", "BTCUSDT", author="ann", reason="over")
    last = publish(store, SLOT + QUARTER)

    assert heard(listener) == [str(number) for number in range(first.run_id, last.run_id + 1)] == ["1", "2", "3", "4"]


def test_what_was_not_committed_is_not_announced(
    store: Store, listener: psycopg.Connection[tuple[object, ...]]
) -> None:
    held = claim(store)
    with store.writer.connect() as connection:
        publish_run(connection, held, result([evidence("BTCUSDT")]))
        connection.rollback()

    assert heard(listener) == []


def test_the_routers_role_may_read_and_listen(store: Store) -> None:
    publish(store, SLOT)
    store.apply_roles()
    with store.writer.begin() as connection:
        connection.execute(text(f"grant {ROUTER} to current_user"))
    url = store.url.update_query_dict({"options": f"-c role={ROUTER}"}).render_as_string(hide_password=False)

    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30) as reader:
        assert reader.get("BTCUSDT").status is Status.FRESH
        assert reader.status.failure_count == 0
