"""The API of savings: what the newest runs found, and one figure over time."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from console.records.saving_records import SavingPointPage, SavingPointRecord, SavingsRecord
from console.web.errors import documented
from console.web.parameters import Limit, OneSymbol, Since, Until
from console.web.responses import ThePolicyCache, next_page
from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS
from policy.time_text import iso
from storage.read.pages import PageBounds
from storage.read.savings import known_savings, saving_series

router = APIRouter(prefix="/v1", tags=["savings"], responses=documented(422, 500, 503, 504))
OneComparison = Annotated[Comparison, Query(description="Which way is compared with which.")]


@router.get("/savings", response_model=SavingsRecord)
def savings(cache: ThePolicyCache) -> SavingsRecord:
    """Return what orders saved of which chance decided the way, of all symbols and of each, as of the newest run."""
    newest = cache.newest()
    with cache.store.reading() as connection:
        known = known_savings(connection, cache.scope)
    return SavingsRecord.of(known, newest.slot)


@router.get("/savings/series", response_model=SavingPointPage)
def saving_points(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    comparison: OneComparison = Comparison.MAKER_AGAINST_TAKER,
    symbol: OneSymbol = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> SavingPointPage:
    """Return one saving over time, the newest first, of all symbols or of one.

    A run that found the same as the one before has no point.
    """
    bounds = PageBounds(since=since, until=until, limit=limit + 1)
    with cache.store.reading() as connection:
        page = saving_series(connection, cache.scope, symbol or ALL_SYMBOLS, comparison, bounds)
    items = [SavingPointRecord.of(point) for point in page[:limit]]
    more = next_page(request, response, until=iso(items[-1].slot)) if len(page) > limit else None
    return SavingPointPage(items=items, next=more)
