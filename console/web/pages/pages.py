"""The pages: each is rendered here, and loads nothing but the console's own files."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from markupsafe import Markup
from pydantic import BeforeValidator

from console.web.banner import banner_of, symbol_phases
from console.web.order_figures import read_order_figures
from console.web.order_log import OrderLog
from console.web.pages.activity import activity_values, events_of_run
from console.web.pages.backtest_files import PICTURE_TYPES, BacktestFiles
from console.web.pages.order_pages import order_log_values
from console.web.pages.override_page import overrides_view
from console.web.pages.overview import Overview, OverviewRow, OverviewView
from console.web.pages.rendering import fragment, page, part
from console.web.pages.rule_sets import ROW_LIMIT, timeline
from console.web.pages.saving_view import HEIGHT, WIDTH, saving_picture, saving_tables
from console.web.pages.symbol_changes import symbol_changes
from console.web.pages.tiles import Tile
from console.web.parameters import (
    EARLIEST,
    LATEST,
    BeforeEntry,
    Moment,
    OneSymbol,
    RunNumber,
    Since,
    Symbol,
    Until,
    none_if_empty,
)
from console.web.policy_cache import LatestPolicies, PolicyCache
from console.web.responses import ThePolicyCache
from console.web.writing import TheWriting
from jobs.analysis.explain import Explanation, explain_policy
from jobs.analysis.holdout_findings import no_holdout_words
from jobs.analysis.rule_set_summary import summarize_rule_sets
from policy.activity_kind import ActivityKind
from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS
from policy.rules import UnknownRuleSetError
from storage.audit import chain
from storage.read.overrides import override_periods, overrides_at
from storage.read.pages import PageBounds, changes, failures, gaps, run_by_id, runs
from storage.read.policies import rejects_of_run, rejects_of_runs
from storage.read.savings import known_savings, saving_series

router = APIRouter(include_in_schema=False)
_CHANGES_SHOWN = 50
_RUNS_SHOWN = 50
_POINTS_SHOWN = PageBounds(limit=2000)


async def _overview(request: Request) -> Overview:
    return cast(Overview, request.app.state.overview)


async def _order_log(request: Request) -> OrderLog | None:
    return cast(OrderLog | None, request.app.state.order_log)


TheOverview = Annotated[Overview, Depends(_overview)]
TheOrderLog = Annotated[OrderLog | None, Depends(_order_log)]


@router.get("/")
def overview(request: Request, cache: ThePolicyCache, renderer: TheOverview) -> Response:
    """Show every symbol, the worst first."""
    view = _view(cache, renderer)
    return page(request, "overview.html", {"view": view, "scope": cache.scope, "active": "overview"})


@router.get("/overview")
def overview_as_it_stands(request: Request, cache: ThePolicyCache, renderer: TheOverview) -> Response:
    """Return the part of the overview that changes, or 304 if the client has it."""
    view = _view(cache, renderer)
    return part(request, "overview_part.html", {"view": view}, view.tag, view.banner.now)


@router.get("/banner")
def banner_as_it_stands(request: Request, cache: ThePolicyCache) -> Response:
    """Return how fresh the policies are, or 304 if nothing has changed that any page may show."""
    banner = banner_of(cache, cache.newest())
    return part(request, "banner.html", {"banner": banner}, banner.tag, banner.now)


def _view(cache: PolicyCache, renderer: Overview) -> OverviewView:
    return renderer.show(cache.newest(), _overview_content)


def _overview_content(tiles: Sequence[Tile], rows: Sequence[OverviewRow]) -> Markup:
    return fragment("overview_content.html", {"tiles": tiles, "rows": rows})


@router.get("/symbols/{symbol:path}")
def one_symbol(request: Request, cache: ThePolicyCache, symbol: Symbol) -> Response:
    """Show the policy in force for a symbol and why, with pictures over time."""
    newest = cache.newest()
    if symbol not in newest.by_symbol and symbol not in cache.watched.symbols:
        raise HTTPException(404, f"There is no policy for {symbol!r} in scope {cache.scope!r}.")
    with cache.store.reading() as connection:
        changed = changes(connection, cache.scope, PageBounds(limit=_CHANGES_SHOWN), symbol=symbol)
        overridden = override_periods(connection, cache.scope, symbol, EARLIEST, LATEST)
    explanation, why_not = _explained(cache, newest, symbol)
    banner, policy = banner_of(cache, newest), newest.by_symbol.get(symbol)
    values = {
        "symbol": symbol,
        "banner": banner,
        "phases": symbol_phases(banner, policy.override if policy is not None else None),
        "health": cache.health(newest, symbol),
        "explanation": explanation,
        "why_not": why_not,
        "changes": symbol_changes(changed, overridden, newest.now, _CHANGES_SHOWN),
        "active": "symbol",
    }
    return page(request, "symbol.html", values)


def _explained(cache: PolicyCache, newest: LatestPolicies, symbol: str) -> tuple[Explanation | None, str]:
    """Return why a policy is what it is, or a sentence with the reason why there is no explanation."""
    try:
        return explain_policy(cache.store, cache.scope, symbol, newest.now), "no policy is in force now"
    except UnknownRuleSetError as error:
        return None, str(error)


@router.get("/savings")
def savings_page(request: Request, cache: ThePolicyCache, order_log: TheOrderLog) -> Response:
    """Show what orders saved of which chance decided the way, and how exactly that is known."""
    newest = cache.newest()
    with cache.store.reading() as connection:
        known = known_savings(connection, cache.scope)
        points = saving_series(connection, cache.scope, ALL_SYMBOLS, Comparison.MAKER_AGAINST_TAKER, _POINTS_SHOWN)
    values = {
        "banner": banner_of(cache, newest),
        "since": known.since,
        "no_holdout": no_holdout_words(order_log.orders) if order_log is not None else None,
        "tables": saving_tables(known, newest.slot),
        "picture": saving_picture(points),
        "width": WIDTH,
        "height": HEIGHT,
        "active": "savings",
    }
    return page(request, "savings.html", values)


@router.get("/rules")
def rules(request: Request, cache: ThePolicyCache, days: Annotated[int, Query(ge=1, le=90)] = 1) -> Response:
    """Show the live rule set beside its shadows."""
    newest = cache.newest()
    since, until = cache.window_before(newest, timedelta(days=days)), newest.slot or newest.now
    summary = summarize_rule_sets(cache.store, cache.scope, newest.run_id, since, until, ROW_LIMIT)
    files = cast(BacktestFiles | None, request.app.state.backtest)
    values = {
        "banner": banner_of(cache, newest),
        "summary": summary,
        "timeline": timeline(summary),
        "live": newest.rule_set,
        "overridden": {policy.symbol: policy.snapshot for policy in newest.policies if policy.override is not None},
        "days": days,
        "backtest": files.read() if files is not None else None,
        "has_picture": files is not None and files.picture() is not None,
        "active": "rules",
    }
    return page(request, "rules.html", values)


@router.get("/rules/backtest")
def backtest_picture(request: Request) -> Response:
    """Return the picture of the last backtest."""
    files = cast(BacktestFiles | None, request.app.state.backtest)
    picture = files.picture() if files is not None else None
    if picture is None:
        raise HTTPException(404, "There is no picture of a backtest.")
    return FileResponse(picture, media_type=PICTURE_TYPES[picture.suffix])


@router.get("/overrides")
def overrides_page(
    request: Request,
    cache: ThePolicyCache,
    writing: TheWriting,
    symbol: OneSymbol = None,
    before: BeforeEntry = None,
) -> Response:
    """Show overrides in force and those that were made, with the form that makes one if the settings allow it."""
    newest, now = cache.newest(), cache.now()
    with cache.store.reading() as connection:
        view = overrides_view(connection, cache.scope, writing, now, symbol, before)
    values = {"view": view, "symbol": symbol, "symbols": sorted(newest.by_symbol), "active": "overrides"}
    return page(request, "overrides.html", {**values, "banner": banner_of(cache, newest)})


@router.get("/orders/log")
def order_log(
    request: Request,
    cache: ThePolicyCache,
    since: Annotated[Moment, Query()],
    until: Annotated[Moment, Query()],
    log: TheOrderLog,
    symbol: Annotated[OneSymbol, BeforeValidator(none_if_empty)] = None,
) -> Response:
    """Show the orders of a time, which a run or a change rests on."""
    values = order_log_values(log, cache.scope, symbol, since, until)
    return page(request, "order_log.html", {**values, "banner": banner_of(cache, cache.newest()), "active": "orders"})


@router.get("/activity")
def activity(
    request: Request,
    cache: ThePolicyCache,
    kind: Annotated[ActivityKind | None, BeforeValidator(none_if_empty)] = None,
    symbol: Annotated[OneSymbol, BeforeValidator(none_if_empty)] = None,
    since: Annotated[Since, BeforeValidator(none_if_empty)] = None,
    until: Annotated[Until, BeforeValidator(none_if_empty)] = None,
) -> Response:
    """Show what happened, the newest first, by kind, symbol and time."""
    values = activity_values(cache, kind, symbol, since, until)
    return page(request, "activity.html", {**values, "banner": banner_of(cache, cache.newest()), "active": "activity"})


@router.get("/orders")
def orders(request: Request, cache: ThePolicyCache) -> Response:
    """Show what orders cost by day and by symbol, the dearest first, and which symbols drifted."""
    with cache.store.reading() as connection:
        figures = read_order_figures(connection, cache.scope)
    by_cost = sorted(figures.costs_of_symbols().items(), key=lambda item: -(item[1].mean_bps or float("-inf")))
    values = {
        "banner": banner_of(cache, cache.newest()),
        "figures": figures,
        "days": figures.costs_of_days(),
        "symbols": by_cost,
        "drifts": figures.drift_of_symbols(),
        "active": "orders",
    }
    return page(request, "orders.html", values)


@router.get("/runs/{run_id}")
def run_page(request: Request, cache: ThePolicyCache, run_id: RunNumber) -> Response:
    """Show one run: when and by what it was computed, what it changed, and the rows that it rejected."""
    with cache.store.reading() as connection:
        run = run_by_id(connection, cache.scope, run_id)
        if run is None:
            raise HTTPException(404, f"There is no run {run_id} in scope {cache.scope!r}.")
        values = {
            "run": run,
            "rejects": rejects_of_run(connection, run_id),
            "events": events_of_run(connection, run),
        }
    return page(request, "run.html", {**values, "banner": banner_of(cache, cache.newest()), "active": "runs"})


@router.get("/runs")
def runs_page(request: Request, cache: ThePolicyCache, until: Until = None) -> Response:
    """Show runs with the rows that they rejected, slots without a run, and overrides in force."""
    newest, now = cache.newest(), cache.store.now()
    scope, newest_shown = cache.scope, PageBounds(limit=_RUNS_SHOWN)
    with cache.store.reading() as connection:
        published = runs(connection, scope, PageBounds(until=until, limit=_RUNS_SHOWN + 1))
        values = {
            "runs": published[:_RUNS_SHOWN],
            "rejects": rejects_of_runs(connection, [run.run_id for run in published]),
            "has_older": len(published) > _RUNS_SHOWN,
            "gaps": gaps(connection, scope, newest_shown),
            "failures": failures(connection, scope, newest_shown),
            "overrides": overrides_at(connection, scope, now),
            "head": chain.head(connection),
        }
    return page(request, "runs.html", {**values, "banner": banner_of(cache, newest), "active": "runs"})
