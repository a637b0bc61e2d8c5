"""How often an order is posted, slivers as probes, and the evidence of an outage that a breaker rested on."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from migrations import views_0002
from migrations.column_types import COUNT
from migrations.ddl import create_views, drop_views, on_postgres

revision = "0007"
down_revision = "0006"

_DECIDED = ("policy_snapshot", "policy_shadow")
_MAKER_POSTS = "how many posts the full wait is divided into; null: 1"
_PROBE_SHARE = "share of every order that rests as maker while the rest is held back and crosses; null: none"
_BREAKER: dict[str, tuple[TypeEngine[Any], str]] = {
    "outage_evidence": (sa.Text(), "evidence of an outage of the symbol, as JSON; null before version 2"),
    "pool_outage_evidence": (sa.Text(), "evidence of an outage of the scope, as JSON; null before version 2"),
    "relapse_count": (COUNT, "how often in a row it opened again soon after closing; null: never"),
    "pool_relapse_count": (COUNT, "the same of the scope's breaker; null: never"),
    "open_periods": (sa.Text(), "when it was open in the last days, JSON list of two times; null: never"),
    "pool_open_periods": (sa.Text(), "the same of the scope's breaker; null: never"),
}
# A person who decided otherwise asked for no probes; how often a maker order is posted stays as it was computed.
_BEFORE = {
    "probe_every": "case when o.entry_id is null then s.probe_every end",
    "survivor_count": "s.survivor_count",
}
_IN_FORCE = {
    **_BEFORE,
    "maker_posts": "s.maker_posts",
    "probe_share": "case when o.entry_id is null then s.probe_share end",
}


def upgrade() -> None:
    drop_views(views_0002.COMMENTS)
    for table in _DECIDED:
        op.add_column(table, sa.Column("maker_posts", COUNT, comment=_MAKER_POSTS))
        _add_probe_share(table)
    for name, (kind, comment) in _BREAKER.items():
        op.add_column("policy_breaker", sa.Column(name, kind, comment=comment))
    _create_views(_IN_FORCE)


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    for name in reversed(_BREAKER):
        op.drop_column("policy_breaker", name)
    for table in _DECIDED:
        op.execute(f"alter table {table} drop column probe_share")
        op.drop_column(table, "maker_posts")
    _create_views(_BEFORE)


def _add_probe_share(table: str) -> None:
    """Add the column with its check: Alembic adds none to a column of SQLite."""
    kind = "double precision" if on_postgres() else "real"
    check = f"constraint ck_{table}_probe_share_finite check (probe_share between -1e300 and 1e300)"
    op.execute(f"alter table {table} add column probe_share {kind} {check}")
    if on_postgres():
        op.execute(f"comment on column {table}.probe_share is '{_PROBE_SHARE}'")


def _create_views(more: dict[str, str]) -> None:
    dialect = op.get_bind().dialect.name
    create_views(views_0002.views(dialect, more, counter="fencing_token"), views_0002.COMMENTS)
