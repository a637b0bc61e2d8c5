"""What a run decided, as rows of its tables."""

from typing import Any

from policy import Effectiveness, Evidence, Expectancy, Volatility
from policy.cost_text import cost_to_text
from policy.enums import Quality
from policy.experiment.experiment import Holdout
from policy.experiment.saving_figure import SavingFigure
from policy.outage_evidence import OutageEvidence
from policy.outage_text import outage_to_text
from policy.reason_codes import codes_to_text
from policy.rules import Decision, Judgement, RuleSet, State
from policy.rules.breaker_state import open_periods_to_text
from policy.rules.hysteresis import StableQuality
from policy.streaks import Streak
from storage.records import RunResult
from storage.write.leases import Lease

Row = dict[str, Any]


def snapshot_rows(run_id: int, lease: Lease, result: RunResult) -> list[Row]:
    """Return the live rule set's decisions as rows of policy_snapshot."""
    run = {"run_id": run_id, "scope": lease.scope, "slot": lease.slot}
    return [
        {
            **run,
            **evidence_columns(evidence),
            **decision_columns(decision, result.rule_set),
            **_holdout_columns(result.experiment.holdout(decision)),
        }
        for evidence, decision in result.decisions
    ]


def reject_rows(run_id: int, result: RunResult) -> list[Row]:
    """Return what the run could not use as rows of policy_reject."""
    return [
        {
            "run_id": run_id,
            "source": reject.source,
            "reason": reject.reason,
            "reject_count": reject.reject_count,
            "sample": reject.sample,
        }
        for reject in result.rejects
    ]


def shadow_rows(run_id: int, result: RunResult) -> list[Row]:
    """Return what each rule set in the shadow decided as rows of policy_shadow."""
    return [
        {
            "run_id": run_id,
            "symbol": judgement.evidence.symbol,
            **decision_columns(judgement.decision, rule_set),
        }
        for rule_set, judgements in result.shadows
        for judgement in judgements
    ]


def saving_rows(run_id: int, lease: Lease, result: RunResult) -> list[Row]:
    """Return what the run found of savings and the runs before it did not, as rows of policy_saving."""
    run = {"run_id": run_id, "scope": lease.scope, "slot": lease.slot}
    return [{**run, "since": saving.since, **_saving_columns(saving.figure)} for saving in result.savings]


def _saving_columns(figure: SavingFigure) -> Row:
    columns: Row = {name: getattr(figure, name) for name in figure.__slots__}
    return {**columns, "comparison": figure.comparison.value}


def breaker_rows(run_id: int, result: RunResult) -> list[Row]:
    """Return what breakers rested on and remember, live and in the shadow, as rows of policy_breaker.

    Raises ValueError for a judgement without the order of events: no run is published half measured.
    """
    return [
        _breaker_row(run_id, rule_set, judgement)
        for rule_set, judgements in ((result.rule_set, result.judgements), *result.shadows)
        for judgement in judgements
        if rule_set.has_state
    ]


def _breaker_row(run_id: int, rule_set: RuleSet, judgement: Judgement) -> Row:
    evidence, streaks = judgement.evidence, judgement.evidence.streaks
    if streaks is None or judgement.after is None:
        raise ValueError(f"{rule_set.name} decided for {evidence.symbol} without the order of events")
    return {
        "run_id": run_id,
        "symbol": evidence.symbol,
        "rule_set": rule_set.name,
        "state_before": judgement.before.to_text() if judgement.before else None,
        **_streak_columns("", streaks.own),
        "reject_streak": streaks.reject_streak,
        **_streak_columns("pool_", streaks.pool),
        "fee_gap_bps": evidence.fee_gap.gap_bps,
        "is_one_tick": evidence.fee_gap.is_one_tick,
        **state_columns(judgement.after),
        "outage_evidence": _outage_text(streaks.own_outage),
        "pool_outage_evidence": _outage_text(streaks.pool_outage),
        "cost_evidence": cost_to_text(evidence.cost.own) if evidence.cost else None,
        "pool_cost_evidence": cost_to_text(evidence.cost.pool) if evidence.cost else None,
    }


def state_columns(state: State) -> Row:
    """Return what a rule set remembers after a run, by the columns of policy_breaker."""
    stable = state.stable_quality or StableQuality(quality=Quality.OK, candidate=Quality.OK)
    return {
        "opened_at": state.own.opened_at,
        "restarted_at": state.own.restarted_at,
        "pool_opened_at": state.pool.opened_at,
        "pool_restarted_at": state.pool.restarted_at,
        "stable_quality": stable.quality.value,
        "candidate_quality": stable.candidate.value,
        "candidate_count": stable.candidate_count,
        "relapse_count": state.own.relapse_count or None,
        "pool_relapse_count": state.pool.relapse_count or None,
        "open_periods": open_periods_to_text(state.own.open_periods),
        "pool_open_periods": open_periods_to_text(state.pool.open_periods),
        "cost_route": state.cost_route.value if state.cost_route else None,
    }


def _outage_text(outage: OutageEvidence | None) -> str | None:
    return outage_to_text(outage) if outage is not None else None


def decision_columns(decision: Decision, rule_set: RuleSet) -> Row:
    """Return a decision by the columns of policy_snapshot; the codes are JSON."""
    policy = decision.policy
    return {
        "rule_set": rule_set.name,
        "maker_first": policy.maker_first,
        "taker_bias": policy.taker_bias.value,
        "quality": policy.quality.value,
        "regime": decision.regime.value,
        "reason": policy.reason,
        "codes": codes_to_text(policy.codes),
        "maker_offset_bps": decision.maker_offset_bps,
        "probe_every": decision.probe_every,
        "maker_posts": decision.maker_posts,
        "probe_share": decision.probe_share,
    }


def _holdout_columns(holdout: Holdout | None) -> Row:
    return {
        "holdout_share": None if holdout is None else holdout.share,
        "holdout_salt": None if holdout is None else holdout.salt,
    }


def evidence_columns(evidence: Evidence) -> Row:
    """Return what was measured for a symbol by the columns of policy_snapshot."""
    return {
        "symbol": evidence.symbol,
        **_columns(evidence.effectiveness),
        **_columns(evidence.volatility),
        **_columns(evidence.expectancy),
    }


def _columns(part: Effectiveness | Volatility | Expectancy) -> Row:
    """Return a part's fields by name; `asdict` would copy each number on the way and take five times as long."""
    return {name: getattr(part, name) for name in part.__slots__}


def _streak_columns(prefix: str, streak: Streak) -> Row:
    return {f"{prefix}{name}": getattr(streak, name) for name in streak.__slots__}
