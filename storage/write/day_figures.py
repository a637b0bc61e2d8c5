"""The figures of a day, written whole in place of those that were there; and old days forgotten."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, update

from storage.database.transaction import database_now, insert_or_ignore
from storage.day_figures import DayFigures
from storage.schema.tables import policy_day, policy_day_cost, policy_day_drift

_DAY = timedelta(days=1)


def store_day(connection: Connection, scope: str, figures: DayFigures) -> None:
    """Write the figures of one scope's day; of two processes that write the same day, the second waits."""
    key = {"scope": scope, "day": figures.day}
    times = {"as_of": figures.as_of, "computed_at": database_now(connection)}
    connection.execute(insert_or_ignore(connection, policy_day, {**key, **times}))
    here = (policy_day.c.scope == scope, policy_day.c.day == figures.day)
    connection.execute(update(policy_day).where(*here).values(times))
    for table, rows in ((policy_day_cost, figures.costs), (policy_day_drift, figures.drifts)):
        connection.execute(delete(table).where(table.c.scope == scope, table.c.day == figures.day))
        if rows:
            connection.execute(table.insert(), [{**key, **asdict(row)} for row in rows])


def forget_days(connection: Connection, before: datetime) -> None:
    """Remove the figures of every scope's days that ended by a time."""
    for table in (policy_day_cost, policy_day_drift, policy_day):
        connection.execute(delete(table).where(table.c.day <= before - _DAY))
