"""A process that publishes slot after slot and says which run it was told is published.

    python -m tests.faults.publisher URL [--torn]

prints `ready`, then the number and the slot of each run as soon as the store has acknowledged it, until it is ended.
With --torn every statement commits by itself.
"""

import sys
import time
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from jobs.run.lease_owner import is_dead, owner
from storage.errors import LeaseLostError, SlotTakenError
from storage.read import policies
from storage.records import PublishedRun, RunResult
from storage.store import Store
from storage.write import leases
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError
from tests.faults.broken import commit_each_statement
from tests.support.runs import LEASE, QUARTER, SLOT, evidence, result
from tests.support.store_calls import read, write

SYMBOLS = 200
SCOPE = "default"


def many_symbols(count: int = SYMBOLS) -> RunResult:
    """A run's result of so many symbols, a different figure in each."""
    return result(evidence(f"S{number:03}USDT", fallback=number / count) for number in range(count))


def next_slot(store: Store) -> datetime:
    """Return the slot after the newest that is published."""
    newest = read(store, policies.newest_run, SCOPE)
    return newest.slot + QUARTER if newest else SLOT


def take(store: Store, slot: datetime, lease: timedelta = LEASE) -> Lease:
    """Claim a slot, at once if its holder is dead or this process itself; raise SlotTakenError if it lives."""
    try:
        return write(store, leases.acquire_lease, SCOPE, slot, owner(), lease)
    except SlotHeldError as held:
        if held.owner != owner() and not is_dead(held.owner):
            raise
        return write(store, leases.acquire_lease, SCOPE, slot, owner(), lease, dead_owner=held.owner)


def publish_next(store: Store, computed: RunResult, lease: timedelta = LEASE) -> PublishedRun:
    """Publish the next slot that nobody has; wait while another process has it."""
    while True:
        try:
            return store.publish(take(store, next_slot(store), lease), computed)
        except (SlotPublishedError, LeaseLostError):
            continue
        except SlotTakenError:
            time.sleep(0.005)


def publish_for_ever(pipe: Connection, url: str, lease: timedelta = LEASE, is_torn: bool = False) -> None:
    """Say that it is ready, publish, and send the number and the slot of every run that is acknowledged."""
    computed = many_symbols()
    with Store(url) as store:
        if is_torn:
            commit_each_statement(store.writer)
        store.now()
        pipe.send("ready")
        while True:
            run = publish_next(store, computed, lease)
            pipe.send((run.run_id, run.slot))


class _Printed:
    """What is sent is printed."""

    def send(self, message: object) -> None:
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    publish_for_ever(_Printed(), sys.argv[1], is_torn="--torn" in sys.argv)  # type: ignore[arg-type]  # a pipe is for sending only here
