"""The API of runs: what was published when, which rows were rejected, and which slots have no run."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request, Response

from console.records.run_records import GapPage, GapRecord, HeadRecord, RunPage, RunRecord
from console.web.errors import documented
from console.web.parameters import Limit, RunNumber, Since, Until
from console.web.responses import ThePolicyCache, next_page
from policy.time_text import iso
from storage.audit import chain
from storage.read.pages import PageBounds, gaps, run_by_id, runs
from storage.read.policies import rejects_of_runs
from storage.records import PublishedRun
from storage.store import Connection

router = APIRouter(prefix="/v1", tags=["runs"], responses=documented(422, 500, 503, 504))


@router.get("/runs", response_model=RunPage)
def list_runs(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> RunPage:
    """Return the runs whose slot is in a time, the newest first, each with the rows that it rejected."""
    with cache.store.reading() as connection:
        page = runs(connection, cache.scope, PageBounds(since=since, until=until, limit=limit + 1))
        items = _with_rejects(connection, page[:limit])
    more = next_page(request, response, until=iso(page[limit - 1].slot)) if len(page) > limit else None
    return RunPage(items=items, next=more)


def _with_rejects(connection: Connection, published: Sequence[PublishedRun]) -> list[RunRecord]:
    rejects = rejects_of_runs(connection, [run.run_id for run in published])
    return [RunRecord.of(run, rejects[run.run_id]) for run in published]


@router.get("/runs/{run_id}", response_model=RunRecord, responses=documented(404))
def one_run(cache: ThePolicyCache, run_id: RunNumber) -> RunRecord:
    """Return one run by its number, with the rows that it rejected."""
    with cache.store.reading() as connection:
        run = run_by_id(connection, cache.scope, run_id)
        if run is None:
            raise HTTPException(404, f"no run {run_id} in scope {cache.scope!r}; /v1/runs lists all runs")
        return _with_rejects(connection, [run])[0]


@router.get("/gaps", response_model=GapPage)
def list_gaps(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> GapPage:
    """Return the slots that should have been published and were not, the newest first."""
    with cache.store.reading() as connection:
        page = gaps(connection, cache.scope, PageBounds(since=since, until=until, limit=limit + 1))
    items = [GapRecord.of(gap) for gap in page[:limit]]
    more = next_page(request, response, until=iso(items[-1].slot)) if len(page) > limit else None
    return GapPage(items=items, next=more)


@router.get("/head", response_model=HeadRecord)
def head(cache: ThePolicyCache) -> HeadRecord:
    """Return the digest that stands for the whole history so far."""
    with cache.store.reading() as connection:
        newest = chain.head(connection)
    return HeadRecord(entry_id=newest.entry_id, digest=newest.digest)
