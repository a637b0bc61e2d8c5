"""A Postgres that is not there yet when the schedule starts, and one with few connections for many readers."""

from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from router_policy_client import PolicyReader
from storage.store import Store
from tests.faults.outage import postgres_of_its_own
from tests.integration.test_schedule import write_settings
from tests.support.bots import start_command
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("a Postgres that is started again")


def test_a_schedule_that_is_started_before_its_database_waits_for_it(tmp_path: Path) -> None:
    with postgres_of_its_own() as (server, url):
        server.stop()
        write_settings(tmp_path, url, seconds=2)
        process = start_command(tmp_path, "run")
        messages = tmp_path / "messages.log"
        try:
            wait_until(lambda: "waiting for the store" in messages.read_text(), "the schedule waits")
            server.start()
            wait_until(lambda: "published as run 1" in messages.read_text(), "the store is set up and a run published")
        finally:
            process.terminate()
            code = process.wait(60)

    assert code == 0
    assert "Traceback" not in messages.read_text()


def test_a_schedule_that_waits_for_its_database_ends_on_a_signal(tmp_path: Path) -> None:
    write_settings(tmp_path, "postgresql://ann@127.0.0.1:1/policies")
    process = start_command(tmp_path, "run")
    messages = tmp_path / "messages.log"
    try:
        wait_until(lambda: "waiting for the store" in messages.read_text(), "the schedule waits")
    finally:
        process.terminate()
        code = process.wait(30)

    assert code == 0


def test_readers_leave_room_on_a_server_for_the_service() -> None:
    with postgres_of_its_own() as (server, url), ExitStack() as stack:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("alter system set max_connections = 20")
        server.stop()
        server.start()
        store = stack.enter_context(Store(url))
        store.set_up()
        publish(store, SLOT)
        readers = [
            stack.enter_context(PolicyReader(url, interval_seconds=1e9, poll_seconds=2, first_read_seconds=30))
            for _ in range(40)
        ]
        for number in range(1, 6):
            publish(store, SLOT + number * QUARTER)
            with Store(url) as another:  # as each run of the schedule opens
                assert another.is_set_up()
        last = SLOT + 5 * QUARTER
        wait_until(lambda: all(reader.get("BTCUSDT").slot == last for reader in readers), "all have seen the last run")

        assert 0 < sum(reader.status.is_listening for reader in readers) <= 11
