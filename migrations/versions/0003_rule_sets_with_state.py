"""Rule sets with state: probes, decisions in the shadow of the live ones, and what the breaker rests on."""

import sqlalchemy as sa
from alembic import op

from migrations import append_only, views_0002
from migrations.column_types import COUNT, FLAG, NUMBER, TIME
from migrations.ddl import create_views, drop_views

revision = "0003"
down_revision = "0002"

APPEND_ONLY = {"policy_shadow": "run_id", "policy_breaker": "run_id"}
KEYS = {"policy_shadow": ("run_id", "symbol", "rule_set"), "policy_breaker": ("run_id", "symbol", "rule_set")}
# A person who decided otherwise did not ask for probes.
PROBES = {"probe_every": "case when o.entry_id is null then s.probe_every end"}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    drop_views(views_0002.COMMENTS)
    op.add_column(
        "policy_run",
        sa.Column("shadows", sa.Text(), comment="rule sets in its shadow, JSON: name to digest; null where none"),
    )
    op.add_column("policy_snapshot", sa.Column("probe_every", COUNT, comment=_PROBE_EVERY))
    _create_shadow()
    _create_breaker()
    append_only.protect(APPEND_ONLY, KEYS, with_function=False)
    create_views(views_0002.views(dialect, PROBES), views_0002.COMMENTS)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    drop_views(views_0002.COMMENTS)
    append_only.release(APPEND_ONLY, KEYS, with_function=False)
    op.drop_table("policy_breaker")
    op.drop_table("policy_shadow")
    op.drop_column("policy_snapshot", "probe_every")
    op.drop_column("policy_run", "shadows")
    create_views(views_0002.views(dialect), views_0002.COMMENTS)


_PROBE_EVERY = "of how many orders one may go out as a maker probe while the rest are held back; null: no probes"
_REGIMES = "regime in ('quiet', 'normal', 'hot', 'panic', 'unknown')"
_QUALITIES = "in ('good', 'ok', 'degraded', 'broken')"


def _keys(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.ForeignKeyConstraint(["run_id"], ["policy_run.run_id"], name=f"fk_{table}_run_id"),
        sa.PrimaryKeyConstraint("run_id", "symbol", "rule_set", name=f"pk_{table}"),
    )


def _create_shadow() -> None:
    op.create_table(
        "policy_shadow",
        sa.Column("run_id", COUNT, nullable=False, comment="the run"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market"),
        sa.Column("rule_set", sa.Text(), nullable=False, comment="name of the rule set that would have decided so"),
        sa.Column("maker_first", FLAG, nullable=False, comment="false: it would skip the maker attempt and cross"),
        sa.Column("taker_bias", sa.Text(), nullable=False, comment="prefer_maker, balanced or prefer_taker"),
        sa.Column("quality", sa.Text(), nullable=False, comment="good, ok, degraded or broken"),
        sa.Column("regime", sa.Text(), nullable=False, comment="quiet, normal, hot, panic or unknown"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why, for people"),
        sa.Column("codes", sa.Text(), nullable=False, comment="why, for programs: JSON list of code, value, threshold"),
        sa.Column("maker_offset_bps", NUMBER, nullable=False, comment="distance of the maker price from the mid"),
        sa.Column("probe_every", COUNT, comment=_PROBE_EVERY),
        sa.CheckConstraint(
            "taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')", name="ck_policy_shadow_taker_bias_known"
        ),
        sa.CheckConstraint(f"quality {_QUALITIES}", name="ck_policy_shadow_quality_known"),
        sa.CheckConstraint(_REGIMES, name="ck_policy_shadow_regime_known"),
        sa.CheckConstraint(
            "maker_offset_bps between -1e300 and 1e300", name="ck_policy_shadow_maker_offset_bps_finite"
        ),
        *_keys("policy_shadow"),
        comment="What rule sets in the shadow of the live one would have decided, on the same evidence.",
        sqlite_strict=True,
    )


def _count(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, COUNT, nullable=False, comment=comment)


def _time(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, TIME, comment=comment)


def _create_breaker() -> None:
    op.create_table(
        "policy_breaker",
        sa.Column("run_id", COUNT, nullable=False, comment="the run"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market"),
        sa.Column("rule_set", sa.Text(), nullable=False, comment="name of the rule set, live or in the shadow"),
        sa.Column("state_before", sa.Text(), comment="what it remembered before, as JSON; null for a first run"),
        _count("miss_run", "maker orders of 24 hours that did not fill, after the last that did"),
        _count("start_count", "maker orders before that run, since the evidence restarted"),
        _count("miss_count", "of these, not filled as maker"),
        _count("reject_run", "the last maker orders that the venue refused as post-only, in a row"),
        _count("probe_count", "maker orders since the symbol's breaker opened: probes"),
        _count("probe_filled_count", "of these, filled"),
        _time("last_probe_at", "the newest of them"),
        _count("pool_miss_run", "the run of misses over all symbols of the scope"),
        _count("pool_start_count", "maker orders of all symbols before that run"),
        _count("pool_miss_count", "of these, not filled as maker"),
        _count("pool_probe_count", "maker orders since the scope's breaker opened: probes"),
        _count("pool_probe_filled_count", "of these, filled"),
        _time("pool_last_probe_at", "the newest of them"),
        sa.Column("fee_gap_bps", NUMBER, comment="taker fee less maker fee; null where the settings do not say"),
        sa.Column("is_one_tick", FLAG, comment="whether the spread is one tick; null where candles do not show it"),
        _time("opened_at", "the symbol's breaker is open since this slot; null while closed"),
        _time("restarted_at", "evidence counts from this slot, after a probe had filled; null for all of it"),
        _time("pool_opened_at", "the scope's breaker is open since this slot; null while closed"),
        _time("pool_restarted_at", "the scope's evidence counts from this slot; null for all of it"),
        sa.Column("label", sa.Text(), nullable=False, comment="good, ok, degraded or broken, as shown"),
        sa.Column("next_label", sa.Text(), nullable=False, comment="what the last runs found instead"),
        _count("next_label_count", "how many runs in a row found it; 0 where they agree with the label"),
        sa.CheckConstraint(f"label {_QUALITIES}", name="ck_policy_breaker_label_known"),
        sa.CheckConstraint(f"next_label {_QUALITIES}", name="ck_policy_breaker_next_label_known"),
        sa.CheckConstraint("fee_gap_bps between -1e300 and 1e300", name="ck_policy_breaker_fee_gap_bps_finite"),
        *_keys("policy_breaker"),
        comment="What the rule set breaker rested on and remembers, per run and symbol, live or in the shadow.",
        sqlite_strict=True,
    )
