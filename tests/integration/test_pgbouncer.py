"""The service, its console and routers through pgbouncer, which gives each transaction another connection."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import select

from router_policy_client import PolicyReader
from storage.schema.tables import policy_run, policy_run_failure
from storage.store import Store
from tests.integration.test_schedule import write_settings
from tests.support.bots import start_command
from tests.support.pgbouncer import pooled
from tests.support.postgres import fresh_database
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.waiting import wait_until


@pytest.fixture(params=["transaction", "session"])
def pooled_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url, pooled(url, request.param) as through:
        with Store(through) as store:
            store.set_up()
        yield through


def console_answers(folder: Path) -> str | None:
    """Return the address that `router-policy web` printed, if it has."""
    words = (folder / "messages.log").read_text().split()
    return next((word.rstrip("/") for word in words if word.startswith("http://127.0.0.1")), None)


def end(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(60)


def published(url: str) -> int:
    with psycopg.connect(url.replace("+psycopg", ""), prepare_threshold=None) as connection:
        return int((connection.execute("select count(*) from policy_run").fetchone() or (0,))[0])


@pytest.mark.parametrize(
    ("pooled_url", "run_count"),
    [
        ("transaction", 3),
        pytest.param("transaction", 15, marks=pytest.mark.long),  # a minute
        pytest.param("session", 15, marks=pytest.mark.long),
    ],
    indirect=["pooled_url"],
)
def test_schedulers_a_console_and_readers_lose_nothing_through_a_pooler(
    pooled_url: str, run_count: int, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("first", "second", "console")]
    for folder in folders:
        folder.mkdir()
        write_settings(folder, pooled_url, seconds=4)
    with ExitStack() as stack:
        processes = [
            start_command(folder, *words)
            for folder, words in zip(folders, [["run"], ["run"], ["web", "--port", "0"]], strict=True)
        ]
        stack.callback(end, processes)
        wait_until(lambda: published(pooled_url) > 0, "the first run is published")
        readers = [
            stack.enter_context(PolicyReader(pooled_url, interval_seconds=4.0, poll_seconds=0.1)) for _ in range(8)
        ]
        wait_until(lambda: console_answers(folders[2]) is not None, "the console answers")
        statuses = set()
        while published(pooled_url) < run_count:
            statuses.add(httpx.get(f"{console_answers(folders[2])}/v1/policies").status_code)
            time.sleep(0.1)
        reader_states = [reader.status for reader in readers]
        last_slots = [reader.get("GOODUSDT").slot for reader in readers]
    with Store(pooled_url) as store, store.reading() as connection:
        failures = connection.execute(select(policy_run_failure)).all()
        slots = connection.scalars(select(policy_run.c.slot).order_by(policy_run.c.slot)).all()
        *_, last = store.verify()

    assert failures == []
    assert statuses == {200}
    assert [(state.failure_count, state.last_error) for state in reader_states] == [(0, None)] * len(readers)
    assert not any(state.is_listening for state in reader_states)
    assert all(slot in slots[-3:] for slot in last_slots)
    assert last.run_count == len(slots)
    assert "tick failed" not in "".join((folder / "messages.log").read_text() for folder in folders)


def test_nothing_of_the_service_and_of_routers_stays_in_the_connections_of_the_pooler(pooled_url: str) -> None:
    shown = "select current_setting('statement_timeout'), (select count(*) from pg_prepared_statements), "
    shown += "(select count(*) from pg_listening_channels())"
    with Store(pooled_url) as store, PolicyReader(pooled_url, interval_seconds=1e9, poll_seconds=0.1) as reader:
        for number in range(10):
            publish(store, SLOT + number * QUARTER)
            list(store.verify())
        wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + 9 * QUARTER, "the reader has seen the last run")
        with psycopg.connect(pooled_url.replace("+psycopg", ""), prepare_threshold=None) as other:
            assert other.execute(shown).fetchone() == ("0", 0, 0)


def test_a_search_path_that_another_client_left_does_not_matter(pooled_url: str) -> None:
    publish_into = pooled_url.replace("+psycopg", "")
    for _ in range(4):  # as many as the pooler has connections
        with psycopg.connect(publish_into, prepare_threshold=None, autocommit=True) as careless:
            careless.execute("set search_path = pg_catalog")
    with Store(pooled_url) as store:
        publish(store, SLOT)
        assert store.is_set_up()
    with PolicyReader(pooled_url, interval_seconds=1e9, first_read_seconds=30) as reader:
        assert reader.get("BTCUSDT").slot == SLOT


def test_settings_among_the_options_of_a_url_reach_a_pooler_that_refuses_options(pooled_url: str) -> None:
    with Store(pooled_url + "&options=-c%20statement_timeout%3D7s") as store:
        publish(store, SLOT)
        with store.reading() as connection:
            timeout = connection.exec_driver_sql("select current_setting('statement_timeout')").scalar_one()

    assert timeout == "7s"
