"""The API of what happened: one timeline of decisions, overrides, rules, missing runs and prunes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from console.records.csv_rows import csv_text
from console.records.event_records import EVENT_COLUMNS, EventPage, EventRecord
from console.web.errors import documented
from console.web.parameters import Limit, OneSymbol, Since, Until
from console.web.responses import ThePolicyCache, next_page
from policy.activity_kind import ActivityKind
from policy.time_text import iso
from storage.read.events import EventFilter, events
from storage.read.pages import PageBounds

router = APIRouter(prefix="/v1", tags=["events"], responses=documented(422, 500, 503, 504))
Kinds = Annotated[list[ActivityKind] | None, Query(description="Only these kinds.")]


@router.get(
    "/events",
    response_model=EventPage,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def list_events(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    kind: Kinds = None,
    symbol: OneSymbol = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    format: Annotated[Literal["json", "csv"], Query(description="JSON, or CSV with a head line.")] = "json",  # noqa: A002 - the parameter's name in the address
) -> EventPage | Response:
    """Return what happened in a time, the newest first; with a symbol, what concerns it or all symbols."""
    bounds, wanted = PageBounds(since=since, until=until, limit=limit), EventFilter(kinds=kind or (), symbol=symbol)
    with cache.store.reading() as connection:
        page = events(connection, cache.scope, bounds, wanted)
    items = [EventRecord.of(event) for event in page]
    more = next_page(request, response, until=iso(page[-1].at) or "") if len(page) >= limit else None
    if format == "csv":
        rows = (record.model_dump(mode="json") for record in items)
        link = {"Link": response.headers["Link"]} if more is not None else None
        return Response(csv_text(EVENT_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=link)
    return EventPage(items=items, next=more)
