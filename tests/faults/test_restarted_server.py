"""A Postgres that is started again, cleanly or after a crash, under a reader whose connections it has ended."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from storage.errors import StoreUnavailableError
from storage.read import policies
from storage.store import Store
from tests.faults.outage import PostgresControl, postgres_of_its_own
from tests.faults.publisher import SCOPE, many_symbols, publish_next
from tests.support.store_calls import read

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("a Postgres that is started again")]
Restarted = tuple[PostgresControl, Store]


@pytest.fixture(scope="module")
def restarted() -> Iterator[Restarted]:
    """A server of its own, and a store with a run on it."""
    with postgres_of_its_own() as (server, url), Store(url) as store:
        store.set_up()
        publish_next(store, many_symbols(5))
        yield server, store


def failed_reads(restarted: Restarted, mode: str) -> int:
    """Open three connections, start the server again, and read ten times; return how many reads failed."""
    server, store = restarted
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(store.reader.connect())
    server.stop(mode)
    server.start()
    return sum(not succeeds(store) for _ in range(10))


def succeeds(store: Store) -> bool:
    try:
        return len(read(store, policies.latest, SCOPE)) == 5
    except StoreUnavailableError:
        return False


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_no_read_fails_once_the_server_is_back(restarted: Restarted, mode: str) -> None:
    assert failed_reads(restarted, mode) == 0


def test_where_connections_are_not_tried_before_use_reads_fail(
    restarted: Restarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarted[1].reader.pool, "_pre_ping", False)

    assert failed_reads(restarted, "fast") > 0
