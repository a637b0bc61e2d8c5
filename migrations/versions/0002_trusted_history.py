"""A history that can be trusted: published rows cannot be changed, overrides, prunes, and the view of gaps."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from migrations import views_0001, views_0002
from migrations.ddl import create_views, drop_views, on_postgres
from storage.columns import COUNT, Flag, UtcTimestamp

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
UNCHANGED = "is append-only: what was published is never changed"
PRUNED_ONLY = "is append-only: old runs are removed with router-policy prune, and nothing else is removed"


def upgrade() -> None:
    _create_tables()
    for statement in _postgres_triggers() if on_postgres() else _sqlite_triggers():
        op.execute(sa.text(statement.replace(":", "\\:")))
    drop_views(views_0001.VIEWS)
    create_views(views_0002.views(op.get_bind().dialect.name), views_0002.COMMENTS)


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    create_views(views_0001.VIEWS, views_0001.COMMENTS)
    for table in APPEND_ONLY:
        _drop_triggers(table)
    if on_postgres():
        op.execute("drop function policy_refuse_change")
    for table in ("policy_prune", "policy_override_end", "policy_override"):
        op.drop_table(table)


def _chained() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 over the row and the digest before it"),
        sa.Column("previous_digest", sa.Text(), nullable=False, comment="the digest of the entry before"),
    )


def _number() -> sa.Column[int]:
    return sa.Column("entry_id", COUNT, autoincrement=False, nullable=False, comment="its number in the chain")


def _create_tables() -> None:
    op.create_table(
        "policy_override",
        _number(),
        sa.Column("scope", sa.Text(), nullable=False, comment="the book"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market that it is for"),
        sa.Column("maker_first", Flag(), nullable=False, comment="what the router is told instead"),
        sa.Column("taker_bias", sa.Text(), nullable=False, comment="how patient the router is told to be instead"),
        sa.Column("author", sa.Text(), nullable=False, comment="who decided it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("from_at", UtcTimestamp(), nullable=False, comment="in force from then on, inclusive"),
        sa.Column("until_at", UtcTimestamp(), nullable=False, comment="in force until then, exclusive"),
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
    op.create_table(
        "policy_override_end",
        _number(),
        sa.Column("override_id", COUNT, nullable=False, comment="what was ended"),
        sa.Column("author", sa.Text(), nullable=False, comment="who ended it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("ended_at", UtcTimestamp(), nullable=False, comment="the override is not in force from then on"),
        *_chained(),
        sa.ForeignKeyConstraint(
            ["override_id"], ["policy_override.entry_id"], name="fk_policy_override_end_override_id"
        ),
        sa.PrimaryKeyConstraint("entry_id", name="pk_policy_override_end"),
        sa.UniqueConstraint("override_id", name="uq_policy_override_end_override_id"),
        comment="An override that was ended before its time.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_prune",
        _number(),
        sa.Column("through_entry_id", COUNT, nullable=False, comment="every entry up to this one was removed"),
        sa.Column(
            "anchor_digest", sa.Text(), nullable=False, comment="the digest of that entry: the chain goes on from it"
        ),
        sa.Column("run_count", COUNT, nullable=False, comment="how many runs were removed"),
        sa.Column("pruned_at", UtcTimestamp(), nullable=False, comment="when"),
        *_chained(),
        sa.PrimaryKeyConstraint("entry_id", name="pk_policy_prune"),
        comment="What was removed for its age. Only what such a row covers can be deleted.",
        sqlite_strict=True,
    )


def _sqlite_triggers() -> Iterator[str]:
    for table, number in APPEND_ONLY.items():
        yield (
            f"create trigger {table}_no_update before update on {table} "
            f"begin select raise(abort, '{table} {UNCHANGED}'); end"
        )
        uncovered = f"when not exists (select 1 from policy_prune where through_entry_id >= old.{number}) "
        yield (
            f"create trigger {table}_no_delete before delete on {table} {uncovered if number else ''}"
            f"begin select raise(abort, '{table} {PRUNED_ONLY}'); end"
        )
    for table, columns in KEYS.items():
        same = " and ".join(f"{column} = new.{column}" for column in columns)
        yield (
            f"create trigger {table}_no_replace before insert on {table} "
            f"when exists (select 1 from {table} where {same}) "
            f"begin select raise(abort, '{table} {UNCHANGED}'); end"
        )


def _postgres_triggers() -> Iterator[str]:
    yield f"""
create function policy_refuse_change() returns trigger language plpgsql as $$
declare
    number bigint;
begin
    if tg_op = 'DELETE' and tg_nargs = 1 then
        execute format('select ($1).%I', tg_argv[0]) using old into number;
        if exists (select 1 from policy_prune where through_entry_id >= number) then
            return old;
        end if;
    end if;
    if tg_op = 'UPDATE' then
        raise exception '% {UNCHANGED}', tg_table_name using errcode = 'integrity_constraint_violation';
    end if;
    raise exception '% {PRUNED_ONLY}', tg_table_name using errcode = 'integrity_constraint_violation';
end $$"""
    for table, number in APPEND_ONLY.items():
        argument = f"'{number}'" if number else ""
        yield (
            f"create trigger {table}_no_change before update or delete on {table} "
            f"for each row execute function policy_refuse_change({argument})"
        )
        yield (
            f"create trigger {table}_no_truncate before truncate on {table} "
            f"for each statement execute function policy_refuse_change()"
        )


def _drop_triggers(table: str) -> None:
    if on_postgres():
        op.execute(f"drop trigger {table}_no_change on {table}")
        op.execute(f"drop trigger {table}_no_truncate on {table}")
        return
    op.execute(f"drop trigger {table}_no_update")
    op.execute(f"drop trigger {table}_no_delete")
    if table in KEYS:
        op.execute(f"drop trigger {table}_no_replace")
