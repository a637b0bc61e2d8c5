"""Publishing a run: everything of it in one transaction, or nothing."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, update

from storage.audit.chain import advance_head, reserve_next_entry
from storage.audit.digest import CHILD_TABLES, DIGEST_FORM, entry_digest, values_in_schema_order
from storage.database.transaction import database_now, insert_or_ignore
from storage.errors import LeaseLostError
from storage.records import RunResult
from storage.schema.tables import (
    policy_breaker,
    policy_reject,
    policy_rule_set,
    policy_run,
    policy_saving,
    policy_scope,
    policy_shadow,
    policy_slot,
    policy_snapshot,
)
from storage.write.leases import Lease, is_current
from storage.write.rows import Row, breaker_rows, reject_rows, saving_rows, shadow_rows, snapshot_rows


def publish_run(connection: Connection, lease: Lease, result: RunResult) -> str:
    """Write the run with all its rows, make it the head of the chain, and return its digest.

    Raises LeaseLostError if another process has taken the slot over; the caller's transaction is then rolled back.
    """
    run_id, previous_digest = reserve_next_entry(connection)
    _consume_lease(connection, lease)
    published_at = database_now(connection)
    _register_scope_and_rule_sets(connection, lease.scope, result)
    run = _run_row(run_id, lease, result, published_at, previous_digest)
    children: dict[Table, list[Row]] = {
        policy_snapshot: snapshot_rows(run_id, lease, result),
        policy_reject: reject_rows(run_id, result),
        policy_shadow: shadow_rows(run_id, result),
        policy_breaker: breaker_rows(run_id, result),
        policy_saving: saving_rows(run_id, lease, result),
    }
    run["digest"] = _digest(run, children)
    connection.execute(policy_run.insert(), run)
    for table, rows in children.items():
        if rows:
            connection.execute(table.insert(), rows)
    advance_head(connection, run["digest"])
    return str(run["digest"])


def _digest(run: Row, children: Mapping[Table, list[Row]]) -> str:
    values = (_in_order(table, children[table], order) for table, order in CHILD_TABLES.items())
    return entry_digest(policy_run, values_in_schema_order(policy_run, run), *values)


def _in_order(table: Table, rows: list[Row], order: Sequence[str]) -> list[list[Any]]:
    return [values_in_schema_order(table, row) for row in sorted(rows, key=itemgetter(*order))]


def _consume_lease(connection: Connection, lease: Lease) -> None:
    consumed = connection.execute(
        update(policy_slot).where(is_current(lease)).values(state="published").returning(policy_slot.c.fencing_token)
    ).scalar_one_or_none()
    if consumed is None:
        raise LeaseLostError(
            f"{lease.owner} held slot {lease.slot.isoformat()} of scope {lease.scope!r} for too long and another "
            "process has taken it over; this one published nothing"
        )


def _register_scope_and_rule_sets(connection: Connection, scope: str, result: RunResult) -> None:
    connection.execute(insert_or_ignore(connection, policy_scope, {"scope": scope}))
    for rules in (result.rule_set, *(rules for rules, _ in result.shadows)):
        row: dict[str, object] = {
            "digest": rules.digest(),
            "name": rules.name,
            "version": rules.version,
            "parameters": rules.parameters_text(),
        }
        connection.execute(insert_or_ignore(connection, policy_rule_set, row))


def _run_row(run_id: int, lease: Lease, result: RunResult, published_at: datetime, previous_digest: str) -> Row:
    return {
        "run_id": run_id,
        "scope": lease.scope,
        "slot": lease.slot,
        "origin": result.origin.value,
        "rule_set": result.rule_set.name,
        "rule_set_digest": result.rule_set.digest(),
        "engine": result.engine,
        "code_version": result.code_version,
        "owner": lease.owner,
        "started_at": result.started_at,
        "published_at": published_at,
        "symbol_count": len(result.decisions),
        "event_count": result.event_count,
        "reject_count": sum(reject.reject_count for reject in result.rejects),
        "sources": result.sources,
        "previous_digest": previous_digest,
        "shadows": _shadows_text(result),
        "digest_form": DIGEST_FORM,
        "experiment": _experiment_text(result),
    }


def _experiment_text(result: RunResult) -> str | None:
    """Write the experiment if it holds orders out, or if the rule set does for any symbol."""
    experiment = result.experiment
    is_used = experiment.share or any(experiment.holdout(decision) for _, decision in result.decisions)
    return experiment.to_text() if is_used else None


def _shadows_text(result: RunResult) -> str | None:
    digests = {rules.name: rules.digest() for rules, _ in result.shadows}
    return json.dumps(digests, sort_keys=True, separators=(",", ":")) if digests else None
