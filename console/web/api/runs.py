"""The API about runs: what was published when, what it did not use, and which slots have none."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy import Connection, RowMapping

from console.web.api.run_records import GapPage, GapRecord, HeadRecord, RunPage, RunRecord
from console.web.errors import documented
from console.web.parameters import Limit, RunNumber, Since, Until
from console.web.responses import ThePolicyCache, next_page, reading, utc
from storage.read.pages import PageBounds, gaps, rejects_of_runs, run_by_id, runs

router = APIRouter(prefix="/v1", tags=["runs"], responses=documented(422, 500, 503, 504))


@router.get("/runs", response_model=RunPage)
def list_runs(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> RunPage:
    """Return the runs whose slot is in a time, the newest first, each with what it did not use."""
    with reading(desk) as connection:
        found = runs(connection, desk.scope, PageBounds(since=since, until=until, limit=limit + 1))
        items = with_rejects(connection, found[:limit])
    more = next_page(request, response, until=utc(found[limit - 1]["slot"])) if len(found) > limit else None
    return RunPage(items=items, next=more)


def with_rejects(connection: Connection, found: Sequence[RowMapping]) -> list[RunRecord]:
    """Return runs with what each did not use."""
    rejects = rejects_of_runs(connection, [run["run_id"] for run in found])
    return [RunRecord.of(run, [one for one in rejects if one["run_id"] == run["run_id"]]) for run in found]


@router.get("/runs/{run_id}", response_model=RunRecord, responses=documented(404))
def one_run(desk: ThePolicyCache, run_id: RunNumber) -> RunRecord:
    """Return one run by its number, with what it did not use."""
    with reading(desk) as connection:
        found = run_by_id(connection, desk.scope, run_id)
        if found is None:
            raise HTTPException(404, f"no run {run_id} in scope {desk.scope!r}; /v1/runs lists what there is")
        return with_rejects(connection, [found])[0]


@router.get("/gaps", response_model=GapPage)
def list_gaps(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
) -> GapPage:
    """Return the slots that should have been published and were not, the newest first."""
    with reading(desk) as connection:
        found = gaps(connection, desk.scope, PageBounds(since=since, until=until, limit=limit + 1))
    items = [GapRecord.model_validate(dict(row)) for row in found[:limit]]
    more = next_page(request, response, until=utc(items[-1].slot)) if len(found) > limit else None
    return GapPage(items=items, next=more)


@router.get("/head", response_model=HeadRecord)
def head(desk: ThePolicyCache) -> HeadRecord:
    """Return the digest that stands for the whole history so far."""
    found = desk.store.head()
    return HeadRecord(entry_id=found.entry_id, digest=found.digest)
