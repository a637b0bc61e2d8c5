"""How fresh policies are, in words: the same on the terminal and in the web console."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from policy.freshness import WHAT_ROUTERS_DO, Status
from policy.time_text import age_words, iso
from storage.read.pages import PageBounds, SlotGap, gaps
from storage.store import Connection

_GAP_SPAN = timedelta(days=1)
_GAPS_READ = 1000


def slot_words(slot: datetime, age: timedelta, status: Status | None = None) -> str:
    """Return a slot with its age, and its status if given, as in `slot 2026-04-26T00:15:00Z, 12 min old: fresh`."""
    words = f"slot {iso(slot)}, {age_words(age)} old"
    return words if status is None else f"{words}: {status.replace('_', ' ')}"


def consequence(status: Status) -> str:
    """Return what routers do with policies of a status, as a sentence."""
    text = WHAT_ROUTERS_DO[status]
    return f"{text[0].upper()}{text[1:]}."


def recent_gaps(connection: Connection, scope: str, newest: datetime) -> list[SlotGap]:
    """Return the slots without a run from a day before the newest slot on, the newest first."""
    return gaps(connection, scope, PageBounds(since=newest - _GAP_SPAN, limit=_GAPS_READ))


def gap_words(slots: Sequence[SlotGap]) -> str:
    """Return how many slots of the last day have no run, and the newest of them; empty if there is none."""
    if not slots:
        return ""
    newest = f"{iso(slots[0].slot)} ({slots[0].state})"
    if len(slots) == 1:
        return f"1 slot of the last day has no run: {newest}; router-policy backfill computes it."
    return f"{len(slots)} slots of the last day have no run, the newest {newest}; router-policy backfill computes them."
