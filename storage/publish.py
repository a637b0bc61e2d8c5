"""Publishing a run: everything of it in one transaction, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from storage.claims import Claim, holds
from storage.connection import database_now, insert_or_ignore
from storage.digest import run_digest
from storage.errors import ClaimLostError
from storage.records import RunResult, snapshot_row
from storage.schema import (
    policy_head,
    policy_reject,
    policy_rule_set,
    policy_run,
    policy_scope,
    policy_slot,
    policy_snapshot,
)


def publish_run(connection: Connection, claim: Claim, result: RunResult) -> Mapping[str, Any]:
    """Write the run, its snapshots and its rejected rows, and move the head of the chain; return the run's row.

    Taking the head's row first makes publications of one store follow each other, so the chain cannot fork. Raises
    ClaimLostError where another process has taken the slot over; the caller's transaction is then rolled back.
    """
    run_id, previous_digest = _take_head(connection)
    _use_claim(connection, claim)
    published_at = database_now(connection)
    _name_scope_and_rules(connection, claim.scope, result, published_at)
    snapshots = [
        snapshot_row(run_id, claim.scope, claim.slot, evidence, decision, result.rule_set)
        for evidence, decision in result.decisions
    ]
    rejects = [
        {"run_id": run_id, "source": r.source, "reason": r.reason, "reject_count": r.reject_count, "sample": r.sample}
        for r in result.rejects
    ]
    run = _run_row(run_id, claim, result, published_at, previous_digest)
    run["digest"] = run_digest(run, snapshots, rejects)
    connection.execute(policy_run.insert(), run)
    if snapshots:
        connection.execute(policy_snapshot.insert(), snapshots)
    if rejects:
        connection.execute(policy_reject.insert(), rejects)
    connection.execute(update(policy_head).values(digest=run["digest"]))
    return run


def _take_head(connection: Connection) -> tuple[int, str]:
    taken = update(policy_head).values(run_id=policy_head.c.run_id + 1)
    row = connection.execute(taken.returning(policy_head.c.run_id, policy_head.c.digest)).one()
    return row.run_id, row.digest


def _use_claim(connection: Connection, claim: Claim) -> None:
    used = connection.execute(
        update(policy_slot)
        .where(*holds(claim))  # type: ignore[arg-type]  # SQLAlchemy's comparisons are expressions, typed as bool
        .values(state="published")
        .returning(policy_slot.c.fence)
    ).scalar_one_or_none()
    if used is None:
        raise ClaimLostError(
            f"{claim.owner} held slot {claim.slot.isoformat()} of scope {claim.scope!r} for too long and another "
            "process has taken it over; nothing was published by this one"
        )


def _name_scope_and_rules(connection: Connection, scope: str, result: RunResult, now: datetime) -> None:
    connection.execute(insert_or_ignore(connection, policy_scope, {"scope": scope}))
    rules = result.rule_set
    row = {
        "digest": rules.digest(),
        "name": rules.name,
        "version": rules.version,
        "parameters": rules.parameters_text(),
        "first_used_at": now,
    }
    connection.execute(insert_or_ignore(connection, policy_rule_set, row))


def _run_row(
    run_id: int, claim: Claim, result: RunResult, published_at: datetime, previous_digest: str
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "scope": claim.scope,
        "slot": claim.slot,
        "origin": result.origin.value,
        "rule_set": result.rule_set.name,
        "rule_set_digest": result.rule_set.digest(),
        "engine": result.engine,
        "code_version": result.code_version,
        "owner": claim.owner,
        "started_at": result.started_at,
        "published_at": published_at,
        "symbol_count": len(result.decisions),
        "event_count": result.event_count,
        "reject_count": sum(reject.reject_count for reject in result.rejects),
        "sources": result.sources,
        "previous_digest": previous_digest,
    }
