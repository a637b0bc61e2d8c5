"""Variants of the store that lack one promise each: a test that finds nothing wrong with one of them is no test."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event

import storage.claims
import storage.publish
from storage.claims import Claim
from storage.schema import policy_slot


def commit_each_statement(engine: Engine) -> None:
    """Let every statement commit by itself, as on a store that knows no transaction."""

    @event.listens_for(engine, "before_cursor_execute")
    def commit_what_came_before(connection: Any, *_: object) -> None:
        connection.connection.commit()


def ignore_the_fence() -> None:
    """Let whoever holds a claim publish, whoever has claimed the slot since; for this whole process."""
    storage.publish._use_claim = use_claim_without_a_look


def use_claim_without_a_look(connection: Connection, claim: Claim) -> None:
    """Mark the slot as published, whoever holds it."""
    here = (policy_slot.c.scope == claim.scope, policy_slot.c.slot == claim.slot)
    connection.execute(policy_slot.update().where(*here).values(state="published"))


def grant_every_claim() -> None:
    """Let everybody who asks have the slot, with nothing of it written; for this whole process."""
    storage.claims.claim_slot = _grant


def _grant(
    connection: Connection, scope: str, slot: datetime, owner: str, lease: timedelta, *, gone: str | None = None
) -> Claim:
    return Claim(scope=scope, slot=slot, owner=owner, fence=1, lease_until_at=slot + lease)
