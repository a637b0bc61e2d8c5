"""The door into a store: a reading sees one state and writes nothing, a writing is kept whole or not at all."""

import pytest
from sqlalchemy import delete

from storage.errors import StoreError
from storage.read import policies
from storage.schema.tables import policy_scope
from storage.store import Store
from storage.write.leases import acquire_lease, mark_missed
from tests.support.runs import LEASE, QUARTER, SLOT, evidence, publish


def test_a_reading_sees_one_state_whatever_is_published_meanwhile(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))

    with store.reading() as connection:
        before = policies.newest_run(connection, "default")
        publish(store, SLOT + QUARTER, evidence("BTCUSDT"))
        meanwhile = policies.newest_run(connection, "default")
    with store.reading() as connection:
        after = policies.newest_run(connection, "default")

    assert before == meanwhile
    assert before is not None
    assert after is not None
    assert (before.slot, after.slot) == (SLOT, SLOT + QUARTER)


def test_a_reading_cannot_write(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))

    with pytest.raises(StoreError), store.reading() as connection:
        connection.execute(delete(policy_scope))


def test_a_writing_that_fails_leaves_nothing(store: Store) -> None:
    def write_and_fail() -> None:
        with store.writing() as connection:
            acquire_lease(connection, "default", SLOT, "host:1", LEASE)
            mark_missed(connection, "default", [SLOT + QUARTER])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    with store.reading() as connection:
        assert policies.oldest_gap(connection, "default", SLOT + 2 * QUARTER) is None
    with store.writing() as connection:
        assert acquire_lease(connection, "default", SLOT, "host:2", LEASE).fencing_token == 1
