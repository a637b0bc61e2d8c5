"""The database gone for a while under a running schedule: nothing half published, readers go on, it recovers."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from policy import Evidence
from storage.database.engine import BUSY_TIMEOUT_SECONDS
from storage.errors import StoreUnavailableError
from storage.read import policies
from storage.store import Store
from tests.faults.audit import faults, torn
from tests.faults.broken import commit_each_statement
from tests.faults.outage import postgres_of_its_own
from tests.faults.schedulers import Schedulers, schedulers
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish, result
from tests.support.store_calls import read
from tests.support.waiting import wait_until

SECONDS = 2
SYMBOLS = 20


def check_recovery(several: Schedulers, process_id: int, came_back: Callable[[], None]) -> None:
    """Let the database come back, and check that the same process publishes again and nothing is half done."""
    assert several.is_alive(process_id)
    came_back()
    several.wait_for_more(what="a slot is published once the database is back")
    assert several.is_alive(process_id)
    assert several.terminate() == [0]
    assert faults(several.store) == []
    assert unrecorded_slots(several.store) == 0


def unrecorded_slots(store: Store) -> int:
    """Count the slots between the first and the last that have no row: neither published, failed nor missed."""
    slot = "extract(epoch from slot)" if store.url.get_backend_name() == "postgresql" else "unixepoch(slot)"
    query = text(f"select (max({slot}) - min({slot})) / {SECONDS} + 1 - count(*) from policy_slot")
    with store.reader.connect() as connection:
        return int(connection.execute(query).scalar_one())


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=pytest.mark.long)])
def test_the_schedule_outlives_a_postgres_that_is_stopped_and_started(tmp_path: Path, mode: str) -> None:
    with postgres_of_its_own() as (server, url), schedulers(tmp_path, url, seconds=SECONDS) as several:
        process_id = several.start()
        several.wait_for_more(what="the first slot is published")
        server.stop(mode)
        try:
            wait_until(lambda: several.messages.count("cannot be used now") >= 3, "three tries fail", 60)
        finally:
            if not several.is_alive(process_id):
                server.start()
        check_recovery(several, process_id, server.start)


def test_the_schedule_outlives_a_writer_that_locks_sqlite_for_longer_than_the_timeout(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with schedulers(tmp_path, url, seconds=SECONDS) as several:
        process_id = several.start()
        several.wait_for_more(what="the first slot is published")
        with Store(url) as other:
            connection = other.writer.connect()
            transaction = connection.begin()
            wait_until(lambda: _reads(several.store) and "database is locked" in several.messages, "a try fails", 60)

            def release() -> None:
                transaction.rollback()
                connection.close()

            check_recovery(several, process_id, release)


def _reads(store: Store) -> bool:
    """Read what is in force, as a router does; whole, and at once."""
    latest = read(store, policies.latest, "default")
    assert [policy.symbol for policy in latest] == ["BADUSDT", "GOODUSDT"]
    return True


def test_a_publication_waits_for_a_writer_that_is_done_before_the_timeout(store: Store, store_url: str) -> None:
    held = claim(store)
    with Store(store_url) as other, other.writer.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("update policy_head set entry_id = entry_id"))
        with _in_thread(lambda: store.publish(held, result([evidence("BTCUSDT")]))) as published:
            assert published(timedelta(seconds=0.3)) is False
            transaction.rollback()
            assert published(timedelta(seconds=BUSY_TIMEOUT_SECONDS)) is True

    assert faults(store) == []


@contextmanager
def _in_thread(work: Callable[[], object]) -> Iterator[Callable[[timedelta], bool]]:
    from concurrent.futures import ThreadPoolExecutor, wait

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield lambda timeout: bool(wait([future], timeout.total_seconds()).done)
        future.result()


def test_a_file_that_may_not_grow_fails_the_run_and_nothing_else(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        _limit_pages(store, more=20)

        published, error = _publish_until_full(store)

        assert published > 1
        assert "full" in error
        assert torn(store) == []
        assert len(read(store, policies.latest, "default")) == SYMBOLS
        _limit_pages(store, more=1_000_000)
        _publish_ten(store, published)


def test_without_transactions_a_file_that_may_not_grow_tears_a_run(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        commit_each_statement(store.writer)
        _limit_pages(store, more=20)

        _publish_until_full(store)

        assert torn(store) != []


def test_a_disk_that_is_full_fails_the_run_and_nothing_else(tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk") as disk, Store(f"sqlite:///{disk / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        _fill(disk, leave=300_000)

        published, error = _publish_until_full(store)

        assert published > 1
        assert "full" in error or "I/O" in error
        assert torn(store) == []
        assert len(read(store, policies.latest, "default")) == SYMBOLS
        (disk / "ballast").unlink()
        _publish_ten(store, published)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 4 MB; skip if this process may not."""
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root and mount")
    mounting = [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", folder], check=True)


def _fill(disk: Path, leave: int) -> None:
    free = shutil.disk_usage(disk).free
    (disk / "ballast").write_bytes(bytes(free - leave))


def _limit_pages(store: Store, more: int) -> None:
    with store.writer.connect() as connection:
        pages = connection.execute(text("pragma page_count")).scalar_one()
        connection.execute(text(f"pragma max_page_count = {pages + more}"))


def _publish_until_full(store: Store) -> tuple[int, str]:
    """Publish until the store says that it cannot; return how many slots are published and what it said."""
    for number in range(1, 1000):
        try:
            publish(store, SLOT + number * QUARTER, *_symbols())
        except StoreUnavailableError as error:
            return number, str(error)
    raise AssertionError("the disk never became full")


def _publish_ten(store: Store, first: int) -> None:
    for number in range(first + 1, first + 11):
        publish(store, SLOT + number * QUARTER, *_symbols())
    assert faults(store) == []


def _symbols() -> list[Evidence]:
    return [evidence(f"S{number:02}") for number in range(SYMBOLS)]
