"""What pictures are drawn from: one symbol's figures over time, and every symbol's quality at some runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, or_, select

from storage.schema.tables import policy_breaker, policy_run, policy_snapshot

_STATE = ("quality", "maker_first", "taker_bias", "regime")
FIGURES = (
    *("maker_fill_ratio", "fallback_ratio", "slip_q25", "slip_q50", "slip_q75", "atr_ratio", "maker_offset_bps"),
    *("outcome_count", "maker_started_count"),
)


def series(
    connection: Connection, scope: str, symbol: str, since: datetime, until: datetime, points: int
) -> Sequence[RowMapping]:
    """Return one symbol's figures at `since <= slot < until`, oldest first, thinned to about so many points.

    Every change of what was computed stays, and the newest slot, so that nothing moves in the picture.
    """
    snapshot = policy_snapshot
    here = (snapshot.c.scope == scope, snapshot.c.symbol == symbol, snapshot.c.slot >= since, snapshot.c.slot < until)
    count = connection.execute(select(func.count()).where(*here)).scalar_one()
    step = max(1, -(-count // points))
    number = func.row_number().over(order_by=snapshot.c.slot).label("number")
    before = [func.lag(snapshot.c[name]).over(order_by=snapshot.c.slot).label(f"previous_{name}") for name in _STATE]
    shown = [snapshot.c[name] for name in ("slot", *_STATE, *FIGURES)]
    numbered = select(*shown, number, *before).where(*here).subquery()
    changed = [numbered.c[f"previous_{name}"] != numbered.c[name] for name in _STATE]
    kept = or_((numbered.c.number - 1) % step == 0, numbered.c.number == count, *changed)
    query = select(*(numbered.c[column.name] for column in shown)).where(kept).order_by(numbered.c.slot)
    return connection.execute(query).mappings().all()


def slots_of_runs(connection: Connection, scope: str, since: datetime) -> list[tuple[int, datetime]]:
    """Return number and slot of the runs from a slot on, oldest first."""
    run = policy_run
    query = select(run.c.run_id, run.c.slot).where(run.c.scope == scope, run.c.slot >= since).order_by(run.c.slot)
    return [(run_id, slot) for run_id, slot in connection.execute(query)]


def qualities_of_run(connection: Connection, run_id: int) -> Mapping[str, str]:
    """Return the quality that a run found for each symbol."""
    snapshot = policy_snapshot
    rows = connection.execute(select(snapshot.c.symbol, snapshot.c.quality).where(snapshot.c.run_id == run_id))
    return {row.symbol: row.quality for row in rows}


def open_breakers(connection: Connection, run_id: int) -> Sequence[RowMapping]:
    """Return the breakers that were open after a run: rule set, symbol (None for the scope's), and since when."""
    table = policy_breaker
    own = select(table.c.rule_set, table.c.symbol, table.c.opened_at).where(
        table.c.run_id == run_id, table.c.opened_at.is_not(None)
    )
    pool = (
        select(table.c.rule_set, table.c.pool_opened_at.label("opened_at"))
        .where(table.c.run_id == run_id, table.c.pool_opened_at.is_not(None))
        .distinct()
    )
    return [*connection.execute(own).mappings().all(), *connection.execute(pool).mappings().all()]
