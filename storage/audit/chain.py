"""The chain: everything that was published, each entry with the digest of the one before.

Runs, overrides, their early ends and prunes are its entries. They share one row of numbers, so that one missing from
the middle leaves a hole, and one head, so that a digest kept elsewhere stands for all that came before it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from storage.schema.tables import policy_head

# What Postgres says on it is the number of the entry that was published.
CHANNEL = "router_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the chain: the number of its last entry, 0 for an empty one, and that entry's digest."""

    entry_id: int
    digest: str


def head(connection: Connection) -> Head:
    """Return the end of the chain."""
    row = connection.execute(select(policy_head.c.entry_id, policy_head.c.digest)).one()
    return Head(entry_id=row.entry_id, digest=row.digest)


def reserve_next_entry(connection: Connection) -> tuple[int, str]:
    """Return the number of the next entry and the digest before it, and keep others waiting until the transaction ends.

    Whoever takes the head's row first is followed by the rest, so the chain cannot fork.
    """
    taken = update(policy_head).values(entry_id=policy_head.c.entry_id + 1)
    row = connection.execute(taken.returning(policy_head.c.entry_id, policy_head.c.digest)).one()
    return row.entry_id, row.digest


def wait_for_writer(connection: Connection) -> None:
    """Wait until whoever is writing an entry has committed it or given up: it is there then, or never will be."""
    connection.execute(select(policy_head.c.entry_id).with_for_update())


def advance_head(connection: Connection, digest: str) -> None:
    """Make an entry that was just written the end of the chain; on Postgres, tell who listens once it is committed."""
    moved = update(policy_head).values(digest=digest).returning(policy_head.c.entry_id)
    entry_id = connection.execute(moved).scalar_one()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, str(entry_id))))
