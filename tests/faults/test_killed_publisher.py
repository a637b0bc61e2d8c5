"""The publishing process, killed at random moments: no run is torn, none that was acknowledged is lost."""

import random
import time
from contextlib import ExitStack
from datetime import datetime

import pytest
from sqlalchemy import select

from storage.read import policies
from storage.schema.tables import policy_run
from storage.store import Store
from tests.faults.audit import faults, torn
from tests.faults.processes import forked
from tests.faults.publisher import SCOPE, SYMBOLS, many_symbols, publish_for_ever, publish_next
from tests.support.runs import LEASE, QUARTER, SLOT
from tests.support.store_calls import read
from tests.support.waiting import wait_until

LATEST_KILL_SECONDS = 0.12


def runs(store: Store) -> list[tuple[int, datetime]]:
    with store.reader.connect() as connection:
        return [(run_id, slot) for run_id, slot in connection.execute(select(policy_run.c.run_id, policy_run.c.slot))]


def kill_once(
    store_url: str, chance: random.Random, *, is_torn: bool = False, latest_seconds: float = LATEST_KILL_SECONDS
) -> list[tuple[int, object]]:
    """Let a process publish for a moment, kill it, and return the runs that it was told are published."""
    with forked(publish_for_ever, store_url, LEASE, is_torn) as child:
        assert child.answer() == "ready"
        acknowledged = [child.answer()] if not is_torn else []
        time.sleep(chance.uniform(0.0, latest_seconds))  # the moment is the subject: a condition would choose it
        child.kill()
        return acknowledged + child.answers()


def check_kills(store: Store, store_url: str, kills: int) -> None:
    seed = random.randrange(1_000_000)
    chance, acknowledged = random.Random(seed), []
    for number in range(kills):
        acknowledged += kill_once(store_url, chance)
        assert torn(store) == [], f"kill {number} of seed {seed}"
    published = runs(store)
    assert set(acknowledged) <= set(published), f"an acknowledged run is lost, seed {seed}"
    assert publish_next(store, many_symbols()).run_id == len(published) + 1
    assert faults(store) == [], f"seed {seed}"


def test_a_killed_publisher_tears_and_loses_nothing(store: Store, store_url: str) -> None:
    check_kills(store, store_url, 25)


@pytest.mark.long
def test_a_publisher_killed_two_hundred_times_tears_and_loses_nothing(store: Store, store_url: str) -> None:
    check_kills(store, store_url, 200)


def test_without_transactions_the_same_kills_tear_runs(store: Store, store_url: str) -> None:
    chance = random.Random(1)
    for number in range(60):
        # On a machine with other things to do, the first run is written later.
        kill_once(store_url, chance, is_torn=True, latest_seconds=LATEST_KILL_SECONDS * 2 ** (number // 10))
        if torn(store):
            break

    assert torn(store) != []


@pytest.mark.long
def test_of_two_publishers_one_is_killed_again_and_again_and_no_slot_is_lost(store: Store, store_url: str) -> None:
    seed = random.randrange(1_000_000)
    chance, acknowledged = random.Random(seed), []
    with ExitStack() as processes:
        two = [processes.enter_context(forked(publish_for_ever, store_url, LEASE)) for _ in range(2)]
        for number in range(250):
            two[number % 2].kill()
            acknowledged += two[number % 2].answers()
            two[number % 2] = processes.enter_context(forked(publish_for_ever, store_url, LEASE))
            time.sleep(chance.uniform(0.0, LATEST_KILL_SECONDS))  # the moment is the subject
            assert len(read(store, policies.latest, SCOPE)) in (0, SYMBOLS), f"kill {number} of seed {seed}"
        newest = len(runs(store))
        wait_until(lambda: len(runs(store)) > newest, "a run is published after the last kill")

    published = runs(store)
    assert {line for line in acknowledged if line != "ready"} <= set(published), f"seed {seed}"
    assert sorted(slot for _, slot in published) == [SLOT + number * QUARTER for number in range(len(published))]
    assert faults(store) == [], f"seed {seed}"
