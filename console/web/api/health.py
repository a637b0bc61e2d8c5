"""The API about health: how the router fares, why a policy is what it is, and figures over time."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from console.commands.explain import explanation_record, find_explanation
from console.web.api.policy_records import HealthPage
from console.web.api.run_records import ExplanationRecord, Points, SeriesRecord
from console.web.errors import documented
from console.web.parameters import LATEST, At, Limit, Since, Symbol, Until
from console.web.policy_cache import PolicyCache
from console.web.responses import ThePolicyCache, next_page, no_policy, reading
from jobs.analysis.health import healths_of
from policy.health import ExecutionHealth, severity
from policy.quality import SEED_THRESHOLDS
from policy.regime import UPPER_BOUNDS
from policy.rules import UnknownRuleSetError
from storage.read.pages import policies_at
from storage.read.time_series import series

router = APIRouter(prefix="/v1", tags=["health"], responses=documented(422, 500, 503, 504))
_USUAL_SPAN = timedelta(days=7)
AfterRank = Annotated[int, Query(description="How many of the worst to leave out.", ge=0, le=1_000_000)]
PointCount = Annotated[int, Query(description="About so many points.", ge=2, le=5000)]


@router.get("/health", response_model=HealthPage)
def every_health(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    at: At = None,
    offset: AfterRank = 0,
    limit: Limit = 1000,
) -> HealthPage:
    """Return the execution health of every symbol that has a policy or should have one, the worst first."""
    found = desk.healths(desk.newest()) if at is None else _healths_at(desk, at)
    shown = found[offset : offset + limit]
    rest = len(found) > offset + limit
    more = next_page(request, response, offset=str(offset + limit)) if rest else None
    return HealthPage(items=shown, next=more)


def _healths_at(desk: PolicyCache, at: datetime) -> list[ExecutionHealth]:
    with reading(desk) as connection:
        rows = policies_at(connection, desk.scope, at)
    return sorted(healths_of(desk.book, rows, desk.book.symbols, at), key=severity)


@router.get("/health/{symbol:path}", response_model=ExecutionHealth, responses=documented(404))
def one_health(desk: ThePolicyCache, symbol: Symbol, at: At = None) -> ExecutionHealth:
    """Return the execution health of one symbol. One that should have a policy and has none is `missing`."""
    if at is None:
        newest = desk.newest()
        row, now = newest.by_symbol.get(symbol), newest.now
    else:
        row, now = desk.store.in_force(desk.scope, symbol, at), at
    if row is None and symbol not in desk.book.symbols:
        raise no_policy(desk, symbol, at)
    return healths_of(desk.book, [row] if row is not None else [], [symbol], now)[0]


@router.get("/policies/{symbol:path}/explain", response_model=ExplanationRecord, responses=documented(404, 409))
def explain(desk: ThePolicyCache, symbol: Symbol, at: At = None) -> ExplanationRecord:
    """Return why a policy is what it is, or was at a moment: each rule with its figure and threshold."""
    moment = at or desk.store.now()
    found = find_explanation(desk.store, desk.scope, symbol, moment)
    if found is None:
        raise no_policy(desk, symbol, moment)
    return ExplanationRecord.of(explanation_record(found))


@router.get("/policies/{symbol:path}/series", response_model=SeriesRecord, responses=documented(404))
def figures(
    desk: ThePolicyCache, symbol: Symbol, since: Since = None, until: Until = None, points: PointCount = 1500
) -> SeriesRecord:
    """Return one symbol's figures over time for a picture, of the last seven days where nothing else is said."""
    newest = desk.newest()
    start = since or desk.window_before(newest, _USUAL_SPAN)
    end = until or LATEST
    with reading(desk) as connection:
        rows = series(connection, desk.scope, symbol, start, end, points)
    if not rows and symbol not in newest.by_symbol:
        raise HTTPException(404, f"no figures of {symbol!r} in scope {desk.scope!r} in that time")
    found = {name: [row[name] for row in rows] for name in Points.model_fields}
    thresholds = thresholds_of(desk, newest.run_id)
    return SeriesRecord(symbol=symbol, since=start, until=end, points=Points(**found), thresholds=thresholds)


def thresholds_of(desk: PolicyCache, run_id: int | None) -> dict[str, float]:
    """Return where one quality or regime ends and the next begins, by the rules of a run.

    The seed's own where there is no run, or this program does not have its rules.
    """
    parameters = SEED_THRESHOLDS
    if run_id is not None:
        try:
            parameters = desk.store.rule_set_of_run(run_id).parameters
        except UnknownRuleSetError:
            parameters = SEED_THRESHOLDS
    names = SEED_THRESHOLDS.__slots__
    regimes = {f"{regime}_atr_ratio": bound for bound, regime in UPPER_BOUNDS}
    return {**{name: getattr(parameters, name) for name in names}, **regimes}
