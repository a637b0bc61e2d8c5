"""Who computes a slot: a lease with a fencing number, by the database's clock.

A lease and not a lock: a process that was stopped keeps a lock for ever, while a lease runs out and its late holder is
refused by its fencing token when it tries to publish.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from storage.database.transaction import database_now, insert_or_ignore
from storage.errors import SlotTakenError
from storage.schema.tables import policy_run, policy_run_failure, policy_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to publish one slot, as long as nobody has claimed it after `fencing_token`."""

    scope: str
    slot: datetime
    owner: str
    fencing_token: int
    lease_until_at: datetime


class SlotPublishedError(SlotTakenError):
    """The slot has been published already, as run `run_id`."""

    def __init__(self, scope: str, slot: datetime, run_id: int) -> None:
        super().__init__(f"slot {slot.isoformat()} of scope {scope!r} is published already, as run {run_id}")
        self.run_id = run_id


class SlotHeldError(SlotTakenError):
    """Another process holds the slot until `lease_until_at`, or it failed and may not be tried before then."""

    def __init__(self, scope: str, slot: datetime, owner: str, lease_until_at: datetime) -> None:
        super().__init__(
            f"slot {slot.isoformat()} of scope {scope!r} is held by {owner} until {lease_until_at.isoformat()}"
        )
        self.owner = owner
        self.lease_until_at = lease_until_at


def claim_slot(
    connection: Connection, scope: str, slot: datetime, owner: str, lease: timedelta, *, dead_owner: str | None = None
) -> Lease:
    """Take a slot that nobody holds, or whose lease has run out, or whose holder is `dead_owner`, known to be dead.

    Raises SlotPublishedError where it is published, SlotHeldError where another holds it.
    """
    run_id = connection.execute(
        select(policy_run.c.run_id).where(policy_run.c.scope == scope, policy_run.c.slot == slot)
    ).scalar_one_or_none()
    if run_id is not None:
        raise SlotPublishedError(scope, slot, run_id)
    now = database_now(connection)
    until = now + lease
    row = {
        "scope": scope,
        "slot": slot,
        "state": "running",
        "owner": owner,
        "fencing_token": 1,
        "lease_until_at": until,
    }
    new = insert_or_ignore(connection, policy_slot, row).returning(policy_slot.c.fencing_token)
    fencing_token = connection.execute(new).scalar_one_or_none()
    if fencing_token is None:
        fencing_token = _take_over(connection, scope, slot, owner, until, now, dead_owner)
    return Lease(scope=scope, slot=slot, owner=owner, fencing_token=fencing_token, lease_until_at=until)


def _take_over(
    connection: Connection,
    scope: str,
    slot: datetime,
    owner: str,
    until: datetime,
    now: datetime,
    dead_owner: str | None,
) -> int:
    here = (policy_slot.c.scope == scope, policy_slot.c.slot == slot)
    free = or_(policy_slot.c.lease_until_at <= now, policy_slot.c.owner == dead_owner, policy_slot.c.state == "missed")
    fencing_token: int | None = connection.execute(
        update(policy_slot)
        .where(*here, policy_slot.c.state != "published", free)
        .values(state="running", owner=owner, fencing_token=policy_slot.c.fencing_token + 1, lease_until_at=until)
        .returning(policy_slot.c.fencing_token)
    ).scalar_one_or_none()
    if fencing_token is None:
        held = connection.execute(select(policy_slot.c.owner, policy_slot.c.lease_until_at).where(*here)).one()
        raise SlotHeldError(scope, slot, held.owner, held.lease_until_at)
    return fencing_token


def holds(claim: Lease) -> tuple[object, ...]:
    """Return the condition that the claim is still the slot's latest and not yet used."""
    return (
        policy_slot.c.scope == claim.scope,
        policy_slot.c.slot == claim.slot,
        policy_slot.c.owner == claim.owner,
        policy_slot.c.fencing_token == claim.fencing_token,
        policy_slot.c.state == "running",
    )


def fail_claim(connection: Connection, claim: Lease, error: str, retry_after: timedelta) -> bool:
    """Give the slot up after a failure: it is recorded, and may be tried again after `retry_after`.

    Returns False, and records nothing, where the claim was lost meanwhile: the slot is another's now.
    """
    now = database_now(connection)
    mine = connection.execute(
        update(policy_slot)
        .where(*holds(claim))  # type: ignore[arg-type]  # SQLAlchemy's comparisons are expressions, typed as bool
        .values(state="failed", lease_until_at=now + retry_after)
        .returning(policy_slot.c.fencing_token)
    ).scalar_one_or_none()
    if mine is None:
        return False
    said = error.replace("\0", r"\x00")  # of a column's name, say; no text of Postgres takes it
    connection.execute(
        policy_run_failure.insert().values(
            scope=claim.scope,
            slot=claim.slot,
            fencing_token=claim.fencing_token,
            owner=claim.owner,
            failed_at=now,
            error=said,
        )
    )
    return True


def mark_missed(connection: Connection, scope: str, slots: list[datetime]) -> None:
    """Record slots that nobody computed while they were due; those that anybody has touched are left as they are."""
    rows: list[dict[str, object]] = [
        {"scope": scope, "slot": slot, "state": "missed", "owner": "", "fencing_token": 0, "lease_until_at": slot}
        for slot in slots
    ]
    if rows:
        connection.execute(insert_or_ignore(connection, policy_slot, rows))


def last_scheduled_before(connection: Connection, scope: str, slot: datetime) -> datetime | None:
    """Return the newest slot before this one that was missed, tried in vain, or published by a schedule, or None.

    A slot that a person or a backfill published says nothing of whether a schedule was there for the slots before it.
    """
    row, run = policy_slot, policy_run
    by_schedule = select(1).where(run.c.scope == scope, run.c.slot == row.c.slot, run.c.origin == "schedule").exists()
    found: datetime | None = connection.execute(
        select(row.c.slot)
        .where(row.c.scope == scope, row.c.slot < slot, or_(row.c.state != "published", by_schedule))
        .order_by(row.c.slot.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found
