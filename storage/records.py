"""Values that the store takes and gives: a run's result, the run as published, policies over time and their changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policy import Evidence, Quality, Regime, TakerBias
from policy.effective import EffectivePolicy
from policy.experiment.experiment import NO_EXPERIMENT, Experiment
from policy.experiment.saving_figure import SavingFigure
from policy.reject import Reject
from policy.rules import Decision, Judgement, RuleSet


class Origin(StrEnum):
    """What started a run: the schedule, a person, or a later computation of past slots."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSaving:
    """What orders with `since <= ts` and before a run's slot saved, of all symbols or of one."""

    since: datetime
    figure: SavingFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run has computed, ready to be published. `sources` is a JSON text without secrets.

    `decisions` are the live rule set's. `judgements` are the same with their states if the live rule set keeps state.
    `shadows` holds what each rule set in the shadow decided. `experiment` decides which orders routers hold out.
    `savings` are those that the runs before it did not find.
    """

    origin: Origin
    rule_set: RuleSet
    engine: str
    code_version: str
    started_at: datetime
    event_count: int
    sources: str
    decisions: tuple[tuple[Evidence, Decision], ...]
    rejects: tuple[Reject, ...]
    judgements: tuple[Judgement, ...] = ()
    shadows: tuple[tuple[RuleSet, tuple[Judgement, ...]], ...] = ()
    savings: tuple[StoredSaving, ...] = ()
    experiment: Experiment = NO_EXPERIMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """A run as it was published; `published_at` is when readers could first see it."""

    run_id: int
    scope: str
    slot: datetime
    origin: Origin
    rule_set: str
    engine: str
    code_version: str
    owner: str
    started_at: datetime
    published_at: datetime
    symbol_count: int
    event_count: int
    reject_count: int
    digest: str
    previous_digest: str

    @property
    def duration_seconds(self) -> float:
        """How long the run took, from its start to its publication."""
        return (self.published_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPeriod:
    """A policy and the time in which it was in force: `valid_from <= t < valid_to`, None for the newest.

    A period begins with a slot, or when an override begins or ends. `origin` is that of the policy's run.
    """

    policy: EffectivePolicy
    valid_from: datetime
    valid_to: datetime | None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A computed decision that differs from the one of the run before, and what that one was; overrides aside."""

    run_id: int
    scope: str
    slot: datetime
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    reason: str
    previous_slot: datetime
    previous_maker_first: bool
    previous_taker_bias: TakerBias
    previous_quality: Quality
    previous_regime: Regime
    previous_reason: str
