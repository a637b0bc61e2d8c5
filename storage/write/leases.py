"""Who computes a slot: a lease with a fencing token, by the database's clock.

A lease and not a lock: a process that was stopped keeps a lock for ever, while a lease runs out and its late owner is
refused by its fencing token when it tries to publish.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from storage.database.transaction import database_now, insert_or_ignore
from storage.errors import SlotTakenError
from storage.schema.tables import policy_run, policy_run_failure, policy_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to publish one slot, until another process acquires a later `fencing_token`."""

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


def acquire_lease(
    connection: Connection,
    scope: str,
    slot: datetime,
    owner: str,
    lease_duration: timedelta,
    *,
    dead_owner: str | None = None,
) -> Lease:
    """Take a slot that is free, whose lease has run out, or whose owner is `dead_owner`, which is known to be dead.

    Raises SlotPublishedError if it is published, SlotHeldError if another process holds it.
    """
    run_id = connection.execute(
        select(policy_run.c.run_id).where(policy_run.c.scope == scope, policy_run.c.slot == slot)
    ).scalar_one_or_none()
    if run_id is not None:
        raise SlotPublishedError(scope, slot, run_id)
    now = database_now(connection)
    until = now + lease_duration
    row: dict[str, object] = {
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


def is_current(lease: Lease) -> ColumnElement[bool]:
    """Return the condition that the lease is still the slot's latest and not yet used."""
    return and_(
        policy_slot.c.scope == lease.scope,
        policy_slot.c.slot == lease.slot,
        policy_slot.c.owner == lease.owner,
        policy_slot.c.fencing_token == lease.fencing_token,
        policy_slot.c.state == "running",
    )


def record_failure(connection: Connection, lease: Lease, error: str, retry_after: timedelta) -> bool:
    """Record why the slot could not be computed, and give it up: it may be tried again after `retry_after`.

    Returns False, and records nothing, if the lease was lost meanwhile: another process has the slot now.
    """
    now = database_now(connection)
    given_up = connection.execute(
        update(policy_slot)
        .where(is_current(lease))
        .values(state="failed", lease_until_at=now + retry_after)
        .returning(policy_slot.c.fencing_token)
    ).scalar_one_or_none()
    if given_up is None:
        return False
    connection.execute(
        policy_run_failure.insert().values(
            scope=lease.scope,
            slot=lease.slot,
            fencing_token=lease.fencing_token,
            owner=lease.owner,
            failed_at=now,
            error=error.replace("\0", r"\x00"),  # a column's name may hold NUL, which Postgres refuses in a text
        )
    )
    return True


def mark_missed(connection: Connection, scope: str, slots: list[datetime]) -> None:
    """Record slots that nobody computed while they were due; slots that are on record already are left as they are."""
    rows: list[dict[str, object]] = [
        {"scope": scope, "slot": slot, "state": "missed", "owner": "", "fencing_token": 0, "lease_until_at": slot}
        for slot in slots
    ]
    if rows:
        connection.execute(insert_or_ignore(connection, policy_slot, rows))


def last_scheduled_before(connection: Connection, scope: str, slot: datetime) -> datetime | None:
    """Return the newest slot before this one that was missed, failed, is running, or was published by a schedule.

    None without such a slot. One that a person or a backfill published does not show that a schedule was at work.
    """
    row, run = policy_slot, policy_run
    by_schedule = select(1).where(run.c.scope == scope, run.c.slot == row.c.slot, run.c.origin == "schedule").exists()
    return connection.scalar(
        select(row.c.slot)
        .where(row.c.scope == scope, row.c.slot < slot, or_(row.c.state != "published", by_schedule))
        .order_by(row.c.slot.desc())
        .limit(1)
    )
