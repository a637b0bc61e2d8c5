"""What the orders of each day cost, and how many of them drifted: figures that are computed after a run."""

import sqlalchemy as sa
from alembic import op

from migrations.column_types import COUNT, NUMBER, TIME
from migrations.ddl import on_postgres

revision = "0011"
down_revision = "0010"

_DRIFT = {
    "no_run_count": "of these, without a run",
    "unknown_run_count": "of these, naming a run that does not exist",
    "superseded_count": "of these, sent by a policy when a newer one was out",
    "expired_count": "of these, sent by a policy that had expired",
    "maker_while_taker_count": "of these, maker first while taker was in force, and no probe",
    "not_as_assigned_count": "of these, not sent as the holdout assigned them",
}


_SLOT = "Who computes which slot: a lease with a fencing token."


def upgrade() -> None:
    _describe_slots(f"{_SLOT} It is no part of the history: its rows change.")
    op.create_table(
        "policy_day",
        *_day(),
        sa.Column(
            "as_of", TIME, nullable=False, comment="orders before it are counted: the end of the day, or earlier"
        ),
        sa.Column("computed_at", TIME, nullable=False, comment="when the log was read for it"),
        sa.PrimaryKeyConstraint("scope", "day", name="pk_policy_day"),
        comment="The UTC days whose orders have figures. They may change, and no digest covers them.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_day_cost",
        *_day(),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market"),
        sa.Column("route", sa.Text(), nullable=False, comment="how the orders went: maker, taker, probe or unknown"),
        sa.Column("order_count", COUNT, nullable=False, comment="how many orders"),
        sa.Column("cost_count", COUNT, nullable=False, comment="of these, filled: their cost is known"),
        sa.Column("mean_bps", NUMBER, comment="mean of slippage and fee in bps, + is worse; null if none filled"),
        sa.Column("money_count", COUNT, nullable=False, comment="of these, with a notional"),
        sa.Column(
            "money", NUMBER, comment="what these cost together, in the currency of the log; null if there are none"
        ),
        sa.PrimaryKeyConstraint("scope", "day", "symbol", "route", name="pk_policy_day_cost"),
        sa.CheckConstraint(
            "route in ('maker', 'taker', 'probe', 'unknown')", name=op.f("ck_policy_day_cost_route_known")
        ),
        sa.CheckConstraint("mean_bps between -1e300 and 1e300", name=op.f("ck_policy_day_cost_mean_bps_finite")),
        sa.CheckConstraint("money between -1e300 and 1e300", name=op.f("ck_policy_day_cost_money_finite")),
        comment="What the orders of a day cost, by symbol and route.",
        sqlite_strict=True,
    )
    op.create_table(
        "policy_day_drift",
        *_day(),
        sa.Column("symbol", sa.Text(), nullable=False, comment="the market"),
        sa.Column("order_count", COUNT, nullable=False, comment="how many orders"),
        *(sa.Column(name, COUNT, nullable=False, comment=comment) for name, comment in _DRIFT.items()),
        sa.PrimaryKeyConstraint("scope", "day", "symbol", name="pk_policy_day_drift"),
        comment="How many orders of a day did not follow the policy of their time, by symbol and kind.",
        sqlite_strict=True,
    )


def downgrade() -> None:
    for table in ("policy_day_drift", "policy_day_cost", "policy_day"):
        op.drop_table(table)
    _describe_slots(f"{_SLOT} The only table whose rows change.")


def _describe_slots(comment: str) -> None:
    if on_postgres():
        op.execute(f"comment on table policy_slot is '{comment}'")


def _day() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("scope", sa.Text(), nullable=False, comment="the scope"),
        sa.Column("day", TIME, nullable=False, comment="the midnight in UTC that it begins with"),
    )
