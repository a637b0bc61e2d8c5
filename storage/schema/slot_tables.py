"""The tables of scopes and slots: who computes which slot, and the tries that published nothing."""

from sqlalchemy import Column, Table, Text

from storage.schema.column_types import COUNT, UtcTimestamp
from storage.schema.table_parts import metadata, one_of

policy_scope = Table(
    "policy_scope",
    metadata,
    Column("scope", Text, primary_key=True, comment="an account, a venue, paper or live"),
    comment="Every scope that has had a run.",
    sqlite_strict=True,
)

policy_slot = Table(
    "policy_slot",
    metadata,
    Column("scope", Text, primary_key=True, comment="the scope that the slot belongs to"),
    Column("slot", UtcTimestamp, primary_key=True, comment="the scheduled time of the run"),
    Column("state", Text, nullable=False, comment="running, published, failed or missed"),
    Column("owner", Text, nullable=False, comment="host:process@start of the last holder, empty when missed"),
    Column("fencing_token", COUNT, nullable=False, comment="counts the holders; only the latest may publish"),
    Column("lease_until_at", UtcTimestamp, nullable=False, comment="when another process may take the slot over"),
    one_of("state", "running", "published", "failed", "missed"),
    comment="Who computes which slot: a lease with a fencing token. It is no part of the history: its rows change.",
    sqlite_strict=True,
)

policy_run_failure = Table(
    "policy_run_failure",
    metadata,
    Column("scope", Text, primary_key=True, comment="the scope"),
    Column("slot", UtcTimestamp, primary_key=True, comment="the slot that could not be computed"),
    Column("fencing_token", COUNT, primary_key=True, autoincrement=False, comment="which try it was"),
    Column("owner", Text, nullable=False, comment="host:process@start that tried"),
    Column("failed_at", UtcTimestamp, nullable=False, comment="when it gave up"),
    Column("error", Text, nullable=False, comment="what went wrong"),
    comment="Tries at a slot that published nothing.",
    sqlite_strict=True,
)
