"""The first schema: slots, runs, snapshots, rule sets, rejected rows, failures, and the public views.

A migration is a record of what was done: it says the schema of its day in full and does not follow later models.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

from migrations.column_types import COUNT, FLAG, NUMBER, TIME
from migrations.ddl import create_views, drop_views, on_postgres
from migrations.views_0001 import COMMENTS, VIEWS

revision = "0001"
down_revision = None

TABLES = (
    "policy_reject",
    "policy_snapshot",
    "policy_run",
    "policy_run_failure",
    "policy_rule_set",
    "policy_slot",
    "policy_scope",
    "policy_head",
)
# Every number of a snapshot: neither infinite nor NaN.
FINITE = (
    "atr_long_pct",
    "atr_ratio",
    "atr_short_pct",
    "bar_age_seconds",
    "expectancy",
    "fallback_ratio",
    "maker_fill_ratio",
    "maker_offset_bps",
    "slip_q25",
    "slip_q50",
    "slip_q75",
)


def _create_slots() -> None:
    op.create_table(
        "policy_scope",
        sa.Column("scope", sa.Text(), nullable=False, comment="which book: an account, a venue, paper or live"),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_policy_scope")),
        comment="Every scope that has had a run.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_slot",
        sa.Column("scope", sa.Text(), nullable=False, comment="the book that the slot belongs to"),
        sa.Column("slot", TIME, nullable=False, comment="the scheduled time of the run"),
        sa.Column("state", sa.Text(), nullable=False, comment="running, published, failed or missed"),
        sa.Column(
            "owner", sa.Text(), nullable=False, comment="host:process@start of the last holder, empty when missed"
        ),
        sa.Column("fence", COUNT, nullable=False, comment="counts the holders; only the latest may publish"),
        sa.Column("lease_until_at", TIME, nullable=False, comment="when another process may take the slot over"),
        sa.CheckConstraint(
            "state in ('running', 'published', 'failed', 'missed')", name=op.f("ck_policy_slot_state_known")
        ),
        sa.PrimaryKeyConstraint("scope", "slot", name=op.f("pk_policy_slot")),
        comment="Who computes which slot: a lease with a fencing number. The only table whose rows change.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_run_failure",
        sa.Column("scope", sa.Text(), nullable=False, comment="the book"),
        sa.Column("slot", TIME, nullable=False, comment="the slot that could not be computed"),
        sa.Column("fence", COUNT, autoincrement=False, nullable=False, comment="which try it was"),
        sa.Column("owner", sa.Text(), nullable=False, comment="host:process@start that tried"),
        sa.Column("failed_at", TIME, nullable=False, comment="when it gave up"),
        sa.Column("error", sa.Text(), nullable=False, comment="what went wrong"),
        sa.PrimaryKeyConstraint("scope", "slot", "fence", name=op.f("pk_policy_run_failure")),
        comment="Tries at a slot that published nothing.",
        sqlite_strict=True,
    )


def _create_head() -> None:
    op.create_table(
        "policy_head",
        sa.Column("head_id", COUNT, autoincrement=False, nullable=False, comment="always 1: there is one head"),
        sa.Column("entry_id", COUNT, nullable=False, comment="the last entry of the chain, 0 before the first"),
        sa.Column("digest", sa.Text(), nullable=False, comment="that entry's digest, empty before the first"),
        sa.CheckConstraint("head_id = 1", name=op.f("ck_policy_head_single")),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_policy_head")),
        comment="The end of the chain; whoever publishes takes this row first, so that entries follow each other.",
        sqlite_strict=True,
    )
    op.execute("insert into policy_head (head_id, entry_id, digest) values (1, 0, '')")


def _create_runs() -> None:
    op.create_table(
        "policy_rule_set",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 over name, version and parameters"),
        sa.Column("name", sa.Text(), nullable=False, comment="the rule set's name"),
        sa.Column("version", COUNT, nullable=False, comment="the version of its code"),
        sa.Column("parameters", sa.Text(), nullable=False, comment="its parameters as JSON, keys sorted"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_rule_set")),
        comment="What the name of a rule set meant on that day.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_run",
        sa.Column("run_id", COUNT, autoincrement=False, nullable=False, comment="its number in the chain"),
        sa.Column("scope", sa.Text(), nullable=False, comment="the book"),
        sa.Column("slot", TIME, nullable=False, comment="the scheduled time: the as_of of the run"),
        sa.Column("origin", sa.Text(), nullable=False, comment="schedule, manual or backfill"),
        sa.Column("rule_set", sa.Text(), nullable=False, comment="name of the rule set that decided"),
        sa.Column("rule_set_digest", sa.Text(), nullable=False, comment="what it meant"),
        sa.Column("engine", sa.Text(), nullable=False, comment="the engine that measured, with its version"),
        sa.Column("code_version", sa.Text(), nullable=False, comment="version of router-policy"),
        sa.Column("owner", sa.Text(), nullable=False, comment="host:process@start that computed it"),
        sa.Column("started_at", TIME, nullable=False, comment="when computing began"),
        sa.Column("published_at", TIME, nullable=False, comment="when it was published: readers see it from then on"),
        sa.Column("symbol_count", COUNT, nullable=False, comment="how many snapshots it has"),
        sa.Column("event_count", COUNT, nullable=False, comment="how many order outcomes were used"),
        sa.Column("reject_count", COUNT, nullable=False, comment="how many rows of the sources were not used"),
        sa.Column("sources", sa.Text(), nullable=False, comment="what the sources looked like, as JSON"),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="SHA-256 over the run, its rows and the digest before it"
        ),
        sa.Column(
            "previous_digest", sa.Text(), nullable=False, comment="the digest of the entry before, empty for the first"
        ),
        sa.CheckConstraint("origin in ('schedule', 'manual', 'backfill')", name=op.f("ck_policy_run_origin_known")),
        sa.ForeignKeyConstraint(
            ["rule_set_digest"], ["policy_rule_set.digest"], name=op.f("fk_policy_run_rule_set_digest")
        ),
        sa.ForeignKeyConstraint(["scope"], ["policy_scope.scope"], name=op.f("fk_policy_run_scope")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_policy_run")),
        sa.UniqueConstraint("previous_digest", name=op.f("uq_policy_run_previous_digest")),
        sa.UniqueConstraint("scope", "slot", name=op.f("uq_policy_run_scope_slot")),
        comment="One row per run. A run is published whole or not at all.",
        sqlite_strict=True,
    )


def _decision_columns() -> list[SchemaItem]:
    return [
        sa.Column("run_id", COUNT, nullable=False, comment="the run"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market, as the order log names it"),
        sa.Column("scope", sa.Text(), nullable=False, comment="the run's scope"),
        sa.Column("slot", TIME, nullable=False, comment="the run's slot"),
        sa.Column("maker_first", FLAG, nullable=False, comment="false: skip the maker attempt and cross"),
        sa.Column(
            "taker_bias",
            sa.Text(),
            nullable=False,
            comment="prefer_maker, balanced or prefer_taker: full, half, quarter wait",
        ),
        sa.Column("quality", sa.Text(), nullable=False, comment="good, ok, degraded or broken"),
        sa.Column("regime", sa.Text(), nullable=False, comment="quiet, normal, hot, panic or unknown"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why, for people"),
        sa.Column("codes", sa.Text(), nullable=False, comment="why, for programs: JSON list of code, value, threshold"),
    ]


def _effectiveness_columns() -> list[SchemaItem]:
    return [
        sa.Column(
            "maker_fill_ratio",
            NUMBER,
            nullable=True,
            comment="filled as maker / started as maker; null when none started",
        ),
        sa.Column(
            "fallback_ratio",
            NUMBER,
            nullable=True,
            comment="fell back to taker / started as maker; null when none started",
        ),
        sa.Column(
            "slip_q25", NUMBER, nullable=True, comment="lower quartile of slippage in bps against the mid, + is worse"
        ),
        sa.Column("slip_q50", NUMBER, nullable=True, comment="median of slippage in bps against the mid, + is worse"),
        sa.Column(
            "slip_q75", NUMBER, nullable=True, comment="upper quartile of slippage in bps against the mid, + is worse"
        ),
        sa.Column("outcome_count", COUNT, nullable=False, comment="order outcomes in the seven days before the slot"),
        sa.Column("maker_started_count", COUNT, nullable=False, comment="of these, started as maker"),
        sa.Column("slippage_count", COUNT, nullable=False, comment="of these, with a slippage"),
    ]


def _market_and_rule_columns() -> list[SchemaItem]:
    return [
        sa.Column(
            "atr_short_pct", NUMBER, nullable=True, comment="mean true range of 50 bars in percent of the last close"
        ),
        sa.Column(
            "atr_long_pct", NUMBER, nullable=True, comment="mean true range of 500 bars in percent of the last close"
        ),
        sa.Column("atr_ratio", NUMBER, nullable=True, comment="short / long; null with fewer than 500 bars"),
        sa.Column("bar_count", COUNT, nullable=False, comment="closed bars that were there, 500 at most"),
        sa.Column(
            "bar_age_seconds",
            NUMBER,
            nullable=True,
            comment="from the close of the last closed bar to the slot; null without a bar",
        ),
        sa.Column(
            "expectancy",
            NUMBER,
            nullable=True,
            comment="realized profit per notional in the slot's hour of day; null without any",
        ),
        sa.Column("expectancy_count", COUNT, nullable=False, comment="outcomes behind the expectancy"),
        sa.Column("maker_offset_bps", NUMBER, nullable=False, comment="distance of the maker price from the mid"),
        sa.Column("rule_set", sa.Text(), nullable=False, comment="name of the rule set that decided"),
    ]


def _finite_check(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} between -1e300 and 1e300", name=op.f(f"ck_policy_snapshot_{column}_finite"))


def _create_snapshots() -> None:
    op.create_table(
        "policy_snapshot",
        *_decision_columns(),
        *_effectiveness_columns(),
        *_market_and_rule_columns(),
        sa.CheckConstraint(
            "quality in ('good', 'ok', 'degraded', 'broken')", name=op.f("ck_policy_snapshot_quality_known")
        ),
        sa.CheckConstraint(
            "regime in ('quiet', 'normal', 'hot', 'panic', 'unknown')", name=op.f("ck_policy_snapshot_regime_known")
        ),
        sa.CheckConstraint(
            "taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')",
            name=op.f("ck_policy_snapshot_taker_bias_known"),
        ),
        *(_finite_check(column) for column in FINITE),
        sa.ForeignKeyConstraint(["run_id"], ["policy_run.run_id"], name=op.f("fk_policy_snapshot_run_id")),
        sa.PrimaryKeyConstraint("run_id", "symbol", name=op.f("pk_policy_snapshot")),
        comment="The policy for one symbol as of one slot, with everything that it was decided on.",
        sqlite_strict=True,
    )
    op.create_index("ix_policy_snapshot_scope_symbol_slot", "policy_snapshot", ["scope", "symbol", "slot"])
    if on_postgres():
        op.create_index("ix_policy_snapshot_slot_brin", "policy_snapshot", ["slot"], postgresql_using="brin")


def _create_rejects() -> None:
    op.create_table(
        "policy_reject",
        sa.Column("run_id", COUNT, nullable=False, comment="the run"),
        sa.Column("source", sa.Text(), nullable=False, comment="orders or candles"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why the rows were not used"),
        sa.Column("reject_count", COUNT, nullable=False, comment="how many"),
        sa.Column("sample", sa.Text(), nullable=False, comment="where one of them is: file and line, or what names it"),
        sa.ForeignKeyConstraint(["run_id"], ["policy_run.run_id"], name=op.f("fk_policy_reject_run_id")),
        sa.PrimaryKeyConstraint("run_id", "source", "reason", name=op.f("pk_policy_reject")),
        comment="Rows of the sources that a run did not use, counted by reason.",
        sqlite_strict=True,
    )


def upgrade() -> None:
    _create_slots()
    _create_head()
    _create_runs()
    _create_snapshots()
    _create_rejects()
    create_views(VIEWS, COMMENTS)


def downgrade() -> None:
    drop_views(VIEWS)
    for table in TABLES:
        op.drop_table(table)
