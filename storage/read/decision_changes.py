"""What the rules had decided when: the turns in each symbol's decisions, by when readers could see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from policy.enums import Quality, Regime
from storage.read.visible_policies import visible_runs
from storage.schema.tables import policy_run, policy_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChange:
    """What was decided for a symbol from `published_at` on, until the next of the same symbol."""

    symbol: str
    published_at: datetime
    maker_first: bool
    quality: Quality
    regime: Regime


def decision_changes(connection: Connection, scope: str, start: datetime, end: datetime) -> tuple[DecisionChange, ...]:
    """Return what readers could see at any time with `start <= t < end`, overrides apart, only where it changed.

    Readers see the newest slot: a run that was published after a later slot was never seen.
    """
    run, snapshot = policy_run, policy_snapshot
    newest = func.max(run.c.slot).over(order_by=run.c.published_at)
    in_turn = select(run.c.run_id, run.c.slot, run.c.published_at, (run.c.slot == newest).label("is_seen"))
    runs = in_turn.where(run.c.run_id.in_(visible_runs(scope, start, end))).subquery()
    said = {name: snapshot.c[name] for name in ("maker_first", "quality", "regime")}
    before = {
        name: func.lag(column).over(partition_by=snapshot.c.symbol, order_by=runs.c.slot).label(f"{name}_before")
        for name, column in said.items()
    }
    seen = (
        select(snapshot.c.symbol, runs.c.published_at, *said.values(), *before.values())
        .join(runs, runs.c.run_id == snapshot.c.run_id)
        .where(runs.c.is_seen)
        .subquery()
    )
    has_turned = or_(*(seen.c[name].is_distinct_from(seen.c[f"{name}_before"]) for name in said))
    query = select(seen.c.symbol, seen.c.published_at, *(seen.c[name] for name in said)).where(has_turned)
    return tuple(
        DecisionChange(
            symbol=row.symbol,
            published_at=row.published_at,
            maker_first=row.maker_first,
            quality=Quality(row.quality),
            regime=Regime(row.regime),
        )
        for row in connection.execute(query)
    )
