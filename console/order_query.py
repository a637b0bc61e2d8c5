"""Which orders of the log a command looks at: from a time on, or the seven days before the newest slot, until now."""

from datetime import datetime, timedelta

from console.errors import SettingsError
from console.not_found import no_policy
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.terminal.text import iso
from jobs.analysis.order_history import TOLERANCE, OrderSelection
from policy.window import OUTCOME_WINDOW
from storage.store import Store


def question_of(
    settings: Settings, store: Store, since: datetime | None, tolerance: timedelta = TOLERANCE
) -> OrderSelection:
    """Return the question. Raises NoPolicyError before the first run, SettingsError where `since` is not past."""
    newest, now = store.newest_run(settings.scope), store.now()
    if newest is None:
        raise no_policy(store, settings.scope)
    start = since if since is not None else newest.slot - OUTCOME_WINDOW
    if start >= now:
        raise SettingsError(f"--since {iso(start)} is not in the past; give a time before {iso(now)}")
    orders, slots = plan_of(settings).orders, settings.schedule.slots
    return OrderSelection(scope=settings.scope, orders=orders, slots=slots, start=start, end=now, tolerance=tolerance)
