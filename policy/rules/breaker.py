"""The rule set `breaker`, version 2: maker first with full patience, until the evidence of an outage is strong.

A circuit breaker: it opens if the sum of the evidence of maker orders reaches a threshold (`policy.outage_evidence`),
lets slivers or single orders through as probes, and closes on filled probes: one, and after each relapse one more.
There is one for each symbol and one for the whole scope; either holds maker orders back.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache

from policy.enums import Quality, Regime
from policy.evidence import Evidence
from policy.fee_gap import FeeGap
from policy.numbers import METRIC_DECIMALS
from policy.offset import maker_offset_bps
from policy.outage_evidence import OutageEvidence, OutageParameters, OutageSums
from policy.quality import survivor_codes
from policy.reason_codes import Code
from policy.regime import judge_regime
from policy.rules.breaker_reason import breaker_sentence
from policy.rules.breaker_shared import (
    SharedParameters,
    act,
    grounds_of_rejects,
    hours_without_probe,
    probe_every,
    with_quality,
)
from policy.rules.breaker_state import Breaker, OpenPeriod, State
from policy.rules.checks import Check, threshold_check
from policy.rules.decision import Decision, RouterPolicy
from policy.rules.routed import DecideOnRoute, Routed
from policy.streaks import Streak, Streaks
from policy.window import OUTCOME_WINDOW

NAME = "breaker"
VERSION = 2
_HOUR = timedelta(hours=1)
_OUTAGE = OutageParameters()
# Parameters that are divisors or arguments of a logarithm, and those that are also less than 1.
ABOVE_0 = ("prior_through_misses", "prior_through_orders", "prior_other_fills", "prior_other_orders", "probe_share")
BETWEEN_0_AND_1 = ("outage_fill_probability", "lowest_through_miss_ratio", "lowest_other_fill_ratio", "highest_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerParameters(SharedParameters):
    """When the breaker opens and closes, and how often an order is posted, beside what both versions share.

    A symbol's breaker opens if its sum is at least `open_sum`, the scope's if the sum of its pool is at least
    `pool_open_sum`. While open, every order rests `probe_share` of its quantity as maker; routers for which that is
    too small probe by `probe_every`. It closes on one filled probe, and if it had opened within `relapse_hours` of
    closing, on one more each time, up to `most_filled_probes`, in a row. `maker_posts` is how many posts the full wait
    is divided into if the fee gap is at least `repost_fee_gap_bps` or the spread is wide. The others are those of
    OutageParameters.
    """

    open_sum: float = 6.0
    pool_open_sum: float = 13.0
    probe_share: float = 0.05
    relapse_hours: float = 24.0
    most_filled_probes: int = 4
    maker_posts: int = 4
    repost_fee_gap_bps: float = 1.7
    outage_fill_probability: float = _OUTAGE.outage_fill_probability
    prior_through_misses: float = _OUTAGE.prior_through_misses
    prior_through_orders: float = _OUTAGE.prior_through_orders
    lowest_through_miss_ratio: float = _OUTAGE.lowest_through_miss_ratio
    prior_other_fills: float = _OUTAGE.prior_other_fills
    prior_other_orders: float = _OUTAGE.prior_other_orders
    lowest_other_fill_ratio: float = _OUTAGE.lowest_other_fill_ratio
    highest_ratio: float = _OUTAGE.highest_ratio


@lru_cache(maxsize=64)
def outage_parameters(parameters: BreakerParameters) -> OutageParameters:
    """Return the parameters by which the evidence of an outage is summed."""
    return OutageParameters(**{field.name: getattr(parameters, field.name) for field in fields(OutageParameters)})


def decide(evidence: Evidence, state: State | None, parameters: BreakerParameters) -> tuple[Decision, State]:
    """Decide for one symbol, and return the state to remember; without the evidence nothing opens or closes."""
    moved, codes = moved_breakers(evidence.streaks, state or State(), parameters, outage_sums(parameters))
    after = with_quality(moved, evidence, parameters)
    routed = act(evidence, after, parameters)
    return decision_of(evidence, after, codes, routed, parameters, breaker_sentence), after


def deciding_on_route(parameters: BreakerParameters) -> DecideOnRoute:
    """Return a function that decides on the route alone: see `RuleSet.deciding_on_route`."""
    sums = outage_sums(parameters)

    def decide_on_route(evidence: Evidence, state: State | None) -> tuple[Routed, State]:
        after, _ = moved_breakers(evidence.streaks, state or State(), parameters, sums)
        return act(evidence, after, parameters), after

    return decide_on_route


@lru_cache(maxsize=64)
def outage_sums(parameters: BreakerParameters) -> OutageSums:
    """Return what sums the evidence of an outage by these parameters."""
    return OutageSums(outage_parameters(parameters))


def decision_of(
    evidence: Evidence,
    after: State,
    breaker_codes: tuple[Code, ...],
    routed: Routed,
    parameters: BreakerParameters,
    sentence: Callable[[State, tuple[Code, ...], Regime], str],
) -> Decision:
    """Return the decision that sends orders as `routed` states, with every code and the sentence that these give."""
    regime, regime_codes = judge_regime(evidence.volatility, parameters.max_bar_age_seconds)
    maker_first, taker_bias, act_codes = routed
    maker_posts, post_codes = _maker_posts(evidence.fee_gap, parameters)
    codes = breaker_codes + act_codes + (post_codes if maker_first else ())
    codes += survivor_codes(evidence.effectiveness) + regime_codes
    return Decision(
        policy=RouterPolicy(
            maker_first=maker_first,
            taker_bias=taker_bias,
            quality=after.stable_quality.quality if after.stable_quality else Quality.OK,
            reason=sentence(after, codes, regime),
            codes=codes,
        ),
        regime=regime,
        maker_offset_bps=maker_offset_bps(evidence, regime),
        probe_every=probe_every(evidence.streaks, after, parameters),
        maker_posts=maker_posts,
        probe_share=parameters.probe_share if after.is_open else None,
    )


def moved_breakers(
    streaks: Streaks | None, before: State, parameters: BreakerParameters, sums: OutageSums
) -> tuple[State, tuple[Code, ...]]:
    """Open or close each breaker, the symbol's and the scope's, one step per run; the codes are what decided."""
    if streaks is None or streaks.own_outage is None or streaks.pool_outage is None:
        return before, (Code(code="outage_evidence_missing"),)
    own_sum, pool_sum = sums.own(streaks.own_outage), sums.pool(streaks.pool_outage)
    own_grounds = _grounds_of_outage("own", streaks.own_outage, own_sum, parameters.open_sum)
    own_grounds += grounds_of_rejects(streaks, parameters)
    pool_grounds = _grounds_of_outage("pool", streaks.pool_outage, pool_sum, parameters.pool_open_sum)
    own, own_codes = _step("own", before.own, streaks.own_outage, own_grounds, streaks.as_of, parameters)
    pool, pool_codes = _step("pool", before.pool, streaks.pool_outage, pool_grounds, streaks.as_of, parameters)
    return before.with_breakers(own, pool), own_codes + pool_codes


def _grounds_of_outage(which: str, outage: OutageEvidence, total: float | None, threshold: float) -> tuple[Code, ...]:
    """Return what speaks for opening: the sum, and the misses among the newest orders; empty below the threshold."""
    if total is None or total < threshold:
        return ()
    misses = [order for order in outage.newest_orders if not order.is_filled]
    through_count = sum(order.went_through is True for order in misses)
    return (
        Code(code=f"{which}_outage_sum", value=total, threshold=threshold),
        Code(code=f"{which}_newest_orders", value=len(outage.newest_orders)),
        Code(code=f"{which}_traded_through_misses", value=through_count),
        Code(code=f"{which}_other_misses", value=len(misses) - through_count),
    )


def _step(
    which: str,
    before: Breaker,
    outage: OutageEvidence,
    grounds: tuple[Code, ...],
    as_of: datetime,
    parameters: BreakerParameters,
) -> tuple[Breaker, tuple[Code, ...]]:
    if before.opened_at is None:
        if not grounds:
            return before, ()
        opened = replace(before, opened_at=as_of, relapse_count=_relapse_count(before, as_of, parameters))
        return opened, (Code(code=f"{which}_opened"), *grounds)
    needed = _filled_probes_needed(before, parameters)
    if outage.filled_probe_streak >= needed:
        code = Code(code=f"{which}_closed_by_probe", value=outage.filled_probe_streak, threshold=needed)
        return _closed(before, before.opened_at, as_of), (code,)
    return before, (Code(code=f"{which}_open"), *grounds)


def _relapse_count(before: Breaker, as_of: datetime, parameters: BreakerParameters) -> int:
    """Return how many times in a row the breaker has opened again soon after it had closed."""
    is_soon = before.restarted_at is not None and as_of - before.restarted_at <= parameters.relapse_hours * _HOUR
    return before.relapse_count + 1 if is_soon else 0


def _filled_probes_needed(breaker: Breaker, parameters: BreakerParameters) -> int:
    return min(1 + breaker.relapse_count, parameters.most_filled_probes)


def _closed(before: Breaker, opened_at: datetime, as_of: datetime) -> Breaker:
    recent = tuple(period for period in before.open_periods if period.closed_at > as_of - OUTCOME_WINDOW)
    return Breaker(
        restarted_at=as_of,
        relapse_count=before.relapse_count,
        open_periods=(*recent, OpenPeriod(opened_at=opened_at, closed_at=as_of)),
    )


def _maker_posts(fee_gap: FeeGap, parameters: BreakerParameters) -> tuple[int, tuple[Code, ...]]:
    """Return how many posts the full wait is divided into, and why if it is more than one.

    Posting again fills more orders as maker, at worse prices: it saves if a maker fill saves enough of the fees, or if
    crossing a wide spread costs more.
    """
    gap_bps = fee_gap.gap_bps
    if gap_bps is not None and gap_bps >= parameters.repost_fee_gap_bps:
        return parameters.maker_posts, (
            Code(code="reposts_by_fee_gap", value=gap_bps, threshold=parameters.repost_fee_gap_bps),
        )
    if fee_gap.is_one_tick is False:
        return parameters.maker_posts, (Code(code="reposts_on_wide_spread"),)
    return 1, ()


def explain(evidence: Evidence, state: State | None, parameters: BreakerParameters) -> tuple[Check, ...]:
    """Return every comparison that may have opened or closed a breaker, given the state before."""
    streaks, before = evidence.streaks, state or State()
    if streaks is None or streaks.own_outage is None or streaks.pool_outage is None:
        return ()
    own, pool = streaks.own_outage, streaks.pool_outage
    return (
        *_opening("own opens", "outage_sum", own, parameters.open_sum, parameters),
        threshold_check("own opens", "reject_streak", streaks.reject_streak, ">=", parameters.open_reject_streak),
        *_opening("pool opens", "pool_outage_sum", pool, parameters.pool_open_sum, parameters),
        *_closing("own closes", before.own, streaks.own, own, streaks.as_of, parameters),
        *_closing("pool closes", before.pool, streaks.pool, pool, streaks.as_of, parameters),
    )


def _opening(
    rule: str, figure: str, outage: OutageEvidence, threshold: float, parameters: BreakerParameters
) -> tuple[Check, ...]:
    total = outage.outage_sum(outage_parameters(parameters))
    if total is None:
        return (Check(rule=rule, figure=figure, value=None, sign=">=", threshold=threshold, holds=None),)
    return (threshold_check(rule, figure, total, ">=", threshold),)


def _closing(
    rule: str,
    before: Breaker,
    streak: Streak,
    outage: OutageEvidence,
    as_of: datetime,
    parameters: BreakerParameters,
) -> tuple[Check, ...]:
    if before.opened_at is None:
        return ()
    needed = _filled_probes_needed(before, parameters)
    hours = round(hours_without_probe(before, streak, as_of), METRIC_DECIMALS)
    return (
        threshold_check(rule, "filled_probes", outage.filled_probe_streak, ">=", needed),
        threshold_check("all may probe", "idle_hours", hours, ">=", parameters.probe_after_hours),
    )
