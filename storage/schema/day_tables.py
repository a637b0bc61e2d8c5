"""The tables of days: no facts but figures, which are computed from the log after a run and may be written again."""

from datetime import datetime

from sqlalchemy import Column, Table, Text

from storage.schema.column_types import COUNT, REAL, UtcTimestamp
from storage.schema.table_parts import finite, metadata, one_of


def _day_key() -> tuple[Column[str], Column[datetime]]:
    return (
        Column("scope", Text, primary_key=True, comment="the scope"),
        Column("day", UtcTimestamp, primary_key=True, comment="the midnight in UTC that it begins with"),
    )


policy_day = Table(
    "policy_day",
    metadata,
    *_day_key(),
    Column(
        "as_of", UtcTimestamp, nullable=False, comment="orders before it are counted: the end of the day, or earlier"
    ),
    Column("computed_at", UtcTimestamp, nullable=False, comment="when the log was read for it"),
    comment="The UTC days whose orders have figures. They may change, and no digest covers them.",
    sqlite_strict=True,
)

policy_day_cost = Table(
    "policy_day_cost",
    metadata,
    *_day_key(),
    Column("symbol", Text, primary_key=True, comment="the market"),
    Column("route", Text, primary_key=True, comment="how the orders went: maker, taker, probe or unknown"),
    Column("order_count", COUNT, nullable=False, comment="how many orders"),
    Column("cost_count", COUNT, nullable=False, comment="of these, filled: their cost is known"),
    Column("mean_bps", REAL, comment="mean of slippage and fee in bps, + is worse; null if none filled"),
    Column("money_count", COUNT, nullable=False, comment="of these, with a notional"),
    Column("money", REAL, comment="what these cost together, in the currency of the log; null if there are none"),
    one_of("route", "maker", "taker", "probe", "unknown"),
    *map(finite, ("mean_bps", "money")),
    comment="What the orders of a day cost, by symbol and route.",
    sqlite_strict=True,
)

policy_day_drift = Table(
    "policy_day_drift",
    metadata,
    *_day_key(),
    Column("symbol", Text, primary_key=True, comment="the market"),
    Column("order_count", COUNT, nullable=False, comment="how many orders"),
    Column("no_run_count", COUNT, nullable=False, comment="of these, without a run"),
    Column("unknown_run_count", COUNT, nullable=False, comment="of these, naming a run that does not exist"),
    Column("superseded_count", COUNT, nullable=False, comment="of these, sent by a policy when a newer one was out"),
    Column("expired_count", COUNT, nullable=False, comment="of these, sent by a policy that had expired"),
    Column(
        "maker_while_taker_count",
        COUNT,
        nullable=False,
        comment="of these, maker first while taker was in force, and no probe",
    ),
    Column("not_as_assigned_count", COUNT, nullable=False, comment="of these, not sent as the holdout assigned them"),
    comment="How many orders of a day did not follow the policy of their time, by symbol and kind.",
    sqlite_strict=True,
)
