"""The evidence of an outage in words: its sum, and the orders that moved it most."""

from collections.abc import Iterable, Iterator

from jobs.analysis.outage_explanation import OutageExplanation, SumMove
from policy.time_text import iso
from storage.read.breaker_events import BreakerLevel

_WHOSE = {BreakerLevel.OWN: "the symbol", BreakerLevel.POOL: "the scope"}
_MARKET = {
    True: "although the market traded through its price",
    False: "and the market did not trade through its price",
    None: "and it is not known whether the market traded through its price",
}


def outage_lines(outages: Iterable[OutageExplanation]) -> Iterator[str]:
    """Yield a line for each sum, and one for each order that it comes with, those that moved it most first."""
    for outage in outages:
        yield outage_title(outage)
        for move in outage.moves:
            yield f"  {sum_move_words(move)}"


def outage_title(outage: OutageExplanation) -> str:
    """Return the sum in words."""
    whose = f"evidence of an outage of {_WHOSE[outage.level]}"
    if outage.outage_sum is None:
        return f"{whose}: no maker orders"
    of_which = "; the newest, those that moved it most first:" if outage.moves else ""
    return f"{whose}: {outage.outage_sum:.2f} over {outage.order_count} maker orders{of_which}"


def sum_move_words(move: SumMove) -> str:
    """Return one order in words, with how much it moved the sum."""
    order = move.order
    named = order.order_id if order.order_id is not None else "an order without an id"
    ended = f"{move.increment:+.2f}  {order.symbol} {named} at {iso(order.ended_at)}"
    return f"{ended} filled" if order.is_filled else f"{ended} missed, {_MARKET[order.went_through]}"
