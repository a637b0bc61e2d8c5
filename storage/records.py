"""What is written to the store and read back: runs, snapshots and rejected rows as values."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import RowMapping

from policy import Code, Effectiveness, Evidence, Expectancy, Quality, Regime, TakerBias, Volatility
from policy.reason_codes import codes_from_text, codes_to_text
from policy.rules import Decision, Judgement, RuleSet


class Origin(StrEnum):
    """What made a run: the schedule, a person, or a later computation of past slots."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Rows of one source that were not used, for one reason; `sample` says where one of them is."""

    source: str
    reason: str
    reject_count: int
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run has computed, ready to be published. `sources` is a JSON text without secrets.

    `decisions` are the live rule set's; `judgements` have, of a live rule set that remembers something, what it
    remembers, and `shadows` what each rule set in its shadow decided.
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
    started_at: datetime
    published_at: datetime
    symbol_count: int
    event_count: int
    reject_count: int
    digest: str
    previous_digest: str

    @classmethod
    def from_row(cls, row: RowMapping) -> Self:
        """Read a row of policy_run."""
        values = {field.name: row[field.name] for field in fields(cls)}
        return cls(**{**values, "origin": Origin(row["origin"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The policy for one symbol as of one slot, with every figure that it was decided on."""

    run_id: int
    scope: str
    slot: datetime
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    reason: str
    codes: tuple[Code, ...]
    maker_fill_ratio: float | None
    fallback_ratio: float | None
    slip_q25: float | None
    slip_q50: float | None
    slip_q75: float | None
    outcome_count: int
    maker_started_count: int
    slippage_count: int
    atr_short_pct: float | None
    atr_long_pct: float | None
    atr_ratio: float | None
    bar_count: int
    bar_age_seconds: float | None
    expectancy: float | None
    expectancy_count: int
    maker_offset_bps: float
    rule_set: str
    probe_every: int | None

    @classmethod
    def from_row(cls, row: RowMapping) -> Self:
        """Read a row of policy_snapshot or of a view over it."""
        values = {field.name: row[field.name] for field in fields(cls)}
        values |= {
            "taker_bias": TakerBias(row["taker_bias"]),
            "quality": Quality(row["quality"]),
            "regime": Regime(row["regime"]),
            "codes": codes_from_text(row["codes"]),
        }
        return cls(**values)


def snapshot_row(
    run_id: int, scope: str, slot: datetime, evidence: Evidence, decision: Decision, rule_set: RuleSet
) -> dict[str, Any]:
    """Write one symbol's evidence and decision as a row of policy_snapshot."""
    policy = decision.policy
    return {
        "run_id": run_id,
        "symbol": evidence.symbol,
        "scope": scope,
        "slot": slot,
        "maker_first": policy.maker_first,
        "taker_bias": policy.taker_bias.value,
        "quality": policy.quality.value,
        "regime": decision.regime.value,
        "reason": policy.reason,
        "codes": codes_to_text(policy.codes),
        **_fields_of(evidence.effectiveness),
        **_fields_of(evidence.volatility),
        **_fields_of(evidence.expectancy),
        "maker_offset_bps": decision.maker_offset_bps,
        "rule_set": rule_set.name,
        "probe_every": decision.probe_every,
    }


def _fields_of(part: Effectiveness | Volatility | Expectancy) -> dict[str, Any]:
    """Return a part's fields by name; `asdict` would copy each number on the way and take five times as long."""
    return {name: getattr(part, name) for name in part.__slots__}


def evidence_of(snapshot: Snapshot) -> Evidence:
    """Return what a snapshot's decision was made on."""
    return Evidence(
        symbol=snapshot.symbol,
        effectiveness=Effectiveness(**_named(snapshot, Effectiveness)),
        volatility=Volatility(**_named(snapshot, Volatility)),
        expectancy=Expectancy(**_named(snapshot, Expectancy)),
    )


def _named(snapshot: Snapshot, part: type[Effectiveness | Volatility | Expectancy]) -> dict[str, Any]:
    return {field.name: getattr(snapshot, field.name) for field in fields(part)}
