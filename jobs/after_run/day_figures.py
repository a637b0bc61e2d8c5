"""The use case: what the orders of the last days cost and which drifted, computed from the log and stored."""

from dataclasses import dataclass
from datetime import datetime

from jobs.analysis.day_figures import DAY, find_day_figures, start_of_day
from jobs.analysis.order_history import OrderSelection
from jobs.plan import Plan
from jobs.slots import Slots
from policy.errors import RouterPolicyError
from policy.window import OUTCOME_WINDOW
from storage.read.day_figures import newest_day
from storage.store import Store
from storage.write.day_figures import store_day


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresTask:
    """What is needed to compute the figures of the last days."""

    plan: Plan
    store_url: str
    slots: Slots


def store_day_figures(task: FiguresTask, store: Store) -> int:
    """Store the figures of the unfinished day and of those before it, and return of how many days.

    They begin with the day before the newest that has figures, as an order may reach the log late; at most with the
    first day of the window of the orders. Raises as `find_day_figures`; what was stored before then stays.
    """
    now, scope = store.now(), task.plan.scope
    selection = OrderSelection(
        scope=scope, orders=task.plan.orders, slots=task.slots, start=_first_day(store, scope, now), end=now
    )
    days = find_day_figures(store, selection, task.plan.fees)
    with store.writing() as connection:
        for figures in days:
            store_day(connection, scope, figures)
    return len(days)


def try_day_figures(task: FiguresTask, store: Store) -> tuple[str, ...]:
    """Store the figures as `store_day_figures` does; if they cannot be computed, return a sentence with the reason."""
    try:
        store_day_figures(task, store)
    except RouterPolicyError as error:
        return (f"what the orders of the last days cost could not be added up: {error}",)
    return ()


def _first_day(store: Store, scope: str, now: datetime) -> datetime:
    with store.reading() as connection:
        newest = newest_day(connection, scope)
    earliest = start_of_day(now - OUTCOME_WINDOW)
    return max(min(newest.day, start_of_day(now)) - DAY, earliest) if newest is not None else earliest
