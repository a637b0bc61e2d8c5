"""The API of policies: those in force, those of the past, and their changes."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from console.records.history_rows import history_csv
from console.records.policy_records import (
    ChangePage,
    ChangeRecord,
    HistoryPage,
    PastPolicyRecord,
    PolicyPage,
    PolicyRecord,
    policy_records,
)
from console.records.request_limits import TEXT_PATTERN, MarketName
from console.web.errors import Responses, documented
from console.web.parameters import At, Limit, Moment, OneSymbol, Since, Symbol, Until, read_time
from console.web.policy_cache import PolicyCache
from console.web.responses import ThePolicyCache, next_page, not_modified, policy_not_found
from policy.effective import EffectivePolicy
from policy.enums import Quality
from policy.time_text import iso
from storage.read.pages import PageBounds, PageCursor, changed_symbols, changes, history_page
from storage.read.policies import all_in_force, in_force
from storage.records import PolicyPeriod

router = APIRouter(prefix="/v1", tags=["policies"], responses=documented(422, 500, 503, 504))
_NOT_MODIFIED: Responses = {304: {"description": "The policies are those that If-None-Match names."}}
AfterSymbol = Annotated[MarketName | None, Query(description="The last symbol of the page before.")]
AfterChange = Annotated[
    str | None,
    Query(
        description="Slot and symbol of the last change of the page before, with a blank between them.",
        max_length=240,
        pattern=TEXT_PATTERN,
        examples=["2026-04-26T00:15:00Z BTCUSDT"],
    ),
]


@router.get("/policies", response_model=PolicyPage, responses=_NOT_MODIFIED)
def policies(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    quality: Annotated[list[Quality] | None, Query(description="Only these qualities.")] = None,
    maker_first: Annotated[bool | None, Query(description="Only maker first, or only taker.")] = None,
    changed_since: Annotated[Moment | None, Query(description="Whose decision changed at this slot or later.")] = None,
    at: At = None,
    after: AfterSymbol = None,
    limit: Limit = 1000,
) -> PolicyPage | Response:
    """Return the policies in force by symbol, overrides included, or those that were in force at a moment.

    Without `at` the answer has an ETag: send it back in If-None-Match, and while nothing changes the answer is 304.
    """
    in_scope = _policies(request, response, cache, at)
    if isinstance(in_scope, Response):
        return in_scope
    changed = _changed_since(cache, changed_since)
    wanted = [
        policy
        for policy in in_scope
        if (quality is None or policy.snapshot.quality in quality)
        and (maker_first is None or policy.snapshot.maker_first == maker_first)
        and (changed is None or policy.symbol in changed)
        and (after is None or policy.symbol > after)
    ]
    more = next_page(request, response, after=wanted[limit - 1].symbol) if len(wanted) > limit else None
    return PolicyPage.model_construct(items=policy_records(wanted[:limit], cache.limits), next=more)


def _policies(
    request: Request, response: Response, cache: PolicyCache, at: datetime | None
) -> Sequence[EffectivePolicy] | Response:
    """Return the policies in the order in which Python sorts symbols, as pages go on by it; or a 304."""
    if at is not None:
        with cache.store.reading() as connection:
            policies = [period.policy for period in all_in_force(connection, cache.scope, at)]
        return sorted(policies, key=attrgetter("symbol"))
    newest = cache.newest()
    return not_modified(request, response, newest) or sorted(newest.policies, key=attrgetter("symbol"))


def _changed_since(cache: PolicyCache, since: datetime | None) -> set[str] | None:
    if since is None:
        return None
    with cache.store.reading() as connection:
        return changed_symbols(connection, cache.scope, since)


@router.get(
    "/policies/{symbol:path}/history",
    response_model=HistoryPage,
    responses={**documented(404), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def history(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    symbol: Symbol,
    since: Since = None,
    until: Until = None,
    limit: Limit = 500,
    format: Annotated[Literal["json", "csv"], Query(description="JSON, or CSV for a spreadsheet.")] = "json",  # noqa: A002
) -> HistoryPage | Response:
    """Return one symbol's policies that came into force in a time, oldest first, each with the time it was in force."""
    periods = _history(cache, symbol, PageBounds(since=since, until=until, limit=limit + 1))
    more = next_page(request, response, since=iso(periods[limit].valid_from)) if len(periods) > limit else None
    if format == "csv":
        return Response(history_csv(periods[:limit]), media_type="text/csv", headers=dict(response.headers))
    items = [PastPolicyRecord.of(period) for period in periods[:limit]]
    return HistoryPage.model_construct(items=items, next=more)


def _history(cache: PolicyCache, symbol: str, bounds: PageBounds) -> list[PolicyPeriod]:
    """Return a page of a symbol's history. Raises a 404 for a symbol that never had a policy."""
    with cache.store.reading() as connection:
        periods = history_page(connection, cache.scope, symbol, bounds)
        if not periods and not history_page(connection, cache.scope, symbol, PageBounds(limit=1)):
            raise policy_not_found(cache, symbol)
    return periods


@router.get("/policies/{symbol:path}", response_model=PolicyRecord, responses={**_NOT_MODIFIED, **documented(404)})
def one_policy(
    request: Request, response: Response, cache: ThePolicyCache, symbol: Symbol, at: At = None
) -> PolicyRecord | Response:
    """Return the policy in force for one symbol, an override included, or the one that was in force at a moment."""
    if at is not None:
        return _policy_at(cache, symbol, at)
    newest = cache.newest()
    policy = newest.by_symbol.get(symbol)
    if policy is None:
        raise policy_not_found(cache, symbol)
    return not_modified(request, response, newest) or policy_records([policy], cache.limits)[0]


def _policy_at(cache: PolicyCache, symbol: str, at: datetime) -> PolicyRecord:
    with cache.store.reading() as connection:
        period = in_force(connection, cache.scope, symbol, at)
    if period is None:
        raise policy_not_found(cache, symbol, at)
    return policy_records([period.policy], cache.limits)[0]


@router.get("/changes", response_model=ChangePage, responses=documented(404))
def list_changes(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    symbol: OneSymbol = None,
    after: AfterChange = None,
    limit: Limit = 100,
) -> ChangePage:
    """Return the decisions that differ from those of the run before, the newest first; overrides do not count."""
    bounds = PageBounds(since=since, until=until, limit=limit + 1)
    with cache.store.reading() as connection:
        page = changes(connection, cache.scope, bounds, symbol=symbol, after=_cursor(after))
    items = [ChangeRecord.of(change) for change in page[:limit]]
    if len(page) <= limit:
        return ChangePage(items=items, next=None)
    last = items[-1]
    return ChangePage(items=items, next=next_page(request, response, after=f"{iso(last.slot)} {last.symbol}"))


def _cursor(after: str | None) -> PageCursor | None:
    if after is None:
        return None
    slot, _, symbol = after.partition(" ")
    try:
        return PageCursor(slot=read_time(slot), symbol=symbol)
    except ValueError:
        raise HTTPException(404, "after: not the end of a page; follow the address in `next` as it is") from None
