"""The orders of the log that `costs` and `drift` read, from the settings and the options."""

from datetime import datetime, timedelta

from console.errors import SettingsError
from console.not_found import no_policy
from console.settings.model import Settings
from console.settings.plan import orders_of
from jobs.analysis.order_history import TOLERANCE, OrderSelection
from policy.time_text import iso
from policy.window import OUTCOME_WINDOW
from storage.read.policies import newest_run
from storage.store import Store


def select_orders(
    settings: Settings, store: Store, since: datetime | None, tolerance: timedelta = TOLERANCE
) -> OrderSelection:
    """Return the orders from `since` until now; without it, from seven days before the newest slot.

    Raises NoPolicyError before the first run, SettingsError if `since` is not in the past.
    """
    with store.reading() as connection:
        newest = newest_run(connection, settings.scope)
    now = store.now()
    if newest is None:
        raise no_policy(store, settings.scope)
    start = since if since is not None else newest.slot - OUTCOME_WINDOW
    if start >= now:
        raise SettingsError(f"--since {iso(start)} is not in the past; give a time before {iso(now)}")
    orders, slots = orders_of(settings), settings.schedule.slots
    return OrderSelection(scope=settings.scope, orders=orders, slots=slots, start=start, end=now, tolerance=tolerance)
