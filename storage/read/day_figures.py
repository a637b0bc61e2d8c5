"""The figures of days: which there are, and those of a time by symbol."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from storage.day_figures import DayCost, DayDrift
from storage.read.rows import from_row
from storage.schema.tables import policy_day, policy_day_cost, policy_day_drift


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguredDay:
    """A UTC day with figures: of its orders before `as_of`, as they were in the log at `computed_at`."""

    day: datetime
    as_of: datetime
    computed_at: datetime


def newest_day(connection: Connection, scope: str) -> FiguredDay | None:
    """Return the newest day that has figures, None if none has."""
    query = select(policy_day).where(policy_day.c.scope == scope).order_by(policy_day.c.day.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return from_row(FiguredDay, row) if row is not None else None


def day_costs(
    connection: Connection, scope: str, since: datetime, until: datetime
) -> Sequence[tuple[datetime, DayCost]]:
    """Return what orders cost on the days that begin within `since <= day < until`: by day, symbol and route."""
    table = policy_day_cost
    query = select(table).where(table.c.scope == scope, table.c.day >= since, table.c.day < until)
    rows = connection.execute(query.order_by(table.c.day, table.c.symbol, table.c.route)).mappings()
    return [(row["day"], from_row(DayCost, row)) for row in rows]


def day_drifts(
    connection: Connection, scope: str, since: datetime, until: datetime
) -> Sequence[tuple[datetime, DayDrift]]:
    """Return how many orders drifted on the days that begin within `since <= day < until`: by day and symbol."""
    table = policy_day_drift
    query = select(table).where(table.c.scope == scope, table.c.day >= since, table.c.day < until)
    rows = connection.execute(query.order_by(table.c.day, table.c.symbol)).mappings()
    return [(row["day"], from_row(DayDrift, row)) for row in rows]
