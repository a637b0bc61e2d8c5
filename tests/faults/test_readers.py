"""Readers while runs are published one after the other: each read is of one run, and none fails or waits long."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

import pytest
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import event

from storage.errors import StoreUnavailableError
from storage.read import policies
from storage.store import Store
from tests.faults.audit import faults
from tests.faults.broken import lock_readers_out
from tests.faults.processes import forked
from tests.faults.publisher import SCOPE, SYMBOLS, many_symbols, publish_for_ever, publish_next
from tests.support.postgres import fresh_database
from tests.support.runs import LEASE
from tests.support.store_calls import read

COMMITS = 40


def read_during_commits(store: Store, store_url: str, *, is_torn: bool, enough: Callable[[int, int], bool]) -> int:
    """Read what is in force while another process publishes; return how many reads saw no single whole run."""
    mixed = 0
    with forked(publish_for_ever, store_url, LEASE, is_torn) as publisher:
        assert publisher.answer() == "ready"
        assert publisher.answer()[0] == 1
        began = time.monotonic()
        while not enough(newest(store), mixed):
            assert time.monotonic() - began < 60, f"only {newest(store)} runs in a minute"
            latest = read(store, policies.latest, SCOPE)
            mixed += len({policy.snapshot.run_id for policy in latest}) > 1 or len(latest) != SYMBOLS
    return mixed


def newest(store: Store) -> int:
    run = read(store, policies.newest_run, SCOPE)
    return run.run_id if run else 0


def test_no_reader_sees_parts_of_two_runs_or_waits_for_a_writer(store: Store, store_url: str) -> None:
    mixed = read_during_commits(store, store_url, is_torn=False, enough=lambda runs, _: runs >= COMMITS)

    assert mixed == 0
    assert faults(store) == []


def test_without_transactions_a_reader_sees_half_a_run(store: Store, store_url: str) -> None:
    mixed = read_during_commits(
        store, store_url, is_torn=True, enough=lambda runs, mixed: mixed > 0 or runs >= 20 * COMMITS
    )

    assert mixed > 0


def reads_that_wait(store: Store, store_url: str, publish: Callable[..., None], commits: int, waits: int) -> int:
    """Read beside so many commits, or until so many reads would have had to wait for a lock; return how many did."""
    store.close()  # SQLite leaves its write-ahead log only while nobody else is there
    waited = 0
    with forked(publish, store_url) as publisher, Store(store_url) as reader:
        assert publisher.answer() == "ready"
        fail_instead_of_waiting(reader)
        enough = newest(store) + commits
        while newest(store) < enough and waited < waits:
            assert publisher.process.is_alive()
            try:
                read(reader, policies.latest, SCOPE, "S007USDT")
            except StoreUnavailableError:
                waited += 1
    return waited


def fail_instead_of_waiting(store: Store) -> None:
    """Let a read that meets a lock fail at once, so that not the time is measured, which tells more of the machine."""
    is_sqlite = store.url.get_backend_name() == "sqlite"
    statement = "pragma busy_timeout = 0" if is_sqlite else "set local lock_timeout = '1ms'"
    moment = "engine_connect" if is_sqlite else "begin"  # on Postgres each transaction makes its own settings
    event.listen(store.reader, moment, lambda connection: set_on(connection, statement))


def set_on(connection: DatabaseConnection, statement: str) -> None:
    connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]  # it is connected


def test_no_read_waits_for_a_writer_unless_writers_lock_readers_out(store: Store, store_url: str) -> None:
    assert reads_that_wait(store, store_url, publish_for_ever, commits=COMMITS, waits=1) == 0
    assert reads_that_wait(store, store_url, publish_locking, commits=20 * COMMITS, waits=1) == 1


@pytest.mark.long
def test_reads_beside_a_hundred_commits_are_as_quick_as_those_of_a_store_at_rest(
    store: Store, store_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with another_store(store_url, tmp_path, request) as at_rest, forked(publish_for_ever, store_url) as publisher:
        assert publisher.answer() == "ready"
        assert publisher.answer()[0] == 1
        publish_next(at_rest, many_symbols())
        took: dict[str, list[float]] = {"beside": [], "at rest": []}
        # In turn, so that a machine that is slow for a while is so for both.
        while newest(store) < 100 or len(took["beside"]) < 3000:
            assert publisher.process.is_alive()
            for name, measured_store in (("beside", store), ("at rest", at_rest)):
                began = time.perf_counter()
                assert len(read(measured_store, policies.latest, SCOPE, "S007USDT")) == 1
                took[name].append(time.perf_counter() - began)

    beside, alone = (quantiles(times, n=100)[98] for times in took.values())
    bound_seconds = 0.002 if store_url.startswith("sqlite") else 0.010
    assert beside < max(bound_seconds, 10 * alone), f"{beside:.4f} s beside commits, {alone:.4f} s at rest"


@contextmanager
def another_store(store_url: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a second store, on the same kind of database."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'at_rest.db'}"
        if not store_url.startswith("sqlite"):
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
        store = stack.enter_context(Store(url))
        store.set_up()
        yield store


def publish_locking(pipe: Connection, url: str) -> None:
    """Publish slot after slot in transactions that lock readers out from the first statement to the last."""
    computed = many_symbols()
    with Store(url) as store:
        lock_readers_out(store)
        pipe.send("ready")
        while True:
            publish_next(store, computed)
            time.sleep(0.05)  # else readers might never come in
