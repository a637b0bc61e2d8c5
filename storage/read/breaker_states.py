"""What rule sets with state rested on and remember, and what shadows decided, as rows and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policy import Evidence
from policy.enums import Quality
from policy.fee_gap import FeeGap
from policy.reason_codes import codes_to_text
from policy.rules import Judgement, RuleSet, State
from policy.rules.breaker_state import Breaker
from policy.rules.hysteresis import StableQuality
from policy.streaks import Streak, Streaks
from storage.schema.tables import policy_breaker, policy_run


def shadow_row(run_id: int, rule_set: RuleSet, judgement: Judgement) -> dict[str, Any]:
    """Write what a rule set in the shadow decided for one symbol as a row of policy_shadow."""
    decision = judgement.decision
    return {
        "run_id": run_id,
        "symbol": judgement.evidence.symbol,
        "rule_set": rule_set.name,
        "maker_first": decision.policy.maker_first,
        "taker_bias": decision.policy.taker_bias.value,
        "quality": decision.policy.quality.value,
        "regime": decision.regime.value,
        "reason": decision.policy.reason,
        "codes": codes_to_text(decision.policy.codes),
        "maker_offset_bps": decision.maker_offset_bps,
        "probe_every": decision.probe_every,
    }


def breaker_row(run_id: int, rule_set: RuleSet, judgement: Judgement) -> dict[str, Any]:
    """Write what the breaker rested on and remembers for one symbol as a row of policy_breaker.

    Raises ValueError for a judgement without the order of events: no run is published half measured.
    """
    evidence, streaks = judgement.evidence, judgement.evidence.streaks
    if streaks is None or judgement.after is None:
        raise ValueError(f"{rule_set.name} decided for {evidence.symbol} without the order of events")
    return {
        "run_id": run_id,
        "symbol": evidence.symbol,
        "rule_set": rule_set.name,
        "state_before": judgement.before.to_text() if judgement.before else None,
        **_streak("", streaks.own),
        "reject_streak": streaks.reject_streak,
        **_streak("pool_", streaks.pool),
        "fee_gap_bps": evidence.fee_gap.gap_bps,
        "is_one_tick": evidence.fee_gap.is_one_tick,
        **state_columns(judgement.after),
    }


def _streak(prefix: str, streak: Streak) -> dict[str, Any]:
    return {f"{prefix}{name}": getattr(streak, name) for name in streak.__slots__}


def state_columns(state: State) -> dict[str, Any]:
    """Return what is remembered by the names of its columns."""
    stable = state.stable_quality or StableQuality(quality=Quality.OK, candidate=Quality.OK)
    return {
        "opened_at": state.own.opened_at,
        "restarted_at": state.own.restarted_at,
        "pool_opened_at": state.pool.opened_at,
        "pool_restarted_at": state.pool.restarted_at,
        "stable_quality": stable.quality.value,
        "candidate_quality": stable.candidate.value,
        "candidate_count": stable.candidate_count,
    }


def state_of(row: Any) -> State:
    """Return what a row of policy_breaker says is remembered."""
    return State(
        own=Breaker(opened_at=row.opened_at, restarted_at=row.restarted_at),
        pool=Breaker(opened_at=row.pool_opened_at, restarted_at=row.pool_restarted_at),
        stable_quality=StableQuality(
            quality=Quality(row.stable_quality),
            candidate=Quality(row.candidate_quality),
            candidate_count=row.candidate_count,
        ),
    )


def evidence_with(evidence: Evidence, row: Any, as_of: datetime) -> Evidence:
    """Return the evidence with what a row of policy_breaker adds to it."""
    return Evidence(
        symbol=evidence.symbol,
        effectiveness=evidence.effectiveness,
        volatility=evidence.volatility,
        expectancy=evidence.expectancy,
        fee_gap=FeeGap(gap_bps=row.fee_gap_bps, is_one_tick=row.is_one_tick),
        streaks=Streaks(
            as_of=as_of,
            own=_streak_of(row, ""),
            reject_streak=row.reject_streak,
            pool=_streak_of(row, "pool_"),
        ),
    )


def _streak_of(row: Any, prefix: str) -> Streak:
    return Streak(**{name: getattr(row, f"{prefix}{name}") for name in Streak.__slots__})


def states_before(
    connection: Connection, scope: str, slot: datetime, rule_sets: Sequence[str]
) -> Mapping[str, Mapping[str, State]]:
    """Return, by rule set and symbol, what was remembered at the newest run before a slot in which each took part."""
    return {name: _states_before(connection, scope, slot, name) for name in rule_sets}


def _states_before(connection: Connection, scope: str, slot: datetime, rule_set: str) -> Mapping[str, State]:
    run, breaker = policy_run, policy_breaker
    took_part = select(1).where(breaker.c.run_id == run.c.run_id, breaker.c.rule_set == rule_set).exists()
    newest = select(run.c.run_id).where(run.c.scope == scope, run.c.slot < slot, took_part)
    run_id = connection.scalar(newest.order_by(run.c.slot.desc()).limit(1))
    if run_id is None:
        return {}
    rows = connection.execute(select(breaker).where(breaker.c.run_id == run_id, breaker.c.rule_set == rule_set))
    return {row.symbol: state_of(row) for row in rows}
