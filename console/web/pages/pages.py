"""The pages: each is made here whole, and needs nothing from outside but the console's own files."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.commands.explain import Explanation, find_explanation
from console.web.api.runs import with_rejects
from console.web.headers import POLICY_WITH_PICTURES
from console.web.pages import formats
from console.web.pages.backtest_files import PICTURE_TYPES, BacktestFiles
from console.web.pages.overview import Overview, OverviewView, Row, banner_of
from console.web.pages.plotly_file import own_style_ids, plotly_script
from console.web.pages.rule_sets import rule_sets_since
from console.web.pages.sparkline import STEP_COUNT
from console.web.parameters import Symbol, Until
from console.web.policy_cache import LatestPolicies, PolicyCache
from console.web.responses import ThePolicyCache, reading
from jobs.analysis.health import healths_of
from policy.enums import Quality, Regime
from policy.health import ExecutionHealth
from policy.rules import UnknownRuleSetError
from storage.read.pages import PageBounds, changes, failures, gaps, runs

router = APIRouter(include_in_schema=False)
_CHANGES_SHOWN = 50
_RUNS_SHOWN = 50
_TEMPLATES = Path(__file__).parent / "templates"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        figure=formats.figure, exact=formats.exact, moment=formats.moment, path=lambda text: quote(text, safe="")
    )
    environment.globals.update(told=formats.told, qualities=list(Quality), regimes=list(Regime), step_count=STEP_COUNT)
    return environment


_templates = Jinja2Templates(env=_environment())


def _page(
    request: Request,
    name: str,
    values: Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return _templates.TemplateResponse(request, name, dict(values), status_code=status, headers=headers)


def error_page(request: Request, status: int, message: str) -> Response:
    """Return the page that says what went wrong and where to go from there."""
    return _page(request, "error.html", {"status": status, "message": message}, status)


async def _overview(request: Request) -> Overview:
    return cast(Overview, request.app.state.overview)


TheOverview = Annotated[Overview, Depends(_overview)]


@router.get("/")
def overview(request: Request, desk: ThePolicyCache, made: TheOverview) -> Response:
    """Show every symbol, the worst first."""
    shown = _shown(desk, made)
    return _page(request, "overview.html", {"shown": shown, "scope": desk.scope, "active": "overview"})


@router.get("/overview")
def overview_as_it_stands(request: Request, desk: ThePolicyCache, made: TheOverview) -> Response:
    """Return the part of the overview that changes, or 304 where the asker has it."""
    shown = _shown(desk, made)
    tag = f'W/"{shown.tag}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return _page(request, "overview_part.html", {"shown": shown}, headers={"ETag": tag})


def _shown(desk: PolicyCache, made: Overview) -> OverviewView:
    return made.show(desk.newest(), _table)


def _table(rows: Sequence[Row]) -> Markup:
    return Markup(_templates.get_template("overview_table.html").render(rows=rows))  # noqa: S704 - it escapes itself


@router.get("/symbols/{symbol:path}")
def one_symbol(request: Request, desk: ThePolicyCache, symbol: Symbol) -> Response:
    """Show what is in force for a symbol and why, with pictures over time."""
    newest = desk.newest()
    if symbol not in newest.by_symbol and symbol not in desk.book.symbols:
        raise HTTPException(404, f"There is no policy for {symbol!r} in scope {desk.scope!r}.")
    with reading(desk) as connection:
        changed = changes(connection, desk.scope, PageBounds(limit=_CHANGES_SHOWN), symbol=symbol)
    found, why_not = _explained(desk, newest, symbol)
    values = {"health": _health(desk, newest, symbol), "found": found, "why_not": why_not, "changes": changed}
    freshness = desk.freshness(newest.slot, newest.now)
    banner = banner_of(desk, freshness, newest.now)
    policy = {"Content-Security-Policy": POLICY_WITH_PICTURES}
    return _page(
        request,
        "symbol.html",
        {**values, "symbol": symbol, "banner": banner, "style_ids": own_style_ids(), "active": "symbol"},
        headers=policy,
    )


def _health(desk: PolicyCache, newest: LatestPolicies, symbol: str) -> ExecutionHealth:
    row = newest.by_symbol.get(symbol)
    return healths_of(desk.book, [row] if row is not None else [], [symbol], newest.now)[0]


def _explained(desk: PolicyCache, newest: LatestPolicies, symbol: str) -> tuple[Explanation | None, str]:
    """Return why a policy is what it is, or why that cannot be told."""
    try:
        return find_explanation(desk.store, desk.scope, symbol, newest.now), "no policy is in force now"
    except UnknownRuleSetError as error:
        return None, str(error)


@router.get("/rules")
def rules(request: Request, desk: ThePolicyCache, days: Annotated[int, Query(ge=1, le=90)] = 1) -> Response:
    """Show the live rule set beside its shadows."""
    newest = desk.newest()
    shown = rule_sets_since(desk, newest, desk.window_before(newest, timedelta(days=days)))
    live = newest.rows[0]["rule_set"] if newest.rows else None
    files = cast(BacktestFiles | None, request.app.state.backtest)
    values = {"shown": shown, "live": live, "days": days, "active": "rules"}
    backtest = files.read() if files is not None else None
    picture = files.picture() if files is not None else None
    return _page(request, "rules.html", {**values, "backtest": backtest, "has_picture": picture is not None})


@router.get("/rules/backtest")
def backtest_picture(request: Request) -> Response:
    """Return the picture of the last backtest."""
    files = cast(BacktestFiles | None, request.app.state.backtest)
    picture = files.picture() if files is not None else None
    if picture is None:
        raise HTTPException(404, "There is no picture of a backtest.")
    return FileResponse(picture, media_type=PICTURE_TYPES[picture.suffix])


@router.get("/runs")
def runs_page(request: Request, desk: ThePolicyCache, until: Until = None) -> Response:
    """Show runs with what they did not use, slots without a run, and overrides in force."""
    newest = desk.newest()
    with reading(desk) as connection:
        found = runs(connection, desk.scope, PageBounds(until=until, limit=_RUNS_SHOWN + 1))
        shown = with_rejects(connection, found[:_RUNS_SHOWN])
        missing = gaps(connection, desk.scope, PageBounds(limit=_RUNS_SHOWN))
        failed = failures(connection, desk.scope, PageBounds(limit=_RUNS_SHOWN))
    values = {"runs": shown, "has_older": len(found) > _RUNS_SHOWN, "gaps": missing, "failures": failed}
    overrides = desk.store.overrides_at(desk.scope, desk.store.now())
    banner = banner_of(desk, desk.freshness(newest.slot, newest.now), newest.now)
    head = desk.store.head()
    return _page(
        request, "runs.html", {**values, "overrides": overrides, "head": head, "banner": banner, "active": "runs"}
    )


@router.get("/plotly.js")
def plotly() -> Response:
    """Return plotly's script, from its package on this machine."""
    return FileResponse(plotly_script(), media_type="text/javascript")
