"""What the evidence of an outage rested on: its sum, and the newest orders by how much each moved it."""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.outage_evidence import OutageEvidence, OutageParameters, WeighedOrder
from policy.streaks import Streaks
from storage.read.breaker_events import BreakerLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMove:
    """One order and how much it speaks for an outage, negative if it speaks against one."""

    order: WeighedOrder
    increment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageExplanation:
    """The sum of one breaker's evidence over `order_count` orders, None without any.

    `moves` are the newest orders, those that moved the sum most first; empty while the sum is below 0.
    """

    level: BreakerLevel
    outage_sum: float | None
    order_count: int
    moves: tuple[SumMove, ...]


def explain_outages(streaks: Streaks | None, parameters: OutageParameters | None) -> tuple[OutageExplanation, ...]:
    """Return the symbol's and the scope's, empty for a rule set or a run without such evidence."""
    if streaks is None or parameters is None:
        return ()
    return tuple(_explained(streaks, parameters))


def _explained(streaks: Streaks, parameters: OutageParameters) -> Iterator[OutageExplanation]:
    for level, outage in ((BreakerLevel.OWN, streaks.own_outage), (BreakerLevel.POOL, streaks.pool_outage)):
        if outage is not None:
            yield OutageExplanation(
                level=level,
                outage_sum=outage.outage_sum(parameters),
                order_count=outage.order_count,
                moves=_moves(outage, parameters),
            )


def _moves(outage: OutageEvidence, parameters: OutageParameters) -> tuple[SumMove, ...]:
    moves = [SumMove(order=order, increment=order.increment(parameters)) for order in outage.newest_orders]
    return tuple(sorted(moves, key=lambda move: -abs(move.increment)))
