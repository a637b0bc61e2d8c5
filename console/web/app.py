"""The application: its routes and the middleware before them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from console.web import probes
from console.web.api import events, health, history_files, orders, overrides, policies, runs, savings
from console.web.errors import add_error_handlers, documented
from console.web.guards import TimeLimit, guards_of, may_read
from console.web.head_requests import HeadRequests
from console.web.headers import SafeHeaders
from console.web.hosts import KnownHosts
from console.web.metrics import PolicyCollector
from console.web.order_log import OrderLog
from console.web.pages import pages
from console.web.pages.backtest_files import BacktestFiles
from console.web.pages.overview import Overview
from console.web.pages.rendering import error_page
from console.web.policy_cache import Clock, PolicyCache
from console.web.static_files import ConsoleFiles
from console.web.writing import Writing
from jobs.analysis.health import WatchedScope

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
# As many as the pools of the store have connections; more would only wait for one.
_THREAD_COUNT = 8
# A response that fits into one packet gains nothing. Level 9 would pack the overview 5 % better, and a quarter slower.
_SMALLEST_PACKED_BYTES = 1400
_PACKED_ALREADY = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/vnd.apache.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may read: anyone with this token (None: anyone), by these names of this machine (`*`: any name).

    Names are checked so that no page of another site can read the console through a browser on this machine.
    """

    token: str | None = None
    hosts: Sequence[str] = LOCAL_HOSTS


def create_app(
    watched: WatchedScope,
    *,
    access: Access | None = None,
    now: Clock | None = None,
    holder: str | None = None,
    backtest: BacktestFiles | None = None,
    writing: Writing | None = None,
    order_log: OrderLog | None = None,
    timeout_seconds: float = 10.0,
) -> FastAPI:
    """Make the application that shows a watched scope.

    `now` None means the database's clock; `holder` names this process if it computes slots as well. Without `writing`
    the app only reads. It leaves the store open.
    """
    access = access or Access()
    cache = PolicyCache(watched=watched, clock=now)
    app = FastAPI(
        title="router-policy",
        version=version("router-policy"),
        description="Maker first or straight taker, per symbol: what is in force, since when and why.",
        openapi_url=None,  # `probes.description` is behind the token
        docs_url=None,
        redoc_url=None,
        lifespan=_few_threads,
    )
    app.state.cache = cache
    app.state.overview = Overview(cache=cache)
    app.state.backtest = backtest
    app.state.writing = writing
    app.state.order_log = order_log
    app.state.registry = _registry(PolicyCollector(cache=cache, version=app.version, holder=holder))
    add_error_handlers(app, error_page, partial(may_read, token=access.token))
    _add_routes(app, access.token, has_writes=writing is not None)
    app.add_middleware(TimeLimit, seconds=timeout_seconds)
    app.add_middleware(
        GZipMiddleware, minimum_size=_SMALLEST_PACKED_BYTES, compresslevel=6, exclude_content_types=_PACKED_ALREADY
    )
    app.add_middleware(KnownHosts, allowed_hosts=list(access.hosts), www_redirect=False)
    app.add_middleware(HeadRequests)
    app.add_middleware(SafeHeaders, has_token=access.token is not None)
    return app


@asynccontextmanager
async def _few_threads(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREAD_COUNT
    yield


def _registry(collector: PolicyCollector) -> CollectorRegistry:
    """Make a registry for this app alone: two apps in one process do not share metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _add_routes(app: FastAPI, token: str | None, *, has_writes: bool) -> None:
    """Add the routes; those below a symbol come before the symbol itself, whose name may hold slashes."""
    refusals = documented(401) if token is not None else {}
    programs, people = guards_of(token, for_people=False), guards_of(token, for_people=True)
    app.include_router(probes.router)
    app.include_router(probes.figures, dependencies=programs, responses=refusals)
    writes = (overrides.writes,) if has_writes else ()
    reads = (health, policies, history_files, runs, savings, overrides, orders, events)
    for router in (*writes, *(module.router for module in reads)):
        app.include_router(router, dependencies=programs, responses=refusals)
    app.include_router(pages.router, dependencies=people)
    app.mount("/static", ConsoleFiles(), name="static")
