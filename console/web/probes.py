"""For machines that watch: is this process alive, can its policies be relied on, and how is it doing."""

from typing import cast

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from console.web.api.run_records import LivenessRecord, ReadinessRecord
from console.web.errors import documented
from console.web.pages.overview import banner_of
from console.web.responses import ThePolicyCache
from policy.freshness import Status

router = APIRouter(tags=["watching"])
figures = APIRouter(tags=["watching"])


@router.get("/healthz", response_model=LivenessRecord)
async def alive() -> LivenessRecord:
    """Say that this process answers. It asks nothing of the store."""
    return LivenessRecord()


@router.get("/readyz", response_model=ReadinessRecord, responses=documented(500, 503, 504))
def ready(desk: ThePolicyCache) -> ReadinessRecord:
    """Say that the store can be read and its newest run is fresh; 503 where not, with what is wrong."""
    newest = desk.newest()
    found = desk.freshness(newest.slot, newest.now)
    if found.slot is None or found.age_seconds is None or found.status is not Status.FRESH:
        raise HTTPException(503, banner_of(desk, found, newest.now).text)
    return ReadinessRecord(slot=found.slot, age_seconds=found.age_seconds)


@figures.get(
    "/metrics",
    response_class=Response,
    responses={**documented(500, 504), 200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """Return the figures that Prometheus scrapes."""
    registry = cast(CollectorRegistry, request.app.state.registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
