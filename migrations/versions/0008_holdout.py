"""Which share of orders a policy holds out, by which salt, and the experiment of a run that this follows from."""

import sqlalchemy as sa
from alembic import op

from migrations import views_0002
from migrations.ddl import create_views, drop_views, on_postgres

revision = "0008"
down_revision = "0007"

_SHARE = "share of orders that go the other way, chosen by their ids; null: none"
_SALT = "what their ids are hashed with; null: no holdout"
_EXPERIMENT = "the experiment of which its holdouts are, as JSON; null without one"
# A person who decided otherwise asked for no probes and no experiment.
_BEFORE = {
    "probe_every": "case when o.entry_id is null then s.probe_every end",
    "survivor_count": "s.survivor_count",
    "maker_posts": "s.maker_posts",
    "probe_share": "case when o.entry_id is null then s.probe_share end",
}
_IN_FORCE = {
    **_BEFORE,
    "holdout_share": "case when o.entry_id is null then s.holdout_share end",
    "holdout_salt": "case when o.entry_id is null then s.holdout_salt end",
}


def upgrade() -> None:
    drop_views(views_0002.COMMENTS)
    _add_holdout_share()
    op.add_column("policy_snapshot", sa.Column("holdout_salt", sa.Text(), comment=_SALT))
    op.add_column("policy_run", sa.Column("experiment", sa.Text(), comment=_EXPERIMENT))
    _create_views(_IN_FORCE)


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    op.drop_column("policy_run", "experiment")
    op.drop_column("policy_snapshot", "holdout_salt")
    op.execute("alter table policy_snapshot drop column holdout_share")
    _create_views(_BEFORE)


def _add_holdout_share() -> None:
    """Add the column with its check: Alembic adds none to a column of SQLite."""
    kind = "double precision" if on_postgres() else "real"
    check = "constraint ck_policy_snapshot_holdout_share_finite check (holdout_share between -1e300 and 1e300)"
    op.execute(f"alter table policy_snapshot add column holdout_share {kind} {check}")
    if on_postgres():
        op.execute(f"comment on column policy_snapshot.holdout_share is '{_SHARE}'")


def _create_views(more: dict[str, str]) -> None:
    create_views(views_0002.views(op.get_bind().dialect.name, more, counter="fencing_token"), views_0002.COMMENTS)
