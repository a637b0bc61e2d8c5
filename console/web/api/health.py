"""The API of health: how the router fares, why a policy is what it is, and figures over time."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from console.records.explanation_records import ExplanationRecord
from console.records.policy_records import HealthPage
from console.records.series_records import OverridePeriodRecord, Points, SeriesRecord
from console.web.errors import documented
from console.web.parameters import LATEST, At, Limit, Since, Symbol, Until
from console.web.policy_cache import PolicyCache
from console.web.responses import ThePolicyCache, next_page, policy_not_found
from jobs.analysis.explain import explain_policy
from jobs.analysis.health import healths_of
from policy.health import ExecutionHealth, severity
from policy.quality import SEED_THRESHOLDS
from policy.regime import UPPER_BOUNDS
from policy.rules import UnknownRuleSetError
from storage.read.overrides import override_periods
from storage.read.pages import PageBounds, gaps
from storage.read.policies import all_in_force, in_force, rule_set_of_run
from storage.read.time_series import series
from storage.store import Connection

router = APIRouter(prefix="/v1", tags=["health"], responses=documented(422, 500, 503, 504))
_USUAL_SPAN = timedelta(days=7)
_GAP_LIMIT = 1000
AfterRank = Annotated[int, Query(description="How many of the worst to leave out.", ge=0, le=1_000_000)]
PointCount = Annotated[int, Query(description="About so many points.", ge=2, le=5000)]


@router.get("/health", response_model=HealthPage)
def every_health(
    request: Request,
    response: Response,
    cache: ThePolicyCache,
    at: At = None,
    offset: AfterRank = 0,
    limit: Limit = 1000,
) -> HealthPage:
    """Return the execution health of every symbol that has a policy or should have one, the worst first."""
    healths = cache.healths(cache.newest()) if at is None else _healths_at(cache, at)
    page = healths[offset : offset + limit]
    has_more = len(healths) > offset + limit
    more = next_page(request, response, offset=str(offset + limit)) if has_more else None
    return HealthPage(items=page, next=more)


def _healths_at(cache: PolicyCache, at: datetime) -> list[ExecutionHealth]:
    with cache.store.reading() as connection:
        policies = [period.policy for period in all_in_force(connection, cache.scope, at)]
    return sorted(healths_of(cache.watched, policies, cache.watched.symbols, at), key=severity)


@router.get("/health/{symbol:path}", response_model=ExecutionHealth, responses=documented(404))
def one_health(cache: ThePolicyCache, symbol: Symbol, at: At = None) -> ExecutionHealth:
    """Return the execution health of one symbol. One that should have a policy and has none is `missing`."""
    health = cache.health(cache.newest(), symbol) if at is None else _health_at(cache, symbol, at)
    if health.run_id is None and symbol not in cache.watched.symbols:
        raise policy_not_found(cache, symbol, at)
    return health


def _health_at(cache: PolicyCache, symbol: str, at: datetime) -> ExecutionHealth:
    with cache.store.reading() as connection:
        period = in_force(connection, cache.scope, symbol, at)
    return healths_of(cache.watched, [period.policy] if period is not None else [], [symbol], at)[0]


@router.get("/policies/{symbol:path}/explain", response_model=ExplanationRecord, responses=documented(404, 409))
def explain(cache: ThePolicyCache, symbol: Symbol, at: At = None) -> ExplanationRecord:
    """Return why a policy is what it is, or was at a time: each rule with its figure and threshold."""
    moment = at or cache.store.now()
    explanation = explain_policy(cache.store, cache.scope, symbol, moment)
    if explanation is None:
        raise policy_not_found(cache, symbol, moment)
    return ExplanationRecord.of(explanation)


@router.get("/policies/{symbol:path}/series", response_model=SeriesRecord, responses=documented(404))
def figures(
    cache: ThePolicyCache, symbol: Symbol, since: Since = None, until: Until = None, points: PointCount = 1500
) -> SeriesRecord:
    """Return one symbol's figures over time for a picture, of the last seven days by default."""
    newest = cache.newest()
    start = since or cache.window_before(newest, _USUAL_SPAN)
    end = until or LATEST
    with cache.store.reading() as connection:
        rows = series(connection, cache.scope, symbol, start, end, points)
        overridden = override_periods(connection, cache.scope, symbol, start, end)
        thresholds = _thresholds(connection, newest.run_id)
        missing = _slots_without_run(connection, cache.scope, rows[0].slot, end) if rows else []
    if not rows and symbol not in newest.by_symbol:
        raise HTTPException(404, f"no figures of {symbol!r} in scope {cache.scope!r} in that time")
    return SeriesRecord(
        symbol=symbol,
        since=start,
        until=end,
        points=Points.of(rows),
        overrides=[OverridePeriodRecord.of(period) for period in overridden],
        gaps=missing,
        thresholds=thresholds,
    )


def _slots_without_run(connection: Connection, scope: str, since: datetime, until: datetime) -> list[datetime]:
    newest_first = gaps(connection, scope, PageBounds(since=since, until=until, limit=_GAP_LIMIT))
    return [gap.slot for gap in reversed(newest_first)]


def _thresholds(connection: Connection, run_id: int | None) -> dict[str, float]:
    """Return the thresholds between qualities and between regimes, by the rules of a run.

    The seed's own if there is no run, or if this program does not have its rules.
    """
    parameters = SEED_THRESHOLDS
    if run_id is not None:
        with suppress(UnknownRuleSetError):
            parameters = rule_set_of_run(connection, run_id).parameters
    regimes = {f"{regime}_atr_ratio": bound for bound, regime in UPPER_BOUNDS}
    return {**{name: getattr(parameters, name) for name in SEED_THRESHOLDS.__slots__}, **regimes}
