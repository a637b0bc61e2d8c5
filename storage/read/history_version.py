"""Whether the latest policies have changed: a cheap question, for readers that keep them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, literal_column, not_, select

from storage.schema.tables import policy_head, policy_override, policy_override_end


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryVersion:
    """What the latest policies depend on: two equal versions have equal policies, and a later one may too.

    It moves when anything is published and when an override begins or ends, also by itself.
    """

    scope: str
    entry_id: int
    digest: str
    override_ids: tuple[int, ...]


def history_version(connection: Connection, scope: str) -> tuple[HistoryVersion, datetime]:
    """Return the version of the latest policies, and the database's clock at which it was asked for.

    Read it before the policies: they are then as new as it says, or newer.
    """
    rows = connection.execute(_version_query(connection.dialect.name), {"scope": scope}).all()
    now = rows[0].now if isinstance(rows[0].now, datetime) else datetime.fromisoformat(rows[0].now).replace(tzinfo=UTC)
    override_ids = tuple(row.override_id for row in rows if row.override_id is not None)
    version = HistoryVersion(scope=scope, entry_id=rows[0].entry_id, digest=rows[0].digest, override_ids=override_ids)
    return version, now.astimezone(UTC)


@cache
def _version_query(dialect: str) -> Select[*tuple[object, ...]]:
    """One statement, made once: it is asked with every request. The clock is written as the views write it."""
    clock = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'" if dialect == "sqlite" else "clock_timestamp()"
    now: ColumnElement[datetime] = literal_column(clock)
    made, ended = policy_override, policy_override_end
    is_ended = select(ended.c.entry_id).where(ended.c.override_id == made.c.entry_id, ended.c.ended_at <= now).exists()
    lasts = and_(made.c.scope == bindparam("scope"), made.c.from_at <= now, made.c.until_at > now, not_(is_ended))
    return (
        select(policy_head.c.entry_id, policy_head.c.digest, now.label("now"), made.c.entry_id.label("override_id"))
        .select_from(policy_head)
        .outerjoin(made, lasts)
        .order_by(made.c.entry_id)
    )
