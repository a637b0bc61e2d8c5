"""What orders saved of which chance decided the way."""

import sqlalchemy as sa
from alembic import op

from migrations import append_only
from migrations.column_types import COUNT, NUMBER, TIME

revision = "0009"
down_revision = "0008"

_APPEND_ONLY = {"policy_saving": "run_id"}
_KEYS = {"policy_saving": ("run_id", "symbol", "comparison")}
_COMPARISONS = "comparison in ('maker_against_taker', 'policy_against_taker', 'policy_against_maker')"
_NUMBERS = {
    "sent_margin_bps": "± of the orders sent, at every look; null: too few orders of a way",
    "sent_single_look_margin_bps": "± of the orders sent, valid for one look only",
    "any_margin_bps": "± of any future order, at every look; null: too few orders of a way",
    "any_single_look_margin_bps": "± of any future order, valid for one look only",
}
_MONEY = {
    "saving_money": "what these saved together, in the currency of their notional",
    "margin_money": "± of that sum, at every look",
    "single_look_margin_money": "± of that sum, valid for one look only",
}


def upgrade() -> None:
    op.create_table(
        "policy_saving",
        *_identity(),
        *_counts(),
        sa.Column(
            "saving_bps",
            NUMBER,
            nullable=False,
            comment="what the first way saved in bps an order; below 0: it cost",
        ),
        *(sa.Column(name, NUMBER, comment=comment) for name, comment in _NUMBERS.items()),
        sa.Column("money_order_count", COUNT, nullable=False, comment="of the orders, those with a notional"),
        *(sa.Column(name, NUMBER, comment=comment) for name, comment in _MONEY.items()),
        sa.CheckConstraint(_COMPARISONS, name="ck_policy_saving_comparison_known"),
        *(
            sa.CheckConstraint(f"{name} between -1e300 and 1e300", name=f"ck_policy_saving_{name}_finite")
            for name in ("saving_bps", *_NUMBERS, *_MONEY)
        ),
        sa.ForeignKeyConstraint(["run_id"], ["policy_run.run_id"], name="fk_policy_saving_run_id"),
        sa.PrimaryKeyConstraint("run_id", "symbol", "comparison", name="pk_policy_saving"),
        comment="What orders saved of which chance decided the way; a figure that is not new is not stored again.",
        sqlite_strict=True,
    )
    columns = ["scope", "symbol", "comparison", "slot"]
    op.create_index("ix_policy_saving_scope_symbol_comparison_slot", "policy_saving", columns)
    append_only.protect(_APPEND_ONLY, _KEYS, with_function=False)


def downgrade() -> None:
    append_only.release(_APPEND_ONLY, _KEYS, with_function=False)
    op.drop_table("policy_saving")


def _identity() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("run_id", COUNT, nullable=False, comment="the run"),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market; empty for all markets of the scope"),
        sa.Column(
            "comparison",
            sa.Text(),
            nullable=False,
            comment="which way against which: maker_against_taker, policy_against_taker or policy_against_maker",
        ),
        sa.Column("scope", sa.Text(), nullable=False, comment="the run's scope"),
        sa.Column("slot", TIME, nullable=False, comment="the run's slot"),
        sa.Column("since", TIME, nullable=False, comment="the orders are those from then on until the slot"),
    )


def _counts() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("order_count", COUNT, nullable=False, comment="orders of which chance decided the way"),
        sa.Column("maker_count", COUNT, nullable=False, comment="of these, sent as maker"),
        sa.Column("taker_count", COUNT, nullable=False, comment="of these, sent straight to taker"),
    )
