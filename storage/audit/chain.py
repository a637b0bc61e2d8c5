"""The chain: everything that was published, each entry with the digest of the one before.

Runs, overrides, their early ends and prunes are its entries. They share one sequence of numbers, so a missing entry
leaves a gap, and one head, so a digest kept elsewhere vouches for everything before it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from storage.schema.tables import policy_head

# The payload of each notification is the number of the entry that was published.
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
    """Return the number of the next entry and the digest before it, and lock the head row until commit.

    Writers take the row one after the other, so the chain cannot fork.
    """
    reserved = update(policy_head).values(entry_id=policy_head.c.entry_id + 1)
    row = connection.execute(reserved.returning(policy_head.c.entry_id, policy_head.c.digest)).one()
    return row.entry_id, row.digest


def wait_for_writer(connection: Connection) -> None:
    """Wait until a writer that holds the head has committed or given up: its entry is there then, or never will be."""
    connection.execute(select(policy_head.c.entry_id).with_for_update())


def advance_head(connection: Connection, digest: str) -> None:
    """Make an entry that was just written the end of the chain; on Postgres, notify listeners once it is committed."""
    moved = update(policy_head).values(digest=digest).returning(policy_head.c.entry_id)
    entry_id = connection.execute(moved).scalar_one()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, str(entry_id))))
