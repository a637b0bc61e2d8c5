"""Execution health from the store: what is in force for a symbol, how old it is, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import RowMapping

from jobs.slots import Slots
from policy import Evidence, TakerBias
from policy.effective import EffectivePolicy, Override
from policy.freshness import FreshnessLimits
from policy.health import ExecutionHealth, execution_health, severity
from storage.records import Snapshot, evidence_of
from storage.store import Store

STALE_AFTER_SLOTS = 2
EXPIRED_AFTER_SLOTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedScope:
    """The policies that health is asked of: a store, a scope of it, and the slots in which it should be computed.

    `symbols` are those that should have a policy even where none was computed yet.
    """

    store: Store
    scope: str
    slots: Slots
    symbols: Sequence[str] = ()


def compute_execution_health(book: WatchedScope, symbol: str, now: datetime) -> ExecutionHealth:
    """Return the health of one symbol at a time; a symbol without a policy has the status `missing`.

    Overrides are those in force by the database's clock. Raises as the store does.
    """
    return healths_of(book, book.store.latest_rows(book.scope, symbol), [symbol], now)[0]


def compute_every_execution_health(book: WatchedScope, now: datetime) -> list[ExecutionHealth]:
    """Return the health of every symbol that has a policy or should have one, the worst first."""
    return sorted(healths_of(book, book.store.latest_rows(book.scope), book.symbols, now), key=severity)


def limits_at(slots: Slots, at: datetime) -> FreshnessLimits:
    """Return up to which age a policy of this slot is fresh and usable.

    It is fresh until the second slot after its own, and usable until the eighth: however uneven the schedule is, one
    that is kept leaves no policy stale. A slot that is none of the schedule's has at least the ages of one that is: two
    and eight of the shortest time between slots.
    """
    following = slots.following(at, EXPIRED_AFTER_SLOTS)
    shortest = min(later - earlier for earlier, later in pairwise(following))
    return FreshnessLimits(
        stale_after=max(following[STALE_AFTER_SLOTS - 1] - at, shortest * STALE_AFTER_SLOTS),
        expired_after=max(following[-1] - at, shortest * EXPIRED_AFTER_SLOTS),
    )


def healths_of(
    book: WatchedScope, rows: Sequence[RowMapping], wanted: Sequence[str], now: datetime
) -> list[ExecutionHealth]:
    """Return the health of every symbol of these rows of policy_latest, all of one run, then of those that lack one."""
    # One run has one slot, whose limits serve all rows.
    limits = limits_at(book.slots, rows[0]["slot"] if rows else now)
    missing = set(wanted).difference(row["symbol"] for row in rows)
    return [
        *(_health(row, limits, now) for row in rows),
        *(execution_health(Evidence(symbol=symbol), None, now=now, limits=limits) for symbol in missing),
    ]


def _health(row: RowMapping, limits: FreshnessLimits, now: datetime) -> ExecutionHealth:
    snapshot = Snapshot.from_row(row)
    policy = EffectivePolicy(
        run_id=snapshot.run_id,
        slot=snapshot.slot,
        maker_first=snapshot.maker_first,
        taker_bias=snapshot.taker_bias,
        quality=snapshot.quality,
        regime=snapshot.regime,
        maker_offset_bps=snapshot.maker_offset_bps,
        codes=snapshot.codes,
        override=_override(row),
    )
    return execution_health(evidence_of(snapshot), policy, now=now, limits=limits)


def _override(row: RowMapping) -> Override | None:
    if row["override_id"] is None:
        return None
    return Override(
        override_id=row["override_id"],
        author=row["override_author"],
        reason=row["override_reason"],
        until_at=row["override_until_at"],
        computed_maker_first=row["computed_maker_first"],
        computed_taker_bias=TakerBias(row["computed_taker_bias"]),
    )
