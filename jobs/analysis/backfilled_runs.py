"""Runs that were computed later from the sources: how many of a history they are."""

from datetime import datetime

from storage.read.replay_inputs import run_counts
from storage.store import Store


def backfilled_words(store: Store, scope: str, since: datetime | None = None) -> str:
    """Return how many of the runs from `since` on were backfilled, as a sentence; empty if none was."""
    with store.reading() as connection:
        counts = run_counts(connection, scope, since)
    if not counts.backfilled_count:
        return ""
    return f"{counts.backfilled_count} of {counts.run_count} runs were backfilled: nobody followed them"
