"""Who holds a slot, by host and process, and how it is taken over at once when that process is known to be dead."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

import psutil

from storage.store import Store
from storage.write.leases import Lease, SlotHeldError

# A process's start is worked out from the clock at boot, which moves a little when the clock is set.
_START_TOLERANCE_SECONDS = 2.0
_NAMESPACE = Path("/proc/self/ns/pid")


def owner() -> str:
    """Name this process as the holder of a slot: host, process id, start, and on Linux the namespace of the id.

    As in `host:77@1764000000/4026531836`. The start tells it from one that had the same id before it, as the first
    process of a container always has; the namespace from those of containers that share the host's name.
    """
    here = f"{socket.gethostname()}:{os.getpid()}@{psutil.Process().create_time():.0f}"
    namespace = _namespace()
    return f"{here}/{namespace}" if namespace else here


def is_gone(holder: str) -> bool:
    """Tell whether a holder of this host is no longer running; of another host or namespace nothing can be told."""
    host, _, process = holder.rpartition(":")
    process, _, namespace = process.partition("/")
    process_id, _, started = process.partition("@")
    if (host, namespace) != (socket.gethostname(), _namespace()) or not (process_id.isdigit() and started.isdigit()):
        return False
    try:
        found = psutil.Process(int(process_id))
        is_same = abs(found.create_time() - int(started)) <= _START_TOLERANCE_SECONDS
        return not is_same or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def claim(store: Store, scope: str, slot: datetime, lease: timedelta) -> Lease:
    """Claim a slot for this process, at once where its holder is known to be dead.

    Raises SlotPublishedError where it is published, SlotHeldError where another holds it or was quicker to take it
    over.
    """
    try:
        return store.claim(scope, slot, owner(), lease)
    except SlotHeldError as held:
        if not is_gone(held.owner):
            raise
        return store.claim(scope, slot, owner(), lease, dead_owner=held.owner)


def _namespace() -> str:
    """Return what tells this process's namespace of process ids from others of its machine; empty where none is."""
    try:
        return str(_NAMESPACE.stat().st_ino)
    except OSError:
        return ""
