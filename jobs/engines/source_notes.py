"""What the sources of a run cannot tell, in sentences that every surface shows."""

from collections.abc import Iterable, Mapping, Sequence, Set

from jobs.engines.maker_costs import CostMeasurement
from jobs.engines.measurement import Measurement
from jobs.sources.reject_reasons import reject_reason
from policy import Evidence
from policy.list_text import listed
from policy.maker_cost import MakerCost
from policy.reject import Reject
from policy.symbols import compact

_SHOWN = 3
Description = Mapping[str, object]


def notes_of(measurement: Measurement) -> tuple[str, ...]:
    """Return every note that a run records of a measurement, the gravest first."""
    return (
        *measurement.unused_rows,
        *no_order_note(measurement),
        *measurement.notes,
        *no_ratio_note(measurement.evidence),
    )


def source_notes(
    sources: Mapping[str, Description], evidence: Mapping[str, Evidence], traded: Set[str]
) -> tuple[str, ...]:
    """Return the notes of the sources themselves, then those that follow from what was measured."""
    own = [f"{name}: {note}" for name, description in sources.items() for note in _own(description)]
    return (*own, *_without_candles(evidence, traded, has_candles="candles" in sources))


def without_notes(description: Description) -> Description:
    """Return a source's description without its notes."""
    return {name: value for name, value in description.items() if name != "notes"}


def _own(description: Description) -> Sequence[str]:
    notes = description.get("notes", ())
    assert isinstance(notes, Sequence)
    return notes


def unused_rows_note(source: str, rejects: Sequence[Reject], used_count: int) -> Sequence[str]:
    """Return the note of a source most of whose rows in the window should count and do not; empty if most are used.

    Rows that are rightly left out, as events and duplicates, are not among them, nor are those without a known time.
    """
    lost = [reject for reject in _lost(source, rejects) if reject_reason(reject.reason).has_time]
    lost_count = sum(reject.reject_count for reject in lost)
    if lost_count <= used_count:
        return ()
    row_count = lost_count + used_count
    return (
        f"{source}: {lost_count} of {row_count} rows ({lost_count / row_count:.0%}) are not used, so no figure can be "
        f"trusted; {_most(lost)}",
    )


def timeless_rows_note(source: str, rejects: Sequence[Reject], used_count: int) -> Sequence[str]:
    """Return the note of more rows without a known time than rows that are used; such rows may lie in the window."""
    lost = [reject for reject in _lost(source, rejects) if not reject_reason(reject.reason).has_time]
    lost_count = sum(reject.reject_count for reject in lost)
    if lost_count <= used_count:
        return ()
    return (
        f"{source}: {lost_count} rows, of which no time is known, may lie in the window, of which {used_count} rows "
        f"are used; {_most(lost)}",
    )


def _lost(source: str, rejects: Sequence[Reject]) -> Sequence[Reject]:
    return [reject for reject in rejects if reject.source == source and reject_reason(reject.reason).is_loss]


def _most(rejects: Sequence[Reject]) -> str:
    most = max(rejects, key=lambda reject: (reject.reject_count, reject.reason))
    return f"most are {most.reason}: {reject_reason(most.reason).remedy}"


def no_order_note(measurement: Measurement) -> Sequence[str]:
    """Return the note of a window without an order that counts; empty if there is one."""
    if measurement.event_count:
        return ()
    return ("orders: no order of the seven days before the slot counts, so nothing was measured",)


def events_only_note(rejects: Sequence[Reject], used_count: int) -> Sequence[str]:
    """Return the note of a log whose lines in the window are all read as events; empty if an order counts.

    A logger that names each line with the key `event` writes such a log.
    """
    count = sum(reject.reject_count for reject in rejects if reject.reason == "not_an_order")
    if used_count or not count:
        return ()
    return (
        f"orders: no order counts, and {count} lines are read as events, since they have the key event, or neither "
        "prices nor result; if they are orders, log them without event",
    )


def no_ratio_note(evidence: Mapping[str, Evidence]) -> Sequence[str]:
    """Return the note of orders none of which is known to have started as maker; empty if some are."""
    orders = sum(figures.effectiveness.outcome_count for figures in evidence.values())
    if not orders or any(figures.effectiveness.maker_started_count for figures in evidence.values()):
        return ()
    return (
        f"orders: none of {orders} orders is known to have started as maker, so no fill or fallback ratio is known",
    )


def unknown_misses_note(miss_count: int, unknown_count: int) -> Sequence[str]:
    """Return the note of misses of most of which the cause is not known; empty if it is of most, or nothing missed."""
    if 2 * unknown_count <= miss_count:
        return ()
    return (
        f"orders: of {unknown_count} of {miss_count} maker orders of the last 24 hours that missed, it is not known "
        "whether the market traded through their price, so outages are told from quiet markets on weaker evidence; log "
        "side, maker_price, maker_from and maker_until, and give candles of a quarter of the wait or less, or log "
        "went_through",
    )


def missing_costs_note(costs: Iterable[CostMeasurement], order_count: int, *, has_fees: bool) -> Sequence[str]:
    """Return the note of orders of none of which the cost is known, if a rule set asks for it; else empty.

    `has_fees` is whether the settings have the fees of any symbol that is traded.
    """
    measured = [*costs]
    if not measured or not order_count or any(cost.pool != MakerCost() for cost in measured):
        return ()
    if not has_fees:
        return (
            "orders: the settings have no fees for any symbol that is traded, so measured cannot compare maker orders "
            "with crossing; set [fees]",
        )
    return (
        "orders: of no order is it known what it cost beyond the quote at its arrival, so measured cannot compare "
        "maker orders with crossing; log slippage_bps and arrival_quote_bps",
    )


def _without_candles(evidence: Mapping[str, Evidence], traded: Set[str], *, has_candles: bool) -> Sequence[str]:
    """Say that no traded symbol has a candle, if the candles have other symbols."""
    with_bars = {symbol for symbol, figures in evidence.items() if figures.volatility.bar_count}
    if not has_candles or not traded or not with_bars or traded & with_bars:
        return ()
    remedy = "name the markets in [orders.symbols] names"
    if {compact(symbol) for symbol in traded} & {compact(symbol) for symbol in with_bars}:
        remedy = 'set style = "compact" in [orders.symbols]'
    return (
        "candles: orders and candles share no symbol, so every regime is unknown: "
        f"orders have {listed(sorted(traded), _SHOWN)}, candles have {listed(sorted(with_bars), _SHOWN)}; {remedy}",
    )
