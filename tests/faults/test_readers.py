"""Readers while runs are published one after the other: each read is of one run, and none fails or waits long."""

import time
from collections.abc import Callable

from storage.store import Store
from tests.faults.audit import faults
from tests.faults.processes import forked
from tests.faults.publisher import SCOPE, SYMBOLS, publish_for_ever
from tests.runs import LEASE

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
            latest = store.latest(SCOPE)
            mixed += len({one.run_id for one, _ in latest}) > 1 or len(latest) != SYMBOLS
    return mixed


def newest(store: Store) -> int:
    run = store.newest_run(SCOPE)
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
