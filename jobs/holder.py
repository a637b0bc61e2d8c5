"""Who holds a slot, by host and process, and how it is taken over at once when that process is known to be dead."""

import os
import socket
from datetime import datetime, timedelta

import psutil

from storage.claims import Claim, SlotHeldError
from storage.store import Store

# A process's start is worked out from the clock at boot, which moves a little when the clock is set.
_START_TOLERANCE_SECONDS = 2.0


def owner() -> str:
    """Name this process as the holder of a slot: host, process id and start, as in `host:77@1764000000`.

    The start tells it from one that had the same id before it, as the first process of a container always has.
    """
    return f"{socket.gethostname()}:{os.getpid()}@{psutil.Process().create_time():.0f}"


def is_gone(holder: str) -> bool:
    """Tell whether a holder of this host is no longer running; of another host nothing can be told."""
    host, _, process = holder.rpartition(":")
    process_id, _, started = process.partition("@")
    if host != socket.gethostname() or not (process_id.isdigit() and started.isdigit()):
        return False
    try:
        found = psutil.Process(int(process_id))
        is_same = abs(found.create_time() - int(started)) <= _START_TOLERANCE_SECONDS
        return not is_same or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def claim(store: Store, scope: str, slot: datetime, lease: timedelta) -> Claim:
    """Claim a slot for this process, at once where its holder is known to be dead.

    Raises SlotPublishedError where it is published, SlotHeldError where another holds it or was quicker to take it
    over.
    """
    try:
        return store.claim(scope, slot, owner(), lease)
    except SlotHeldError as held:
        if not is_gone(held.owner):
            raise
        return store.claim(scope, slot, owner(), lease, gone=held.owner)
