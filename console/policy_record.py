"""Policies as records for programs: the names of the store's columns, times as ISO 8601."""

from dataclasses import asdict
from typing import Any

from policy.effective import EffectivePolicy
from policy.snapshot import Snapshot
from policy.time_text import iso


def snapshot_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot with the names of its columns, times as ISO 8601, codes as a list of objects."""
    record = asdict(snapshot)
    return {**record, "slot": iso(snapshot.slot), "codes": list(record["codes"])}


def in_force_record(policy: EffectivePolicy) -> dict[str, Any]:
    """Return a policy in force: the snapshot, what was computed, and the override if there is one."""
    override = policy.override
    return {
        **snapshot_record(policy.snapshot),
        "published_at": iso(policy.published_at),
        "override_until_at": iso(override.until_at) if override is not None else None,
        "computed_maker_first": policy.computed_maker_first,
        "computed_taker_bias": policy.computed_taker_bias,
        "override_id": override.override_id if override is not None else None,
        "override_author": override.author if override is not None else None,
        "override_reason": override.reason if override is not None else None,
    }
