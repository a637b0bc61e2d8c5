"""Each entry of the chain says in which form its digest was made; those from before have none."""

import sqlalchemy as sa
from alembic import op

from migrations.column_types import COUNT

revision = "0005"
down_revision = "0004"

_ENTRIES = ("policy_run", "policy_override", "policy_override_end", "policy_prune")
_COMMENT = "in which form the digest was made; null for entries before schema 0005"


def upgrade() -> None:
    for table in _ENTRIES:
        op.add_column(table, sa.Column("digest_form", COUNT, comment=_COMMENT))


def downgrade() -> None:
    for table in _ENTRIES:
        op.drop_column(table, "digest_form")
