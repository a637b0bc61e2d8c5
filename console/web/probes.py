"""Probes for monitoring: liveness, readiness, and the figures that Prometheus scrapes."""

from typing import cast

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from console.web.banner import banner_of
from console.web.errors import documented
from console.web.probe_records import LivenessRecord, ReadinessRecord
from console.web.responses import ThePolicyCache
from policy.freshness import Status

router = APIRouter(tags=["watching"])
figures = APIRouter(tags=["watching"])


@router.get("/healthz", response_model=LivenessRecord)
async def alive() -> LivenessRecord:
    """Return 200 while this process answers. It does not ask the store."""
    return LivenessRecord()


@router.get("/readyz", response_model=ReadinessRecord, responses=documented(500, 503, 504))
def ready(cache: ThePolicyCache) -> ReadinessRecord:
    """Return 200 if the store can be read and its newest run is fresh, else 503 with the reason."""
    newest = cache.newest()
    freshness = cache.freshness(newest.slot, newest.now)
    if freshness.slot is None or freshness.age_seconds is None or freshness.status is not Status.FRESH:
        raise HTTPException(503, banner_of(cache, newest).text)
    return ReadinessRecord(slot=freshness.slot, age_seconds=freshness.age_seconds)


@figures.get(
    "/metrics",
    response_class=Response,
    responses={**documented(500, 504), 200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """Return the figures that Prometheus scrapes."""
    registry = cast(CollectorRegistry, request.app.state.registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@figures.get("/v1/openapi.json", include_in_schema=False)
async def description(request: Request) -> JSONResponse:
    """Return the description of the API."""
    return JSONResponse(cast(FastAPI, request.app).openapi())
