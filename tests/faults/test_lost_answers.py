"""The answer to a COMMIT is lost: the run counts as published where it is, and as failed where it is not."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from storage.database.transaction import transaction
from storage.errors import StoreError, StoreUnavailableError
from storage.store import Store
from storage.write.leases import SlotPublishedError
from storage.write.publish import publish_run
from tests.faults.audit import faults
from tests.faults.outage import CommitCutter
from tests.faults.publisher import many_symbols
from tests.support.postgres import fresh_database
from tests.support.runs import QUARTER, SLOT, claim
from tests.support.waiting import wait_until

TIMES = 30


@pytest.fixture
def server_folder(postgres_url: str) -> Path:
    return Path(parse_qs(urlsplit(postgres_url).query)["host"][0])


@pytest.fixture
def direct_url(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        with Store(url) as store:
            store.set_up()
        yield url


def runs(url: str) -> int:
    with Store(url) as store, store.reader.connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from policy_run").scalar_one())


def test_a_run_whose_commit_got_no_answer_counts_as_published(server_folder: Path, direct_url: str) -> None:
    with CommitCutter(server_folder, is_delivered=True) as cutter, Store(cutter.url(direct_url)) as store:
        for number in range(TIMES):
            slot = SLOT + number * QUARTER
            held = claim(store, slot)
            cutter.is_armed.set()
            run = store.publish(held, many_symbols(5))
            assert (run.run_id, run.slot) == (number + 1, slot)
            with pytest.raises(SlotPublishedError):
                claim(store, slot)
        assert cutter.cuts == TIMES
        assert faults(store) == []

    assert runs(direct_url) == TIMES


def test_a_run_whose_commit_never_arrived_counts_as_failed_and_works_when_tried_again(
    server_folder: Path, direct_url: str
) -> None:
    with CommitCutter(server_folder, is_delivered=False) as cutter, Store(cutter.url(direct_url)) as store:
        for number in range(TIMES):
            held = claim(store, SLOT + number * QUARTER)
            cutter.is_armed.set()
            with pytest.raises(StoreError, match="did not take place"):
                store.publish(held, many_symbols(5))
            assert runs(direct_url) == number
            assert store.publish(held, many_symbols(5)).run_id == number + 1
        assert cutter.cuts == TIMES
        assert faults(store) == []


def test_a_publisher_that_does_not_look_takes_a_published_run_for_a_failed_one(
    server_folder: Path, direct_url: str
) -> None:
    with CommitCutter(server_folder, is_delivered=True) as cutter, Store(cutter.url(direct_url)) as store:
        held = claim(store)
        cutter.is_armed.set()

        with pytest.raises(StoreUnavailableError), transaction(store.writer) as connection:
            publish_run(connection, held, many_symbols(5))

        wait_until(lambda: runs(direct_url) == 1, "the run is there all the same")
