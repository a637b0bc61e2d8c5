"""A snapshot says how many of its maker starts are of a kind whose misses the source does not keep."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from migrations import views_0002
from migrations.column_types import COUNT
from migrations.ddl import create_views, drop_views

revision = "0006"
down_revision = "0005"

_PROBES = {"probe_every": "case when o.entry_id is null then s.probe_every end"}
_SURVIVORS = {"survivor_count": "s.survivor_count"}
_COMMENT = "of the maker starts, those of a kind whose misses the source does not keep; null if there are none"


def upgrade() -> None:
    drop_views(views_0002.COMMENTS)
    op.add_column("policy_snapshot", sa.Column("survivor_count", COUNT, comment=_COMMENT))
    _create_views(_PROBES | _SURVIVORS)


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    op.drop_column("policy_snapshot", "survivor_count")
    _create_views(_PROBES)


def _create_views(more: Mapping[str, str]) -> None:
    create_views(views_0002.views(op.get_bind().dialect.name, more, counter="fencing_token"), views_0002.COMMENTS)
