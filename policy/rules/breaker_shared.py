"""What both versions of the rule set `breaker` share: probes, rejects, the shown quality, and the act while closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.enums import Quality, Regime, TakerBias
from policy.evidence import Evidence, Volatility
from policy.quality import QualityThresholds
from policy.reason_codes import Code
from policy.regime import judge_regime
from policy.rules.breaker_state import Breaker, State
from policy.rules.hysteresis import StableQuality, candidate_quality
from policy.rules.routed import Routed
from policy.streaks import Streak, Streaks

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedParameters(QualityThresholds):
    """How a breaker probes, when rejects open it, and when the shown quality changes.

    It opens after `open_reject_streak` rejects in a row. While open, every `probe_every`th order may probe, and any
    order once `probe_after_hours` have passed without a probe. `low_variance` waits less in panic: outcomes vary less,
    at a cost. `act_on_fee_gap` crosses at once on a market of one tick's spread if the taker fee is less than
    `losing_fee_gap_bps` above the maker fee.
    """

    max_bar_age_seconds: float | None = None
    open_reject_streak: int = 2
    probe_every: int = 5
    probe_after_hours: float = 4.0
    min_attempts: int = 20
    wilson_z: float = 1.28
    hysteresis_runs: int = 3
    low_variance: bool = False
    act_on_fee_gap: bool = False
    losing_fee_gap_bps: float = 0.5


def grounds_of_rejects(streaks: Streaks, parameters: SharedParameters) -> tuple[Code, ...]:
    """Return what speaks for opening the symbol's breaker if the venue rejected enough orders in a row."""
    if streaks.reject_streak < parameters.open_reject_streak:
        return ()
    return (Code(code="reject_streak", value=streaks.reject_streak, threshold=parameters.open_reject_streak),)


def with_quality(moved: State, evidence: Evidence, parameters: SharedParameters) -> State:
    """Return the state whose breakers have moved, with the quality that is shown after one more run."""
    return State(
        own=moved.own, pool=moved.pool, stable_quality=_stable_quality(evidence, moved.stable_quality, parameters)
    )


def _stable_quality(evidence: Evidence, before: StableQuality | None, parameters: SharedParameters) -> StableQuality:
    """Return the quality after one more run; a good one ends at once if the fill ratio leaves out misses."""
    measured = candidate_quality(evidence.effectiveness, parameters, parameters.min_attempts, parameters.wilson_z)
    is_disproved = before is not None and before.quality is Quality.GOOD and evidence.effectiveness.survivor_count
    if before is None or is_disproved:
        return StableQuality(quality=measured, candidate=measured)
    return before.after(measured, parameters.hysteresis_runs)


def act(evidence: Evidence, state: State, parameters: SharedParameters) -> Routed:
    """Return whether to try maker first, how long to wait, and the codes of what decided it beside the breakers."""
    if state.is_open:
        return False, TakerBias.PREFER_TAKER, ()
    gap_bps = evidence.fee_gap.gap_bps if evidence.fee_gap.is_one_tick else None
    if parameters.act_on_fee_gap and gap_bps is not None and gap_bps < parameters.losing_fee_gap_bps:
        code = Code(code="fee_gap_loses", value=gap_bps, threshold=parameters.losing_fee_gap_bps)
        return False, TakerBias.PREFER_TAKER, (code,)
    return maker_first(evidence.volatility, parameters)


def maker_first(volatility: Volatility, parameters: SharedParameters) -> Routed:
    """Return how long to wait if the order is to be posted."""
    if parameters.low_variance and judge_regime(volatility, parameters.max_bar_age_seconds)[0] is Regime.PANIC:
        return True, TakerBias.PREFER_TAKER, (Code(code="low_variance_in_panic"),)
    return True, TakerBias.PREFER_MAKER, ()


def probe_every(streaks: Streaks | None, state: State, parameters: SharedParameters) -> int | None:
    """Return N if every Nth order may probe, 1 if it is too long since the last probe, None while closed."""
    if not state.is_open:
        return None
    if streaks is None:
        return parameters.probe_every
    hours = (
        hours_without_probe(state.own, streaks.own, streaks.as_of),
        hours_without_probe(state.pool, streaks.pool, streaks.as_of),
    )
    return 1 if max(hours) >= parameters.probe_after_hours else parameters.probe_every


def hours_without_probe(breaker: Breaker, streak: Streak, as_of: datetime) -> float:
    """Return the hours since the last probe, or since the breaker opened if that was later; 0 while it is closed."""
    if breaker.opened_at is None:
        return 0.0
    return (as_of - max(breaker.opened_at, streak.last_probe_at or breaker.opened_at)) / _HOUR
