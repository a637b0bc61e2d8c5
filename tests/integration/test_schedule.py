"""The schedule as it runs: real processes, real signals, both databases."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.schema.tables import policy_run, policy_run_failure, policy_slot
from storage.store import Store
from storage.write import leases
from tests.support.bots import start_command, write_bot
from tests.support.store_calls import write
from tests.support.waiting import wait_until

EVERY_SECOND = """
[schedule]
cron = "* * * * * */{seconds}"
tick = "1s"
deadline = "{deadline}"
retry_after = "1s"
"""
SQLITE_URL = "sqlite:///policy.db"  # in the folder of the bot
ENDLESS = """
[orders]
kind = "canonical"
url = "sqlite:///endless.db"
query = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as ts from n where i < 0"
"""


def write_settings(folder: Path, store_url: str, *, seconds: int = 1, deadline: str = "30s") -> None:
    schedule = EVERY_SECOND.format(seconds=seconds, deadline=deadline)
    write_bot(folder, datetime.now(UTC).replace(microsecond=0), store=store_url, more=schedule)


def published(store: Store) -> list[datetime]:
    with store.reader.connect() as connection:
        return list(connection.scalars(select(policy_run.c.slot).order_by(policy_run.c.slot)))


@pytest.mark.parametrize("store_url", ["postgres", pytest.param("sqlite", marks=pytest.mark.long)], indirect=True)
def test_slots_are_published_as_they_fall_due_each_once(tmp_path: Path, store: Store, store_url: str) -> None:
    write_settings(tmp_path, store_url, seconds=2)
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: len(published(store)) >= 3, "three slots are published")
    finally:
        process.terminate()
        code = process.wait(30)

    slots = published(store)
    assert code == 0
    assert all(slot.second % 2 == 0 and slot.microsecond == 0 for slot in slots)
    assert len(set(slots)) == len(slots)
    assert "published as run 1: 2 symbols, 20 orders used, 0 rows not used" in (tmp_path / "messages.log").read_text()


def test_a_schedule_that_sets_its_store_up_tells_of_its_runs_only(tmp_path: Path) -> None:
    write_settings(tmp_path, "sqlite:///policy.db", seconds=2)
    process = start_command(tmp_path, "run")
    messages = tmp_path / "messages.log"
    try:
        wait_until(lambda: "published as run 1" in messages.read_text(), "a slot is published")
    finally:
        process.terminate()
        process.wait(30)

    assert "alembic" not in messages.read_text()


@pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True)
def test_sigterm_lets_the_run_that_has_begun_finish(tmp_path: Path, store: Store, store_url: str) -> None:
    write_settings(tmp_path, store_url, seconds=1)
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: _states(store) != [], "a slot is claimed")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        code = process.wait(30)

    assert code == 0
    assert set(_states(store)) == {"published"}


def _states(store: Store) -> list[str]:
    with store.reader.connect() as connection:
        return list(connection.scalars(select(policy_slot.c.state)))


def _write_endless(folder: Path, store_url: str, deadline: str) -> None:
    """Settings whose order query never ends."""
    (folder / "endless.db").touch()
    schedule = EVERY_SECOND.format(seconds=1, deadline=deadline)
    (folder / "router-policy.toml").write_text(f'[store]\nurl = "{store_url}"\n{ENDLESS}{schedule}')


def test_a_run_that_hangs_is_ended_at_its_deadline_and_the_schedule_goes_on(
    tmp_path: Path, sqlite_store: Store
) -> None:
    _write_endless(tmp_path, SQLITE_URL, "1s")
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: len(_failures(sqlite_store)) >= 2, "two runs are ended at their deadline")
        assert process.poll() is None
    finally:
        process.terminate()
        code = process.wait(30)

    assert code == 0
    assert all("longer than its deadline of 1 s" in error for error in _failures(sqlite_store))
    assert published(sqlite_store) == []


def test_a_second_signal_ends_the_run_as_well(tmp_path: Path, sqlite_store: Store) -> None:
    _write_endless(tmp_path, SQLITE_URL, "5m")
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: (tmp_path / "messages.log").exists() and _states(sqlite_store) == ["running"], "a run hangs")
        process.terminate()
        with pytest.raises(Exception, match="timed out"):
            process.wait(2)
        process.terminate()
        code = process.wait(10)
    finally:
        process.kill()

    assert code == 0
    assert _failures(sqlite_store) == ["the run was ended because the schedule was stopped at once"]


def _failures(store: Store) -> list[str]:
    with store.reader.connect() as connection:
        return list(connection.scalars(select(policy_run_failure.c.error).order_by(policy_run_failure.c.failed_at)))


def test_a_source_that_is_missing_fails_the_slot_and_the_next_one_works(tmp_path: Path, sqlite_store: Store) -> None:
    write_settings(tmp_path, SQLITE_URL, seconds=1)
    log = tmp_path / "logs" / "order_metrics.jsonl"
    text = log.read_text()
    log.unlink()
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: _failures(sqlite_store) != [], "the missing log is recorded as a failure")
        log.write_text(text)
        wait_until(lambda: published(sqlite_store) != [], "a later slot is published")
    finally:
        process.terminate()
        process.wait(30)

    assert "no file matches" in _failures(sqlite_store)[0]


def test_slots_that_nobody_computed_are_recorded_as_missed(tmp_path: Path, sqlite_store: Store) -> None:
    write_settings(tmp_path, SQLITE_URL, seconds=1)
    now = datetime.now(UTC).replace(microsecond=0)
    write(sqlite_store, leases.acquire_lease, "default", now - timedelta(seconds=30), "long-gone:1", timedelta(0))
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: published(sqlite_store) != [], "a slot is published")
    finally:
        process.terminate()
        process.wait(30)

    first = published(sqlite_store)[0]
    with sqlite_store.reader.connect() as connection:
        missed = connection.scalars(select(policy_slot.c.slot).where(policy_slot.c.state == "missed")).all()
    expected = [now - timedelta(seconds=30) + timedelta(seconds=n) for n in range(1, 60)]
    assert sorted(slot for slot in missed if slot < first) == [slot for slot in expected if slot < first]


def test_missed_slots_are_computed_again_where_the_settings_say_so(tmp_path: Path, sqlite_store: Store) -> None:
    """Missed slots wait while a slot is due, so slots are further apart than a busy machine needs for a few runs."""
    write_settings(tmp_path, SQLITE_URL, seconds=30)
    settings = tmp_path / "router-policy.toml"
    settings.write_text(settings.read_text() + "catch_up = true\n")
    now = datetime.now(UTC).replace(microsecond=0)
    missed = [now.replace(second=0) - timedelta(minutes=1, seconds=seconds) for seconds in (60, 30)]
    write(sqlite_store, leases.mark_missed, "default", missed)
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: set(missed) <= set(published(sqlite_store)), "both missed slots are published")
    finally:
        process.terminate()
        process.wait(30)

    with sqlite_store.reader.connect() as connection:
        first = connection.scalar(select(policy_run.c.slot).where(policy_run.c.run_id == 1))
    assert first is not None
    assert first > max(missed)
