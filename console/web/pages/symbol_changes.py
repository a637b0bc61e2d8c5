"""What has changed for a symbol: computed decisions, and the overrides that a person put in force instead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from console.web.pages.formats import decision
from policy.enums import Quality
from storage.read.overrides import OverridePeriod
from storage.records import PolicyChange


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChange:
    """A row of the table: from when on which decision, what it was before, and why; qualities of what was computed.

    `run_id` is the run that decided, None for an override.
    """

    key: str
    at: datetime
    previous_quality: Quality | None = None
    previous: str
    quality: Quality | None = None
    decision: str
    reason: str
    run_id: int | None = None


def symbol_changes(
    changes: Sequence[PolicyChange], overrides: Sequence[OverridePeriod], now: datetime, limit: int
) -> Sequence[SymbolChange]:
    """Return the newest changes up to now, the newest first; an override is one at each of its ends."""
    rows = [_of_change(change) for change in changes]
    for override in overrides:
        rows.extend(row for row in _of_override(override) if row.at <= now)
    return sorted(rows, key=attrgetter("at"), reverse=True)[:limit]


def _of_change(change: PolicyChange) -> SymbolChange:
    return SymbolChange(
        key=change.slot.isoformat(),
        at=change.slot,
        previous_quality=change.previous_quality,
        previous=decision(change.previous_maker_first, change.previous_taker_bias),
        quality=change.quality,
        decision=decision(change.maker_first, change.taker_bias),
        reason=change.reason,
        run_id=change.run_id,
    )


def _of_override(override: OverridePeriod) -> Iterator[SymbolChange]:
    by_hand, computed = f"by hand: {decision(override.maker_first, override.taker_bias)}", "as computed"
    ended = f"ended by {override.end_author}: {override.end_reason}" if override.end_author else "ended by itself"
    yield SymbolChange(
        key=f"override {override.entry_id} begins",
        at=override.from_at,
        previous=computed,
        decision=by_hand,
        reason=f"override {override.entry_id} of {override.author}: {override.reason}",
    )
    yield SymbolChange(
        key=f"override {override.entry_id} ends",
        at=override.to_at,
        previous=by_hand,
        decision=computed,
        reason=f"override {override.entry_id} of {override.author} {ended}",
    )
