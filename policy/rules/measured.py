"""The rule set `measured`: the way that costs less by the evidence of one's own orders, with `breaker` underneath.

While no breaker is open, a symbol goes straight to taker only if the evidence shows that maker orders cost more, and
back if it shows that they cost less. Evidence that is not clear leaves it as it was. Before there is any, the fee gap
decides: taker only if maker orders lose even if they fill at their limit. A few orders go the other way by chance, for
the evidence of both ways.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from policy.enums import TakerBias
from policy.evidence import Evidence
from policy.maker_cost import LEAST_TAKER_ORDERS, CostEstimate, CostEvidence, CostParameters, CostRoute, estimated
from policy.reason_codes import Code
from policy.rules import breaker
from policy.rules.breaker_shared import act, maker_first, with_quality
from policy.rules.breaker_state import State
from policy.rules.checks import Check, threshold_check
from policy.rules.decision import Decision
from policy.rules.measured_reason import measured_sentence
from policy.rules.routed import DecideOnRoute, Routed

NAME = "measured"
VERSION = 1
_COST = CostParameters()
COST_ABOVE_0 = ("cost_clip_bps",)
HOLDOUT_SHARES = ("holdout_while_maker", "holdout_while_taker")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredParameters(breaker.BreakerParameters):
    """What counts as evidence of costs, and the shares of orders that go the other way.

    The evidence are the orders of the last `cost_days`, each clipped to `cost_clip_bps`. A symbol's own evidence counts
    from `least_own_orders` maker orders on, that of all symbols together from `least_pool_orders` on. Of the orders,
    `holdout_while_maker` go straight to taker while the policy is maker, and `holdout_while_taker` go maker first while
    it is taker; none while a breaker is open. A fee gap below `losing_fee_gap_bps` loses on a market of one tick's
    spread even if orders fill at their limit: the smallest gap that broke even in any of eight markets. The others are
    those of BreakerParameters.
    """

    act_on_fee_gap: bool = True
    losing_fee_gap_bps: float = -0.1
    cost_days: int = _COST.days
    cost_clip_bps: float = _COST.clip_bps
    least_own_orders: int = 50
    least_pool_orders: int = 100
    holdout_while_maker: float = 0.005
    holdout_while_taker: float = 0.05


@lru_cache(maxsize=64)
def cost_parameters(parameters: MeasuredParameters) -> CostParameters:
    """Return the parameters by which the evidence of costs is measured."""
    return CostParameters(**{field.name: getattr(parameters, f"cost_{field.name}") for field in fields(CostParameters)})


def stored_cost_parameters(stored: Mapping[str, Any]) -> CostParameters:
    """Return the parameters by which the costs of a run were measured, from the parameters that it stored."""
    return CostParameters(**{field.name: stored[f"cost_{field.name}"] for field in fields(CostParameters)})


def decide(evidence: Evidence, state: State | None, parameters: MeasuredParameters) -> tuple[Decision, State]:
    """Decide for one symbol, and return the state to remember."""
    before = state or State()
    moved, breaker_codes = breaker.moved_breakers(evidence.streaks, before, parameters, breaker.outage_sums(parameters))
    cost_route, cost_codes = _cost_route(evidence, before.cost_route, parameters)
    after = replace(with_quality(moved, evidence, parameters), cost_route=cost_route)
    routed = _routed(evidence, after, cost_codes, parameters)
    decision = breaker.decision_of(evidence, after, breaker_codes, routed, parameters, measured_sentence)
    return replace(decision, holdout_share=_holdout_share(decision, after, parameters)), after


def deciding_on_route(parameters: MeasuredParameters) -> DecideOnRoute:
    """Return a function that decides on the route alone: see `RuleSet.deciding_on_route`."""
    sums = breaker.outage_sums(parameters)

    def decide_on_route(evidence: Evidence, state: State | None) -> tuple[Routed, State]:
        before = state or State()
        moved, _ = breaker.moved_breakers(evidence.streaks, before, parameters, sums)
        cost_route, cost_codes = _cost_route(evidence, before.cost_route, parameters)
        after = moved if cost_route is moved.cost_route else replace(moved, cost_route=cost_route)
        return _routed(evidence, after, cost_codes, parameters), after

    return decide_on_route


def _routed(evidence: Evidence, after: State, cost_codes: tuple[Code, ...], parameters: MeasuredParameters) -> Routed:
    """Return what an open breaker decides, else the evidence of costs, else the fee gap."""
    if after.is_open or after.cost_route is None:
        is_maker, bias, codes = act(evidence, after, parameters)
    elif after.cost_route is CostRoute.TAKER:
        is_maker, bias, codes = False, TakerBias.PREFER_TAKER, ()
    else:
        is_maker, bias, codes = maker_first(evidence.volatility, parameters)
    return is_maker, bias, cost_codes + codes


def _holdout_share(decision: Decision, after: State, parameters: MeasuredParameters) -> float | None:
    if after.is_open:
        return None
    return parameters.holdout_while_maker if decision.policy.maker_first else parameters.holdout_while_taker


def _cost_route(
    evidence: Evidence, before: CostRoute | None, parameters: MeasuredParameters
) -> tuple[CostRoute | None, tuple[Code, ...]]:
    """Return the way that costs less: by the symbol's own evidence, else the pool's, else as before; and the codes.

    Without enough orders of either, nothing is remembered: evidence that has left its days decides nothing.
    """
    if evidence.cost is None:
        return before, (Code(code="maker_cost_missing"),)
    if evidence.fee_gap.gap_bps is None:
        return None, (Code(code="fee_gap_missing"),)
    codes: list[Code] = []
    is_kept = False
    for which, least in _levels(parameters):
        estimate = _estimate(which, evidence.cost)
        if estimate is None or estimate.order_count < least:
            count = estimate.order_count if estimate else 0
            codes.append(Code(code=f"{which}_cost_orders", value=count, threshold=least))
            continue
        codes.append(_verdict(which, estimate))
        if estimate.route is not None:
            return estimate.route, tuple(codes)
        is_kept = True
    if not is_kept or before is None:
        return None, tuple(codes)
    return before, (*codes, Code(code=f"kept_{before}"))


def _levels(parameters: MeasuredParameters) -> tuple[tuple[str, int], ...]:
    return ("own", parameters.least_own_orders), ("pool", parameters.least_pool_orders)


def _estimate(which: str, cost: CostEvidence) -> CostEstimate | None:
    """Return the estimate of the symbol or of the pool; a symbol with few taker orders takes those of the pool."""
    level = cost.own if which == "own" else cost.pool
    has_takers = level.taker.order_count >= LEAST_TAKER_ORDERS
    return estimated(level.maker, level.taker if has_takers else cost.pool.taker)


_VERDICTS = {CostRoute.TAKER: "costs_more", CostRoute.MAKER: "costs_less", None: "cost_unclear"}


def _verdict(which: str, estimate: CostEstimate) -> Code:
    return Code(
        code=f"{which}_maker_{_VERDICTS[estimate.route]}", value=estimate.mean_bps, threshold=estimate.margin_bps
    )


def explain(evidence: Evidence, state: State | None, parameters: MeasuredParameters) -> tuple[Check, ...]:
    """Return every comparison that may have opened or closed a breaker, or turned a symbol to either way.

    Evidence of too few orders is not judged, nor is what comes after evidence that is clear.
    """
    before = (state or State()).cost_route
    cost_checks = (*_cost_checks(evidence, parameters), *_fee_gap_checks(evidence, before, parameters))
    return (*breaker.explain(evidence, state, parameters), *cost_checks)


def _cost_checks(evidence: Evidence, parameters: MeasuredParameters) -> tuple[Check, ...]:
    if evidence.cost is None or evidence.fee_gap.gap_bps is None:
        return ()
    checks: list[Check] = []
    is_clear = False
    for which, least in _levels(parameters):
        estimate = _estimate(which, evidence.cost)
        count = estimate.order_count if estimate else 0
        checks.append(threshold_check(f"{which} counts", "maker_orders", count, ">=", least))
        if estimate is not None:
            is_judged = count >= least and not is_clear
            checks.extend(_route_checks(which, estimate, is_judged=is_judged))
            is_clear = is_clear or (is_judged and estimate.route is not None)
    return tuple(checks)


def _route_checks(which: str, estimate: CostEstimate, *, is_judged: bool) -> tuple[Check, ...]:
    mean, margin = estimate.mean_bps, estimate.margin_bps
    checks = (
        threshold_check(f"{which} to taker", "maker_cost_bps", mean, ">=", margin),
        threshold_check(f"{which} to maker", "maker_cost_bps", mean, "<=", -margin),
    )
    return checks if is_judged else tuple(replace(check, holds=None) for check in checks)


def _fee_gap_checks(evidence: Evidence, before: CostRoute | None, parameters: MeasuredParameters) -> tuple[Check, ...]:
    """Return the comparison that decides before there is evidence; it is judged on a market of one tick's spread."""
    gap_bps, losing_bps = evidence.fee_gap.gap_bps, parameters.losing_fee_gap_bps
    if gap_bps is None or not parameters.act_on_fee_gap:
        return ()
    is_judged = evidence.fee_gap.is_one_tick and _cost_route(evidence, before, parameters)[0] is None
    holds = gap_bps < losing_bps if is_judged else None
    return (
        Check(rule="gap to taker", figure="fee_gap_bps", value=gap_bps, sign="<", threshold=losing_bps, holds=holds),
    )
