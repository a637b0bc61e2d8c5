"""A history that can be trusted: published rows cannot be changed, overrides, prunes, and the view of gaps."""

import sqlalchemy as sa
from alembic import op

from migrations import append_only, views_0001, views_0002
from migrations.column_types import COUNT, FLAG, TIME
from migrations.ddl import create_views, drop_views

revision = "0002"
down_revision = "0001"

# The table, and the column whose number a prune must cover before a row may go; without one, no row ever goes.
APPEND_ONLY = {
    "policy_run": "run_id",
    "policy_snapshot": "run_id",
    "policy_reject": "run_id",
    "policy_override": "entry_id",
    "policy_override_end": "entry_id",
    "policy_prune": "entry_id",
    "policy_rule_set": None,
    "policy_run_failure": None,
}
KEYS = {
    "policy_run": ("run_id",),
    "policy_snapshot": ("run_id", "symbol"),
    "policy_reject": ("run_id", "source", "reason"),
    "policy_override": ("entry_id",),
    "policy_override_end": ("entry_id",),
    "policy_prune": ("entry_id",),
}


def upgrade() -> None:
    _create_override()
    _create_override_end()
    _create_prune()
    append_only.protect(APPEND_ONLY, KEYS, with_function=True)
    drop_views(views_0001.VIEWS)
    create_views(views_0002.views(op.get_bind().dialect.name), views_0002.COMMENTS)


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    create_views(views_0001.VIEWS, views_0001.COMMENTS)
    append_only.release(APPEND_ONLY, KEYS, with_function=True)
    for table in ("policy_prune", "policy_override_end", "policy_override"):
        op.drop_table(table)


def _chained() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 over the row and the digest before it"),
        sa.Column("previous_digest", sa.Text(), nullable=False, comment="the digest of the entry before"),
    )


def _number() -> sa.Column[int]:
    return sa.Column("entry_id", COUNT, autoincrement=False, nullable=False, comment="its number in the chain")


def _create_override() -> None:
    op.create_table(
        "policy_override",
        _number(),
        sa.Column("scope", sa.Text(), nullable=False, comment="the book"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market that it is for"),
        sa.Column("maker_first", FLAG, nullable=False, comment="what the router is told instead"),
        sa.Column("taker_bias", sa.Text(), nullable=False, comment="how patient the router is told to be instead"),
        sa.Column("author", sa.Text(), nullable=False, comment="who decided it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("from_at", TIME, nullable=False, comment="in force from then on, inclusive"),
        sa.Column("until_at", TIME, nullable=False, comment="in force until then, exclusive"),
        *_chained(),
        sa.CheckConstraint(
            "taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')", name="ck_policy_override_taker_bias_known"
        ),
        sa.CheckConstraint("from_at < until_at", name="ck_policy_override_lasts"),
        sa.ForeignKeyConstraint(["scope"], ["policy_scope.scope"], name="fk_policy_override_scope"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_policy_override"),
        comment="A person's temporary decision, in force instead of the computed one; of two the later one counts.",
        sqlite_strict=True,
    )
    op.create_index("ix_policy_override_scope_symbol", "policy_override", ["scope", "symbol"])


def _create_override_end() -> None:
    op.create_table(
        "policy_override_end",
        _number(),
        sa.Column("override_id", COUNT, nullable=False, comment="what was ended"),
        sa.Column("author", sa.Text(), nullable=False, comment="who ended it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("ended_at", TIME, nullable=False, comment="the override is not in force from then on"),
        *_chained(),
        sa.ForeignKeyConstraint(
            ["override_id"], ["policy_override.entry_id"], name="fk_policy_override_end_override_id"
        ),
        sa.PrimaryKeyConstraint("entry_id", name="pk_policy_override_end"),
        sa.UniqueConstraint("override_id", name="uq_policy_override_end_override_id"),
        comment="An override that was ended before its time.",
        sqlite_strict=True,
    )


def _create_prune() -> None:
    op.create_table(
        "policy_prune",
        _number(),
        sa.Column("through_entry_id", COUNT, nullable=False, comment="every entry up to this one was removed"),
        sa.Column(
            "anchor_digest", sa.Text(), nullable=False, comment="the digest of that entry: the chain goes on from it"
        ),
        sa.Column("run_count", COUNT, nullable=False, comment="how many runs were removed"),
        sa.Column("pruned_at", TIME, nullable=False, comment="when"),
        *_chained(),
        sa.PrimaryKeyConstraint("entry_id", name="pk_policy_prune"),
        comment="What was removed for its age. Only what such a row covers can be deleted.",
        sqlite_strict=True,
    )
