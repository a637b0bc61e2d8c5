"""Variants of the store that lack one promise each: a test that finds nothing wrong with one of them tests nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

import storage.audit.verify
import storage.database.engine
import storage.write.leases
import storage.write.publish
from storage.audit.checked_entries import CheckedEntry
from storage.schema.tables import policy_slot
from storage.store import Store
from storage.write.leases import Lease


def commit_each_statement(engine: Engine) -> None:
    """Let every statement commit by itself, as on a store that knows no transaction."""

    @event.listens_for(engine, "before_cursor_execute")
    def commit_what_came_before(connection: Any, *_: object) -> None:
        connection.connection.commit()


def ignore_the_fence() -> None:
    """Let whoever holds a claim publish, whoever has claimed the slot since; for this whole process."""
    storage.write.publish._consume_lease = use_claim_without_a_look


def use_claim_without_a_look(connection: Connection, lease: Lease) -> None:
    """Mark the slot as published, whoever holds it."""
    here = (policy_slot.c.scope == lease.scope, policy_slot.c.slot == lease.slot)
    connection.execute(policy_slot.update().where(*here).values(state="published"))


def grant_every_claim() -> None:
    """Let everybody who asks have the slot, with nothing of it written; for this whole process."""
    storage.write.leases.acquire_lease = _grant


def _grant(
    connection: Connection,
    scope: str,
    slot: datetime,
    owner: str,
    lease_duration: timedelta,
    *,
    dead_owner: str | None = None,
) -> Lease:
    return Lease(scope=scope, slot=slot, owner=owner, fencing_token=1, lease_until_at=slot + lease_duration)


def trust_every_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verifier take every digest for good, as one that trusts the digest in the row."""
    monkeypatch.setattr(storage.audit.verify._Walk, "_link", _follow_without_looking)


def _follow_without_looking(walk: "storage.audit.verify._Walk", entry: CheckedEntry) -> None:
    walk.progress = replace(walk.progress, entry_id=entry.number, digest=entry.digest)


def lock_readers_out(store: Store) -> None:
    """Let every write transaction lock readers out until it ends; on SQLite for this whole process."""
    if store.url.get_backend_name() == "sqlite":
        vars(storage.database.engine)["journal_mode"] = lambda _: "delete"
        store.writer = storage.database.engine._sqlite_engine(
            store.url, None, storage.database.engine._prepare_sqlite_writer, "BEGIN EXCLUSIVE"
        )
        store.writer.connect().close()  # the journal's mode changes only while nobody reads
    else:
        event.listen(
            store.writer,
            "begin",
            lambda connection: connection.execute(text("lock table policy_run in access exclusive mode")),
        )
