"""Rows of tables and views, read as values."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, RowMapping, Select

from policy import Effectiveness, Evidence, Quality, Regime, TakerBias
from policy.cost_text import cost_from_text
from policy.effective import EffectivePolicy, Override
from policy.fee_gap import FeeGap
from policy.maker_cost import CostEvidence, CostRoute
from policy.outage_evidence import OutageEvidence
from policy.outage_text import outage_from_text
from policy.reason_codes import codes_from_text
from policy.rules import State
from policy.rules.breaker_state import Breaker, open_periods_from_text
from policy.rules.hysteresis import StableQuality
from policy.snapshot import Snapshot
from policy.streaks import Streak, Streaks
from storage.records import Origin, PolicyPeriod

Value = TypeVar("Value")
# Columns whose text stands for a value, wherever a field has their name.
_READERS: Mapping[str, Callable[[str], object]] = {
    "taker_bias": TakerBias,
    "live_taker_bias": TakerBias,
    "previous_taker_bias": TakerBias,
    "quality": Quality,
    "previous_quality": Quality,
    "regime": Regime,
    "previous_regime": Regime,
    "origin": Origin,
    "codes": codes_from_text,
}


def from_row(kind: Callable[..., Value], row: RowMapping) -> Value:
    """Read a row as a dataclass whose fields have the names of its columns; other columns are left out."""
    return kind(**{name: row[name] if reader is None else reader(row[name]) for name, reader in _fields(kind)})


@cache
def _fields(kind: Any) -> tuple[tuple[str, Callable[[str], object] | None], ...]:
    return tuple((field.name, _READERS.get(field.name)) for field in fields(kind))


def effective_policy(row: RowMapping) -> EffectivePolicy:
    """Read a row of policy_latest or policy_history."""
    return EffectivePolicy(snapshot=from_row(Snapshot, row), published_at=row["published_at"], override=_override(row))


def _override(row: RowMapping) -> Override | None:
    if row["override_id"] is None:
        return None
    return Override(
        override_id=row["override_id"],
        author=row["override_author"],
        reason=row["override_reason"],
        until_at=row["override_until_at"],
        computed_maker_first=row["computed_maker_first"],
        computed_taker_bias=TakerBias(row["computed_taker_bias"]),
    )


def policy_period(row: RowMapping) -> PolicyPeriod:
    """Read a row of policy_history."""
    return PolicyPeriod(
        policy=effective_policy(row),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        origin=Origin(row["origin"]),
    )


def state_after(row: Any) -> State:
    """Read from a row of policy_breaker what the rule set remembers after the run."""
    return State(
        own=Breaker(
            opened_at=row.opened_at,
            restarted_at=row.restarted_at,
            relapse_count=row.relapse_count or 0,
            open_periods=open_periods_from_text(row.open_periods),
        ),
        pool=Breaker(
            opened_at=row.pool_opened_at,
            restarted_at=row.pool_restarted_at,
            relapse_count=row.pool_relapse_count or 0,
            open_periods=open_periods_from_text(row.pool_open_periods),
        ),
        stable_quality=StableQuality(
            quality=Quality(row.stable_quality),
            candidate=Quality(row.candidate_quality),
            candidate_count=row.candidate_count,
        ),
        cost_route=CostRoute(row.cost_route) if row.cost_route is not None else None,
    )


def state_before(row: Any) -> State | None:
    """Read from a row of policy_breaker what the rule set remembered before the run, None for a first run."""
    return State.from_text(row.state_before) if row.state_before is not None else None


def evidence_with_streaks(evidence: Evidence, row: Any, as_of: datetime) -> Evidence:
    """Return the evidence with the fees and streaks of a row of policy_breaker, which must have all of its columns."""
    return Evidence(
        symbol=evidence.symbol,
        effectiveness=evidence.effectiveness,
        volatility=evidence.volatility,
        expectancy=evidence.expectancy,
        fee_gap=_fee_gap(row.fee_gap_bps, row.is_one_tick),
        streaks=Streaks(
            as_of=as_of,
            own=_streak(*_OWN(row)),
            reject_streak=row.reject_streak,
            pool=_streak(*_POOL(row)),
            own_outage=_outage(row.outage_evidence),
            pool_outage=_outage(row.pool_outage_evidence),
        ),
        cost=_cost(row.cost_evidence, row.pool_cost_evidence),
    )


def evidence_of_route(row: Any, as_of: datetime, *, has_outages: bool, has_costs: bool) -> Evidence:
    """Return what a rule set with state chooses a route by, and its reason, from a row that joins both tables.

    The row has the evidence of outages, or else the streaks of misses, and with `has_costs` the evidence of costs. The
    figures that only the shown quality and the offset are decided by are missing.
    """
    return Evidence(
        symbol=row.symbol,
        effectiveness=_survivors(row.survivor_count),
        volatility=row,
        fee_gap=_fee_gap(row.fee_gap_bps, row.is_one_tick),
        streaks=_outage_streaks(row, as_of) if has_outages else _miss_streaks(row, as_of),
        cost=_cost(row.cost_evidence, row.pool_cost_evidence) if has_costs else None,
    )


def _outage_streaks(row: Any, as_of: datetime) -> Streaks:
    return Streaks(
        as_of=as_of,
        reject_streak=row.reject_streak,
        own_outage=_outage(row.outage_evidence),
        pool_outage=_outage(row.pool_outage_evidence),
    )


def _miss_streaks(row: Any, as_of: datetime) -> Streaks:
    return Streaks(as_of=as_of, reject_streak=row.reject_streak, own=_streak(*_OWN(row)), pool=_streak(*_POOL(row)))


@lru_cache
def _survivors(count: int | None) -> Effectiveness:
    return Effectiveness(survivor_count=count)


def _outage(text: str | None) -> OutageEvidence | None:
    return outage_from_text(text) if text is not None else None


def _cost(own: str | None, pool: str | None) -> CostEvidence | None:
    if own is None or pool is None:
        return None
    return CostEvidence(own=cost_from_text(own), pool=cost_from_text(pool))


_OWN = attrgetter(*Streak.__slots__)
_POOL = attrgetter(*(f"pool_{name}" for name in Streak.__slots__))


# The symbols of a run share the streak of the pool, most have the same fees, and short streaks are alike. Values of
# other types are kept apart, as 1 and 1.0 are.
@lru_cache(maxsize=4096, typed=True)
def _streak(*values: Any) -> Streak:
    return Streak(**dict(zip(Streak.__slots__, values, strict=True)))


@lru_cache(maxsize=4096, typed=True)
def _fee_gap(gap_bps: float | None, is_one_tick: bool | None) -> FeeGap:
    return FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick)


def plain_rows(connection: Connection, query: Select[Any]) -> list[Any]:
    """Return the rows of a query, all at once, as named tuples: reading their attributes costs a tenth of a row's."""
    result = connection.execute(query)
    make = cast("Callable[[Sequence[Any]], Any]", _named_tuple(tuple(result.keys()))._make)
    return [make(row) for row in result.all()]


@cache
def _named_tuple(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)
