"""What the page of activity shows: events by kind, symbol and time, and the addresses of the same for programs."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from console.web.policy_cache import PolicyCache
from policy.activity_kind import ActivityKind
from policy.time_text import iso
from storage.read.events import Event, EventFilter, events
from storage.read.pages import PageBounds
from storage.records import PublishedRun
from storage.store import Connection

_EVENTS_SHOWN = 200
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


def activity_values(
    cache: PolicyCache, kind: ActivityKind | None, symbol: str | None, since: datetime | None, until: datetime | None
) -> Mapping[str, object]:
    """Return the values of the page's template. Raises as the store does."""
    wanted = EventFilter(kinds=(kind,) if kind is not None else (), symbol=symbol)
    bounds = PageBounds(since=since, until=until, limit=_EVENTS_SHOWN)
    with cache.store.reading() as connection:
        shown = events(connection, cache.scope, bounds, wanted)
    asked = {"kind": kind, "symbol": symbol, "since": iso(since), "until": iso(until)}
    address = {name: value for name, value in asked.items() if value}
    midnight = cache.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "events": shown,
        "kinds": list(ActivityKind),
        "kind": kind,
        "symbol": symbol,
        "since": since,
        "yesterday": midnight - _DAY,
        "address": address,
        "older": {**address, "until": iso(shown[-1].at)} if len(shown) >= _EVENTS_SHOWN else None,
    }


def events_of_run(connection: Connection, run: PublishedRun) -> list[Event]:
    """Return what a run changed: the decisions that differ from those of the run before, and the rules if they do."""
    at_its_slot = PageBounds(since=run.slot, until=run.slot + _MOMENT, limit=_EVENTS_SHOWN)
    return [event for event in events(connection, run.scope, at_its_slot, EventFilter()) if event.run_id == run.run_id]
