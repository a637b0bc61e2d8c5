"""Publishing a run: everything of it in one transaction, or nothing."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, update

from storage.audit.chain import advance_head, reserve_next_entry
from storage.audit.digest import CHILD_TABLES, entry_digest, values_in_schema_order
from storage.database.transaction import database_now, insert_or_ignore
from storage.errors import LeaseLostError
from storage.read.breaker_states import breaker_row, shadow_row
from storage.records import RunResult, snapshot_row
from storage.schema.tables import (
    policy_breaker,
    policy_reject,
    policy_rule_set,
    policy_run,
    policy_scope,
    policy_shadow,
    policy_slot,
    policy_snapshot,
)
from storage.write.leases import Lease, holds


def publish_run(connection: Connection, claim: Lease, result: RunResult) -> Mapping[str, Any]:
    """Write the run, its snapshots and its rejected rows, and move the head of the chain; return the run's row.

    Raises
    LeaseLostError where another process has taken the slot over; the caller's transaction is then rolled back.
    """
    run_id, previous_digest = reserve_next_entry(connection)
    _consume_lease(connection, claim)
    published_at = database_now(connection)
    _name_scope_and_rules(connection, claim.scope, result)
    snapshots = [
        snapshot_row(run_id, claim.scope, claim.slot, evidence, decision, result.rule_set)
        for evidence, decision in result.decisions
    ]
    rejects = [
        {"run_id": run_id, "source": r.source, "reason": r.reason, "reject_count": r.reject_count, "sample": r.sample}
        for r in result.rejects
    ]
    shadows = [shadow_row(run_id, rules, one) for rules, judged in result.shadows for one in judged]
    breakers = [
        breaker_row(run_id, rules, one)
        for rules, judged in ((result.rule_set, result.judgements), *result.shadows)
        for one in judged
        if rules.has_state
    ]
    run = _run_row(run_id, claim, result, published_at, previous_digest)
    written = {
        policy_snapshot: snapshots,
        policy_reject: rejects,
        policy_shadow: shadows,
        policy_breaker: breakers,
    }
    belonging = (_in_order(table, written[table], order) for table, order in CHILD_TABLES.items())
    run["digest"] = entry_digest(policy_run, values_in_schema_order(policy_run, run), *belonging)
    connection.execute(policy_run.insert(), run)
    for table, rows in written.items():
        if rows:
            connection.execute(table.insert(), rows)
    advance_head(connection, run["digest"])
    return run


def _in_order(table: Table, rows: list[dict[str, Any]], order: Sequence[str]) -> list[list[Any]]:
    return [values_in_schema_order(table, row) for row in sorted(rows, key=itemgetter(*order))]


def _consume_lease(connection: Connection, claim: Lease) -> None:
    used = connection.execute(
        update(policy_slot)
        .where(*holds(claim))  # type: ignore[arg-type]  # SQLAlchemy's comparisons are expressions, typed as bool
        .values(state="published")
        .returning(policy_slot.c.fencing_token)
    ).scalar_one_or_none()
    if used is None:
        raise LeaseLostError(
            f"{claim.owner} held slot {claim.slot.isoformat()} of scope {claim.scope!r} for too long and another "
            "process has taken it over; nothing was published by this one"
        )


def _name_scope_and_rules(connection: Connection, scope: str, result: RunResult) -> None:
    connection.execute(insert_or_ignore(connection, policy_scope, {"scope": scope}))
    for rules in (result.rule_set, *(rules for rules, _ in result.shadows)):
        row: dict[str, object] = {
            "digest": rules.digest(),
            "name": rules.name,
            "version": rules.version,
            "parameters": rules.parameters_text(),
        }
        connection.execute(insert_or_ignore(connection, policy_rule_set, row))


def _run_row(
    run_id: int, claim: Lease, result: RunResult, published_at: datetime, previous_digest: str
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
        "shadows": _shadows_text(result),
    }


def _shadows_text(result: RunResult) -> str | None:
    digests = {rules.name: rules.digest() for rules, _ in result.shadows}
    return json.dumps(digests, sort_keys=True, separators=(",", ":")) if digests else None
