"""The views: the public face of the store, the same on both databases. The migrations define them."""

from sqlalchemy import Column, MetaData, Table, Text

from storage.schema.column_types import COUNT, Flag, UtcTimestamp
from storage.schema.tables import policy_snapshot

_views = MetaData()


def _view(name: str, *more: Column[object]) -> Table:
    columns: list[Column[object]] = [Column(column.name, column.type) for column in policy_snapshot.columns]
    return Table(name, _views, *columns, *more)


def _beside() -> tuple[Column[object], ...]:
    """Return the columns beside a decision in force: what was computed, and the override if there is one."""
    return (
        Column("computed_maker_first", Flag),
        Column("computed_taker_bias", Text),
        Column("override_id", COUNT),
        Column("override_author", Text),
        Column("override_reason", Text),
        Column("override_until_at", UtcTimestamp),
    )


policy_latest = _view("policy_latest", Column("published_at", UtcTimestamp), *_beside())
policy_history = _view(
    "policy_history",
    Column("valid_from", UtcTimestamp),
    Column("valid_to", UtcTimestamp),
    Column("origin", Text),
    Column("published_at", UtcTimestamp),
    *_beside(),
)
policy_change = _view(
    "policy_change",
    Column("previous_slot", UtcTimestamp),
    Column("previous_maker_first", Flag),
    Column("previous_taker_bias", Text),
    Column("previous_quality", Text),
    Column("previous_regime", Text),
    Column("previous_reason", Text),
)
policy_gap = Table(
    "policy_gap",
    _views,
    Column("scope", Text),
    Column("slot", UtcTimestamp),
    Column("state", Text),
    Column("owner", Text),
    Column("failure_count", COUNT),
    Column("last_error", Text),
)
