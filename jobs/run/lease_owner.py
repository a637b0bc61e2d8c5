"""The owner of a slot's lease, by host and process, and the takeover of a slot whose owner is known to be dead."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

import psutil

from storage.store import Store
from storage.write import leases
from storage.write.leases import Lease, SlotHeldError

# A process's start is worked out from the clock at boot, which moves a little when the clock is set.
_START_TOLERANCE_SECONDS = 2.0
_NAMESPACE = Path("/proc/self/ns/pid")


def owner() -> str:
    """Return the name of this process as an owner: host, process id, start, and on Linux the namespace of the id.

    As in `host:77@1764000000/4026531836`. The start distinguishes it from an earlier process with the same id, as the
    first process of a container always has; the namespace from those of containers that share the host's name.
    """
    name = f"{socket.gethostname()}:{os.getpid()}@{psutil.Process().create_time():.0f}"
    namespace = _namespace()
    return f"{name}/{namespace}" if namespace else name


def is_dead(owner_name: str) -> bool:
    """Return whether an owner on this host no longer runs; False for another host or namespace, which is unknown."""
    host, _, process = owner_name.rpartition(":")
    process, _, namespace = process.partition("/")
    process_id, _, started = process.partition("@")
    if (host, namespace) != (socket.gethostname(), _namespace()) or not (process_id.isdigit() and started.isdigit()):
        return False
    try:
        running = psutil.Process(int(process_id))
        is_same = abs(running.create_time() - int(started)) <= _START_TOLERANCE_SECONDS
        return not is_same or running.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def claim(store: Store, scope: str, slot: datetime, lease_duration: timedelta) -> Lease:
    """Acquire the lease of a slot for this process, at once if its owner is known to be dead.

    Raises SlotPublishedError if it is published, SlotHeldError if another process holds it or was quicker to take it
    over.
    """
    try:
        return _acquire(store, scope, slot, lease_duration)
    except SlotHeldError as held:
        if not is_dead(held.owner):
            raise
        return _acquire(store, scope, slot, lease_duration, dead_owner=held.owner)


def _acquire(
    store: Store, scope: str, slot: datetime, lease_duration: timedelta, dead_owner: str | None = None
) -> Lease:
    with store.writing() as connection:
        return leases.acquire_lease(connection, scope, slot, owner(), lease_duration, dead_owner=dead_owner)


def _namespace() -> str:
    """Return the id of this process's namespace of process ids; empty if the system has none."""
    try:
        return str(_NAMESPACE.stat().st_ino)
    except OSError:
        return ""
