"""A past policy as one flat row, with the columns of the view policy_history; and such rows as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from console.records.csv_rows import csv_text
from console.records.policy_records import OverrideRecord, PastPolicyRecord, SnapshotRecord
from policy.snapshot import Snapshot
from policy.time_text import iso
from storage.records import PolicyPeriod

_BESIDE = [name for name in PastPolicyRecord.model_fields if name not in {*SnapshotRecord.model_fields, "override"}]
OVERRIDE_COLUMNS = {f"override_{name.removeprefix('override_')}": name for name in OverrideRecord.model_fields}
HISTORY_COLUMNS = (*_BESIDE, *SnapshotRecord.model_fields, *OVERRIDE_COLUMNS)


def history_row(period: PolicyPeriod) -> dict[str, object]:
    """Return the values of HISTORY_COLUMNS; `codes` is a list of dicts, an override's columns are None without one."""
    policy, override = period.policy, period.policy.override
    return {
        **{name: getattr(policy.snapshot, name) for name in Snapshot.__slots__},
        "codes": [asdict(code) for code in policy.snapshot.codes],
        "valid_from": period.valid_from,
        "valid_to": period.valid_to,
        "origin": period.origin,
        "published_at": policy.published_at,
        "computed_maker_first": policy.computed_maker_first,
        "computed_taker_bias": policy.computed_taker_bias,
        **{column: getattr(override, name) if override else None for column, name in OVERRIDE_COLUMNS.items()},
    }


def history_csv(periods: Iterable[PolicyPeriod], *, with_head: bool = True) -> str:
    """Return policies as CSV; times end with Z, and codes are their words alone, which the reason states in full."""
    return csv_text(HISTORY_COLUMNS, map(_cells, periods), with_head=with_head)


def csv_pieces(blocks: Iterable[Sequence[PolicyPeriod]]) -> Iterator[str]:
    """Yield the same piece by piece: the head line, then each block."""
    yield history_csv([])
    for block in blocks:
        yield history_csv(block, with_head=False)


def _cells(period: PolicyPeriod) -> dict[str, object]:
    row = history_row(period)
    times = {column: iso(value) for column, value in row.items() if isinstance(value, datetime)}
    return {**row, **times, "codes": " ".join(code.code for code in period.policy.snapshot.codes)}
