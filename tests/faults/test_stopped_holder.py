"""A holder that is stopped past its lease and goes on later: what it computed is refused, and there is one run."""

import random
import signal
import time
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import select

from jobs.run.lease_owner import owner
from storage.errors import StoreError
from storage.read import policies
from storage.schema.tables import policy_run
from storage.store import Store
from storage.write import leases
from storage.write.leases import SlotHeldError
from tests.faults.audit import faults
from tests.faults.broken import ignore_the_fence
from tests.faults.processes import Forked, forked
from tests.faults.publisher import SCOPE, many_symbols, publish_for_ever
from tests.faults.schedulers import process_id
from tests.support.runs import QUARTER, SLOT
from tests.support.store_calls import read, write
from tests.support.waiting import wait_until

SHORT_LEASE = timedelta(milliseconds=150)


def hold(pipe: Connection, url: str, is_fenced: bool = True) -> None:
    """For each slot that comes: claim it when its lease allows, say so, and publish it when told to go on."""
    if not is_fenced:
        ignore_the_fence()
    with Store(url) as store:
        while True:
            slot = pipe.recv()
            claim = None
            while claim is None:
                try:
                    claim = write(store, leases.acquire_lease, SCOPE, slot, owner(), SHORT_LEASE)
                except SlotHeldError:
                    time.sleep(0.01)
            pipe.send("claimed")
            pipe.recv()
            try:
                store.publish(claim, many_symbols(3))
                pipe.send("published")
            except StoreError as error:
                pipe.send(type(error).__name__)


def stop_with_claim(holder: Forked, slot: datetime) -> None:
    """Let a process claim a slot and stop it before it can publish."""
    holder.pipe.send(slot)
    assert holder.answer() == "claimed"
    holder.signal(signal.SIGSTOP)


def publish(holder: Forked) -> object:
    """Let a process publish what it holds, and return what becomes of it."""
    holder.pipe.send("publish")
    return holder.answer()


def go_on(holder: Forked) -> object:
    """Let a stopped process go on, and return what becomes of its publication."""
    holder.signal(signal.SIGCONT)
    return publish(holder)


def publishers(store: Store, slot: datetime) -> list[int]:
    """Return the process ids of those who published a slot."""
    with store.reader.connect() as connection:
        owners = connection.scalars(select(policy_run.c.owner).where(policy_run.c.slot == slot)).all()
    return [process_id(owner) for owner in owners]


def test_a_late_publication_is_refused_twenty_times_of_twenty(store: Store, store_url: str) -> None:
    with forked(hold, store_url) as first, forked(hold, store_url) as second:
        for number in range(20):
            slot = SLOT + number * QUARTER
            stop_with_claim(first, slot)
            second.pipe.send(slot)
            assert second.answer() == "claimed"
            if number % 2:  # the late one comes after its successor has published, or before
                assert publish(second) == "published"
                assert go_on(first) == "LeaseLostError"
            else:
                assert go_on(first) == "LeaseLostError"
                assert publish(second) == "published"
            assert publishers(store, slot) == [second.owner_id]

    assert faults(store) == []


def test_of_three_holders_only_the_last_publishes(store: Store, store_url: str) -> None:
    with forked(hold, store_url) as first, forked(hold, store_url) as second, forked(hold, store_url) as third:
        stop_with_claim(first, SLOT)
        stop_with_claim(second, SLOT)
        third.pipe.send(SLOT)
        assert third.answer() == "claimed"
        assert publish(third) == "published"
        assert (go_on(second), go_on(first)) == ("LeaseLostError", "LeaseLostError")
        assert publishers(store, SLOT) == [third.owner_id]

    assert faults(store) == []


def test_without_the_fence_the_late_publication_gets_through(store: Store, store_url: str) -> None:
    with forked(hold, store_url, False) as first, forked(hold, store_url) as second:
        stop_with_claim(first, SLOT)
        second.pipe.send(SLOT)
        assert second.answer() == "claimed"

        assert go_on(first) == "published"
        assert publishers(store, SLOT) == [first.owner_id]


def newest_id(store: Store) -> int:
    """Return the number of the newest run, 0 before the first."""
    run = read(store, policies.newest_run, SCOPE)
    return run.run_id if run else 0


def stop_at_random(store: Store, store_url: str, stops: int, processes: int) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    children = [forked(publish_for_ever, store_url, SHORT_LEASE) for _ in range(processes)]
    holders = [child.__enter__() for child in children]
    try:
        assert [holder.answer() for holder in holders] == ["ready"] * processes
        for _ in range(stops):
            stopped = chance.choice(holders)
            time.sleep(chance.uniform(0, 0.05))  # the moment is the subject
            stopped.signal(signal.SIGSTOP)
            time.sleep(chance.choice([0.05, 0.25]))  # shorter and longer than the lease
            stopped.signal(signal.SIGCONT)
            for holder in holders:
                holder.answers()  # a publisher whose pipe is full publishes no more
        before = newest_id(store)
        wait_until(lambda: newest_id(store) > before, "a run is published after the last stop")
    finally:
        for child in children:
            child.__exit__(None, None, None)

    assert faults(store) == [], f"seed {seed}"


def test_stopped_at_random_moments_two_processes_publish_each_slot_once(store: Store, store_url: str) -> None:
    stop_at_random(store, store_url, stops=8, processes=2)


@pytest.mark.long
def test_stopped_at_many_random_moments_three_processes_publish_each_slot_once(store: Store, store_url: str) -> None:
    stop_at_random(store, store_url, stops=100, processes=3)
