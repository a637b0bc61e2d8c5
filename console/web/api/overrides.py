"""The API of overrides: those that were made, and, if the settings allow it, making and ending them."""

import logging
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from console.override_limits import usual_bias, why_too_long
from console.records.override_records import (
    NewOverride,
    OverrideEnd,
    OverrideHistoryPage,
    OverrideHistoryRecord,
    OverridePreview,
    override_records,
)
from console.records.request_limits import LONGEST_OVERRIDE_SECONDS, EntryNumber, MarketName
from console.web.errors import documented
from console.web.parameters import BeforeEntry, Limit, OneSymbol, Since, Until
from console.web.policy_cache import PolicyCache
from console.web.responses import ThePolicyCache, next_page, policy_not_found
from console.web.writing import Author, TheWriting, Writing
from policy.enums import TakerBias
from storage.read.overrides import OverridePeriod, newest_override_entry, override_by_id, override_history
from storage.read.pages import PageBounds
from storage.read.policies import latest
from storage.store import Connection
from storage.write.overrides import end_override, make_override
from storage.write.rights import why_no_overrides

log = logging.getLogger("router_policy.web")
router = APIRouter(prefix="/v1", tags=["overrides"], responses=documented(422, 500, 503, 504))
writes = APIRouter(prefix="/v1", tags=["overrides"], responses=documented(404, 422, 500, 503, 504))
_REFUSED = documented(400, 403, 412)
OverrideNumber = Annotated[EntryNumber, Path(description="The override's number.")]
WantedSymbol = Annotated[MarketName, Query(description="The market to override.")]
WantedRoute = Annotated[bool, Query(description="Maker first, or straight to taker.")]
WantedBias = Annotated[TakerBias | None, Query(description="How patient; as in NewOverride without it.")]
WantedSeconds = Annotated[
    int, Query(description="How long; at most `overrides.longest`.", ge=1, le=LONGEST_OVERRIDE_SECONDS)
]


@router.get("/overrides", response_model=OverrideHistoryPage)
def list_overrides(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    symbol: OneSymbol = None,
    before: BeforeEntry = None,
    limit: Limit = 100,
) -> OverrideHistoryPage:
    """Return the overrides that were made in a time, the newest first, each with its state now."""
    bounds, now = PageBounds(since=since, until=until, limit=limit + 1), cache.now()
    with cache.store.reading() as connection:
        made = override_history(connection, cache.scope, bounds, symbol=symbol, before_entry_id=before)
        items = override_records(connection, cache.scope, made[:limit], now)
    more = next_page(request, response, before=str(items[-1].override_id)) if len(made) > limit else None
    return OverrideHistoryPage(items=items, next=more)


@writes.get("/overrides/preview", response_model=OverridePreview)
def preview(
    cache: ThePolicyCache,
    writing: TheWriting,
    symbol: WantedSymbol,
    maker_first: WantedRoute,
    lasting_seconds: WantedSeconds,
    taker_bias: WantedBias = None,
) -> OverridePreview:
    """Return what an override would change. It needs no write token, and writes nothing."""
    lasting = _checked_length(writing, lasting_seconds)
    with cache.store.reading() as connection:
        policies = latest(connection, cache.scope, symbol)
        newest_entry_id = newest_override_entry(connection, cache.scope, symbol)
    if not policies:
        raise policy_not_found(cache, symbol)
    policy = policies[0]
    return OverridePreview(
        symbol=symbol,
        maker_first=maker_first,
        taker_bias=taker_bias or usual_bias(maker_first),
        until_at=cache.now() + lasting,
        quality=policy.snapshot.quality,
        maker_first_now=policy.snapshot.maker_first,
        taker_bias_now=policy.snapshot.taker_bias,
        override_id_now=policy.override.override_id if policy.override is not None else None,
        newest_entry_id=newest_entry_id,
    )


@writes.post("/overrides", response_model=OverrideHistoryRecord, status_code=201, responses=_REFUSED)
def make(cache: ThePolicyCache, writing: TheWriting, author: Author, wanted: NewOverride) -> OverrideHistoryRecord:
    """Put a decision in force from now on; the history keeps its author, who is the name of the token, and its reason.

    The same request, sent twice, is written once: the second answer is 412.
    """
    lasting = _checked_length(writing, wanted.lasting_seconds)
    _refuse_if_read_only(cache)
    with cache.store.writing() as connection:
        made = make_override(
            connection,
            cache.scope,
            wanted.symbol,
            maker_first=wanted.maker_first,
            taker_bias=wanted.taker_bias or usual_bias(wanted.maker_first),
            lasting=lasting,
            author=author,
            reason=wanted.reason,
            seen_entry_id=wanted.newest_entry_id,
        )
    log.info("override %d of %s was made by %s", made.entry_id, made.symbol, author)
    return _record(cache, made.entry_id)


@writes.post("/overrides/{override_id}/end", response_model=OverrideHistoryRecord, responses=_REFUSED)
def end(
    cache: ThePolicyCache, author: Author, override_id: OverrideNumber, wanted: OverrideEnd
) -> OverrideHistoryRecord:
    """End an override that is in force; an earlier one of its symbol that still lasts is in force again."""
    _refuse_if_read_only(cache)
    with cache.store.writing() as connection:
        symbol = _known(connection, cache, override_id).symbol
        end_override(connection, cache.scope, symbol, author=author, reason=wanted.reason, override_id=override_id)
    log.info("override %d of %s was ended by %s", override_id, symbol, author)
    return _record(cache, override_id)


def _checked_length(writing: Writing | None, lasting_seconds: int) -> timedelta:
    lasting = timedelta(seconds=lasting_seconds)
    if writing is not None and (message := why_too_long(lasting, writing.longest)):
        raise HTTPException(422, f"lasting_seconds: {message}")
    return lasting


def _refuse_if_read_only(cache: PolicyCache) -> None:
    with cache.store.reading() as connection:
        message = why_no_overrides(connection)
    if message is not None:
        raise HTTPException(403, f"nothing was written: {message}")


def _known(connection: Connection, cache: PolicyCache, override_id: int) -> OverridePeriod:
    period = override_by_id(connection, cache.scope, override_id)
    if period is None:
        raise HTTPException(404, f"no override {override_id} in scope {cache.scope!r}; /v1/overrides lists all")
    return period


def _record(cache: PolicyCache, override_id: int) -> OverrideHistoryRecord:
    now = cache.now()
    with cache.store.reading() as connection:
        return override_records(connection, cache.scope, [_known(connection, cache, override_id)], now)[0]
