"""Policies as records for programs: the names of the store's columns, times as ISO 8601."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from console.terminal.text import iso
from storage.records import Snapshot


def snapshot_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot with the names of its columns, times as ISO 8601, codes as a list of objects."""
    record = asdict(snapshot)
    return {**record, "slot": iso(snapshot.slot), "codes": list(record["codes"])}


def in_force_record(row: RowMapping) -> dict[str, Any]:
    """Return a row of policy_latest or policy_history: the snapshot, what was computed, and the override in force."""
    override = ("computed_maker_first", "computed_taker_bias", "override_id", "override_author", "override_reason")
    return {
        **snapshot_record(Snapshot.from_row(row)),
        **{name: iso(row[name]) for name in ("published_at", "override_until_at")},
        **{name: row[name] for name in override},
    }
