"""What pictures are drawn from: one symbol's figures over time, every symbol's quality at some runs, open breakers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from policy import Quality, Regime, TakerBias
from storage.read.rows import from_row
from storage.schema.tables import policy_breaker, policy_run, policy_snapshot

_DECIDED = ("quality", "maker_first", "taker_bias", "regime")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One symbol's decision and figures at a slot; None: not measured."""

    slot: datetime
    quality: Quality
    maker_first: bool
    taker_bias: TakerBias
    regime: Regime
    maker_fill_ratio: float | None
    fallback_ratio: float | None
    slip_q25: float | None
    slip_q50: float | None
    slip_q75: float | None
    atr_ratio: float | None
    maker_offset_bps: float
    outcome_count: int
    maker_started_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreaker:
    """A breaker that is open since a slot; `symbol` is None for the one of the scope."""

    rule_set: str
    symbol: str | None
    opened_at: datetime


def series(
    connection: Connection, scope: str, symbol: str, since: datetime, until: datetime, point_count: int
) -> list[SeriesPoint]:
    """Return one symbol's points at `since <= slot < until`, oldest first, thinned to about so many.

    Every change of what was computed stays, and the newest slot, so that nothing moves in the picture.
    """
    snapshot = policy_snapshot
    here = (snapshot.c.scope == scope, snapshot.c.symbol == symbol, snapshot.c.slot >= since, snapshot.c.slot < until)
    count = connection.execute(select(func.count()).where(*here)).scalar_one()
    step = max(1, -(-count // point_count))
    number = func.row_number().over(order_by=snapshot.c.slot).label("number")
    before = [func.lag(snapshot.c[name]).over(order_by=snapshot.c.slot).label(f"previous_{name}") for name in _DECIDED]
    shown = [snapshot.c[field.name] for field in fields(SeriesPoint)]
    numbered = select(*shown, number, *before).where(*here).subquery()
    changed = [numbered.c[f"previous_{name}"] != numbered.c[name] for name in _DECIDED]
    kept = or_((numbered.c.number - 1) % step == 0, numbered.c.number == count, *changed)
    query = select(*(numbered.c[column.name] for column in shown)).where(kept).order_by(numbered.c.slot)
    return [from_row(SeriesPoint, row) for row in connection.execute(query).mappings()]


def slots_of_runs(connection: Connection, scope: str, since: datetime) -> list[tuple[int, datetime]]:
    """Return number and slot of the runs from a slot on, oldest first."""
    run = policy_run
    query = select(run.c.run_id, run.c.slot).where(run.c.scope == scope, run.c.slot >= since).order_by(run.c.slot)
    return [(run_id, slot) for run_id, slot in connection.execute(query)]


def qualities_of_run(connection: Connection, run_id: int) -> Mapping[str, Quality]:
    """Return the quality that a run computed for each symbol."""
    snapshot = policy_snapshot
    rows = connection.execute(select(snapshot.c.symbol, snapshot.c.quality).where(snapshot.c.run_id == run_id))
    return {row.symbol: Quality(row.quality) for row in rows}


def open_breakers(connection: Connection, run_id: int) -> list[OpenBreaker]:
    """Return the breakers that were open after a run: those of symbols, then those of the scope."""
    table = policy_breaker
    own = select(table.c.rule_set, table.c.symbol, table.c.opened_at).where(
        table.c.run_id == run_id, table.c.opened_at.is_not(None)
    )
    pool = (
        select(table.c.rule_set, table.c.pool_opened_at)
        .where(table.c.run_id == run_id, table.c.pool_opened_at.is_not(None))
        .distinct()
    )
    return [
        *(OpenBreaker(rule_set=name, symbol=symbol, opened_at=at) for name, symbol, at in connection.execute(own)),
        *(OpenBreaker(rule_set=name, symbol=None, opened_at=at) for name, at in connection.execute(pool)),
    ]
