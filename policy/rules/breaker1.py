"""The rule set `breaker1`: version 1 of the breaker, which opens on a streak of misses too long to be chance.

Maker first with full patience until then. A circuit breaker: it opens on evidence of an outage, lets single orders
through as probes, and closes on the first that fills. There is one for each symbol and one for the whole scope; either
holds maker orders back. With these bounds it lost nothing on real candles without outages, and detected simulated
outages. Stores from before version 2 have it under the name `breaker`.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from policy.enums import Quality
from policy.evidence import Evidence
from policy.numbers import METRIC_DECIMALS
from policy.offset import maker_offset_bps
from policy.quality import survivor_codes
from policy.reason_codes import Code
from policy.regime import judge_regime
from policy.rules.breaker1_reason import breaker1_sentence
from policy.rules.breaker_shared import (
    SharedParameters,
    act,
    grounds_of_rejects,
    hours_without_probe,
    probe_every,
    with_quality,
)
from policy.rules.breaker_state import Breaker, State
from policy.rules.checks import Check, threshold_check
from policy.rules.decision import Decision, RouterPolicy
from policy.rules.routed import DecideOnRoute, Routed
from policy.streaks import Streak, Streaks

NAME = "breaker1"
VERSION = 1
DIVISORS = ("prior_starts",)  # the only divisor for a symbol without a maker start


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker1Parameters(SharedParameters):
    """When the breaker opens by a streak of misses, beside the parameters that both versions share.

    It opens when the symbol's own miss ratio to the power of its streak of misses is at most `open_probability`, the
    streak being `min_miss_streak` or longer, after `open_reject_streak` rejects in a row, and for all symbols if the
    same of the scope is at most `pool_probability`. The miss ratio has `prior_misses` of `prior_starts` added and
    lies between its two bounds.
    """

    open_probability: float = 0.001
    min_miss_streak: int = 3
    pool_probability: float = 0.0001
    prior_misses: float = 3.0
    prior_starts: float = 6.0
    lowest_miss_ratio: float = 0.1
    highest_miss_ratio: float = 0.8


def decide(evidence: Evidence, state: State | None, parameters: Breaker1Parameters) -> tuple[Decision, State]:
    """Decide for one symbol, and return the state to remember; without streaks nothing opens or closes."""
    moved, codes = _moved(evidence.streaks, state or State(), parameters)
    after = with_quality(moved, evidence, parameters)
    regime, regime_codes = judge_regime(evidence.volatility, parameters.max_bar_age_seconds)
    maker_first, taker_bias, table_codes = act(evidence, after, parameters)
    quality = after.stable_quality.quality if after.stable_quality else Quality.OK
    codes = codes + table_codes + survivor_codes(evidence.effectiveness) + regime_codes
    return (
        Decision(
            policy=RouterPolicy(
                maker_first=maker_first,
                taker_bias=taker_bias,
                quality=quality,
                reason=breaker1_sentence(after, codes, regime),
                codes=codes,
            ),
            regime=regime,
            maker_offset_bps=maker_offset_bps(evidence, regime),
            probe_every=probe_every(evidence.streaks, after, parameters),
        ),
        after,
    )


def deciding_on_route(parameters: Breaker1Parameters) -> DecideOnRoute:
    """Return a function that decides on the route alone: see `RuleSet.deciding_on_route`."""

    def decide_on_route(evidence: Evidence, state: State | None) -> tuple[Routed, State]:
        after, _ = _moved(evidence.streaks, state or State(), parameters)
        return act(evidence, after, parameters), after

    return decide_on_route


def _moved(streaks: Streaks | None, before: State, parameters: Breaker1Parameters) -> tuple[State, tuple[Code, ...]]:
    """Open or close each breaker, the symbol's and the scope's, one step per run; the codes are what decided."""
    if streaks is None:
        return before, (Code(code="streaks_missing"),)
    own_grounds = _grounds_of_misses("own", streaks.own, parameters.open_probability, parameters)
    own_grounds += grounds_of_rejects(streaks, parameters)
    pool_grounds = _grounds_of_misses("pool", streaks.pool, parameters.pool_probability, parameters)
    own, own_codes = _step("own", before.own, streaks.own, own_grounds, streaks.as_of)
    pool, pool_codes = _step("pool", before.pool, streaks.pool, pool_grounds, streaks.as_of)
    return before.with_breakers(own, pool), own_codes + pool_codes


def miss_ratio(streak: Streak, parameters: Breaker1Parameters) -> float:
    """Return how likely a maker order is to miss, by those before the streak of misses, rounded to 9 decimals."""
    ratio = (streak.miss_count + parameters.prior_misses) / (streak.start_count + parameters.prior_starts)
    return round(min(parameters.highest_miss_ratio, max(parameters.lowest_miss_ratio, ratio)), METRIC_DECIMALS)


def streak_probability(streak: Streak, parameters: Breaker1Parameters) -> float:
    """Return the probability of the streak of misses, were each as likely as before, rounded to 9 decimals."""
    return round(miss_ratio(streak, parameters) ** streak.miss_streak, METRIC_DECIMALS)


def _grounds_of_misses(which: str, streak: Streak, bound: float, parameters: Breaker1Parameters) -> tuple[Code, ...]:
    """Return what speaks for opening; empty if the streak may be chance."""
    if streak.miss_streak < parameters.min_miss_streak:
        return ()
    probability = streak_probability(streak, parameters)
    if probability > bound:
        return ()
    return (
        Code(code=f"{which}_miss_streak", value=streak.miss_streak, threshold=parameters.min_miss_streak),
        Code(code=f"{which}_miss_ratio", value=miss_ratio(streak, parameters)),
        Code(code=f"{which}_miss_streak_probability", value=probability, threshold=bound),
    )


def _step(
    which: str, before: Breaker, streak: Streak, grounds: tuple[Code, ...], as_of: datetime
) -> tuple[Breaker, tuple[Code, ...]]:
    if before.opened_at is None:
        if not grounds:
            return before, ()
        return replace(before, opened_at=as_of), (Code(code=f"{which}_opened"), *grounds)
    if streak.probe_filled_count >= 1:
        closed = Code(code=f"{which}_closed_by_probe", value=streak.probe_filled_count, threshold=1)
        return Breaker(opened_at=None, restarted_at=as_of), (closed,)
    return before, (Code(code=f"{which}_open"), *grounds)


def explain(evidence: Evidence, state: State | None, parameters: Breaker1Parameters) -> tuple[Check, ...]:
    """Return every comparison that may have opened or closed a breaker, given the state before."""
    streaks, before = evidence.streaks, state or State()
    if streaks is None:
        return ()
    own, pool = streaks.own, streaks.pool
    return (
        threshold_check("own opens", "miss_streak", own.miss_streak, ">=", parameters.min_miss_streak),
        threshold_check(
            "own opens", "probability", streak_probability(own, parameters), "<=", parameters.open_probability
        ),
        threshold_check("own opens", "reject_streak", streaks.reject_streak, ">=", parameters.open_reject_streak),
        threshold_check("pool opens", "pool_miss_streak", pool.miss_streak, ">=", parameters.min_miss_streak),
        threshold_check(
            "pool opens", "probability", streak_probability(pool, parameters), "<=", parameters.pool_probability
        ),
        *_closing("own closes", before.own, own, streaks.as_of, parameters),
        *_closing("pool closes", before.pool, pool, streaks.as_of, parameters),
    )


def _closing(
    rule: str, before: Breaker, streak: Streak, as_of: datetime, parameters: Breaker1Parameters
) -> tuple[Check, ...]:
    if before.opened_at is None:
        return ()
    hours = round(hours_without_probe(before, streak, as_of), METRIC_DECIMALS)
    return (
        threshold_check(rule, "filled_probes", streak.probe_filled_count, ">=", 1),
        threshold_check("all may probe", "idle_hours", hours, ">=", parameters.probe_after_hours),
    )
