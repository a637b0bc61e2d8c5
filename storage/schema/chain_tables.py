"""The tables of the chain beside the runs: its head, and the entries that people and prunes make."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from storage.schema.column_types import COUNT, Flag, UtcTimestamp
from storage.schema.table_parts import digest_form, metadata, one_of

policy_head = Table(
    "policy_head",
    metadata,
    Column("head_id", COUNT, primary_key=True, autoincrement=False, comment="always 1: there is one head"),
    Column("entry_id", COUNT, nullable=False, comment="the last entry of the chain, 0 before the first"),
    Column("digest", Text, nullable=False, comment="that entry's digest, empty before the first"),
    CheckConstraint("head_id = 1", name="single"),
    comment="The end of the chain; every publisher locks this row first, so that the chain cannot fork.",
    sqlite_strict=True,
)

policy_override = Table(
    "policy_override",
    metadata,
    Column("entry_id", COUNT, primary_key=True, autoincrement=False, comment="its number in the chain"),
    Column("scope", Text, ForeignKey("policy_scope.scope"), nullable=False, comment="the scope"),
    Column("symbol", Text, nullable=False, comment="the market that it is for"),
    Column("maker_first", Flag, nullable=False, comment="what the router does instead"),
    Column("taker_bias", Text, nullable=False, comment="how patient the router is instead"),
    Column("author", Text, nullable=False, comment="who decided it"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("from_at", UtcTimestamp, nullable=False, comment="in force from then on, inclusive"),
    Column("until_at", UtcTimestamp, nullable=False, comment="in force until then, exclusive"),
    Column("digest", Text, nullable=False, comment="SHA-256 over the row and the digest before it"),
    Column("previous_digest", Text, nullable=False, comment="the digest of the entry before"),
    digest_form(),
    one_of("taker_bias", "prefer_maker", "balanced", "prefer_taker"),
    CheckConstraint("from_at < until_at", name="lasts"),
    Index(None, "scope", "symbol"),
    comment="A person's temporary decision, in force instead of the computed one; of two the later one counts.",
    sqlite_strict=True,
)

policy_override_end = Table(
    "policy_override_end",
    metadata,
    Column("entry_id", COUNT, primary_key=True, autoincrement=False, comment="its number in the chain"),
    Column("override_id", COUNT, ForeignKey("policy_override.entry_id"), nullable=False, comment="what was ended"),
    Column("author", Text, nullable=False, comment="who ended it"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("ended_at", UtcTimestamp, nullable=False, comment="the override is not in force from then on"),
    Column("digest", Text, nullable=False, comment="SHA-256 over the row and the digest before it"),
    Column("previous_digest", Text, nullable=False, comment="the digest of the entry before"),
    digest_form(),
    UniqueConstraint("override_id"),
    comment="An override that was ended before its time.",
    sqlite_strict=True,
)

policy_prune = Table(
    "policy_prune",
    metadata,
    Column("entry_id", COUNT, primary_key=True, autoincrement=False, comment="its number in the chain"),
    Column("through_entry_id", COUNT, nullable=False, comment="every entry up to this one was removed"),
    Column("anchor_digest", Text, nullable=False, comment="the digest of that entry: the chain goes on from it"),
    Column("run_count", COUNT, nullable=False, comment="how many runs were removed"),
    Column("pruned_at", UtcTimestamp, nullable=False, comment="when"),
    Column("digest", Text, nullable=False, comment="SHA-256 over the row and the digest before it"),
    Column("previous_digest", Text, nullable=False, comment="the digest of the entry before"),
    digest_form(),
    comment="What was removed for its age. Only what such a row covers can be deleted.",
    sqlite_strict=True,
)
