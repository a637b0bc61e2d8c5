"""What `check` finds of the sources: whether they can be read, and what in them is probably a mistake."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from jobs.analysis.empty_window import check_at_the_end, elsewhere_words, orders_around
from jobs.analysis.findings import Finding, counted, first_few, note, wrong
from jobs.analysis.holdout_findings import find_in_columns
from jobs.engines.measurement import Measurement
from jobs.engines.source_checks import columns_of, count_orders_ahead, merged_spellings
from jobs.engines.source_notes import no_order_note, no_ratio_note
from jobs.plan import EngineKind, OrdersKind, OrdersSource, Plan
from jobs.sources.columns import ABSENT
from jobs.sources.errors import SourceError
from jobs.sources.reject_reasons import reject_reason
from policy import Evidence, Regime
from policy.fee_gap import FeeGap, FeeGapVerdict, fee_gap_words, judge_fee_gap
from policy.health_warnings import survivors_only
from policy.list_text import listed
from policy.reject import Reject
from policy.rules import Judgement
from policy.symbols import spelt_alike
from policy.time_text import iso
from policy.window import Window

_NO_FEES = "no fees are set, so it is unknown whether maker-first saves; set [fees] maker_bps and taker_bps"
# The fields of an order log from which a canonical column is read.
_FIELDS = {
    "maker_started": "maker_start, started_maker or decision.maker_started",
    "slippage_bps": "slippage_bps and prices.avg_fill",
}


def find_in_sources(plan: Plan, as_of: datetime, now: datetime) -> Iterator[Finding]:
    """Measure as a run as of a time would, and yield the findings.

    If a source fails, the others are tried alone, and each that fails is a finding. Raises EngineError if the engine
    fails.
    """
    from jobs.engines.measure import measure

    try:
        measurement = measure(plan, plan.window(as_of), {})
    except SourceError as error:
        yield wrong("sources", str(error))
        yield from _tried_alone(plan, as_of, now, str(error))
        return
    yield from _find_in_measurement(plan, measurement, as_of, now)


def _tried_alone(plan: Plan, as_of: datetime, now: datetime, known: str) -> Iterator[Finding]:
    """Try orders without candles, and candles without orders: one of them has failed with the known error."""
    from jobs.engines.measure import measure, try_candles

    if plan.candles is None:
        return
    window = plan.window(as_of)
    try:
        yield _count(plan, measure(replace(plan, candles=None), window, {}), as_of, now)
    except SourceError as error:
        yield from _unless_known(str(error), known)
    try:
        try_candles(plan, window)
        yield Finding(what="candles", message="they can be read")
    except SourceError as error:
        yield from _unless_known(str(error), known)


def _unless_known(message: str, known: str) -> Iterator[Finding]:
    if message != known:
        yield wrong("sources", message)


def _find_in_measurement(plan: Plan, measurement: Measurement, as_of: datetime, now: datetime) -> Iterator[Finding]:
    from jobs.decisions import decide_symbols

    window = plan.window(as_of)
    judgements = decide_symbols(plan, measurement, as_of).live
    evidence = [judgement.evidence for judgement in judgements]
    yield _count(plan, measurement, as_of, now)
    yield from (wrong(*text.split(": ", 1)) for text in measurement.unused_rows)
    yield from _orders(plan.orders, measurement, evidence)
    yield from _ahead(plan, now)
    yield from (_not_used(reject) for reject in measurement.rejects)
    yield from _merged(plan, window)
    yield from _holdout(plan, window)
    yield from _fees(plan, evidence)
    if plan.candles is None:
        yield Finding(what="candles", message="none are set, so every regime is unknown")
        return
    yield from _candles(judgements)
    yield from _names(measurement, evidence)


def _count(plan: Plan, measurement: Measurement, as_of: datetime, now: datetime) -> Finding:
    """Return how many orders the window has; if it has none, where the others are and what to try."""
    when = "in the last 7 days" if as_of == now else f"in the 7 days before {iso(as_of)}"
    if no_order_note(measurement):
        orders = orders_around(plan, as_of, now)
        option = check_at_the_end(orders)
        elsewhere = f"; {elsewhere_words(orders, as_of)}; try {option}" if option else ""
        return note("orders", f"no order counts {when}{elsewhere}")
    count = counted(measurement.event_count, "order")
    symbols = counted(len(measurement.traded_symbols), "symbol")
    return Finding(what="orders", message=f"{count} of {symbols} {when} ({measurement.engine})")


def _orders(source: OrdersSource, measurement: Measurement, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    orders = measurement.event_count
    for text in measurement.notes:
        yield note(*text.split(": ", 1))
    for text in no_ratio_note(measurement.evidence):
        yield note("orders", f"{text.removeprefix('orders: ')}{_remedy(source, 'maker_started')}")
    survivors = ((symbol.symbol, survivors_only(symbol.effectiveness)) for symbol in evidence)
    yield from first_few([note("orders", f"{symbol}: {warning}") for symbol, warning in survivors if warning])
    if orders and not any(symbol.effectiveness.slippage_count for symbol in evidence):
        message = f"none of {orders} orders has a slippage, so its median is unknown"
        yield note("orders", f"{message}{_remedy(source, 'slippage_bps')}")
    alike = spelt_alike([symbol.symbol for symbol in evidence])
    question = "get a policy each; is it one market, spelt in several ways?"
    yield from first_few([note("orders", f"{listed(names)} {question}") for names in alike])


def _remedy(source: OrdersSource, name: str) -> str:
    """Name the field or column of the log that a canonical column is read from; the data of bots has fixed ones."""
    if source.kind.is_bot:
        return ""
    field = _FIELDS[name] if source.kind is OrdersKind.ORDER_LOG else source.location.columns.get(name, name)
    return f"; log {field}" if field != ABSENT else f"; log it, and name its column in [orders.columns] {name}"


def _ahead(plan: Plan, now: datetime) -> Iterator[Finding]:
    if plan.engine.kind is EngineKind.SPARK:
        return  # its sources may lie where only the cluster reaches them
    if count := count_orders_ahead(plan.orders, now):
        yield note("orders", f"{counted(count, 'order')} in the future: does the log write local time?")


def _merged(plan: Plan, window: Window) -> Iterator[Finding]:
    """Yield a note for each symbol that is several markets of a source, as a spot market and a future of one name."""
    if plan.engine.kind is EngineKind.SPARK:
        return
    for name, source in (("orders", plan.orders), ("candles", plan.candles)):
        merged = merged_spellings(source, window) if source is not None else ()
        remedy = f"if they are several markets, name them apart in [{name}.symbols] names"
        yield from first_few(
            [note(name, f"{listed(spellings)} all become {symbol}; {remedy}") for symbol, spellings in merged]
        )


def _holdout(plan: Plan, window: Window) -> Iterator[Finding]:
    """Yield a note if routers hold orders out, and a table of one's own has no columns that show it."""
    if plan.holds_out and plan.orders.kind is OrdersKind.CANONICAL and plan.engine.kind is not EngineKind.SPARK:
        yield from find_in_columns(plan, columns_of(plan.orders, window))


def _not_used(reject: Reject) -> Finding:
    rows = "1 row is" if reject.reject_count == 1 else f"{reject.reject_count} rows are"
    remedy = reject_reason(reject.reason).remedy
    return note(reject.source, f"{rows} not used: {reject.reason}, as {reject.sample}; {remedy}")


def _fees(plan: Plan, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Yield each meaning of the fees once, with its symbols, and fees of symbols that have no orders."""
    unused = sorted(plan.fees.keys() - {"", *(symbol.symbol for symbol in evidence)})
    if unused and evidence:
        yield note("fees", f"set for {listed(unused)}, of which there is no order in these 7 days; misspelt?")
    symbols_by_words: dict[str, list[str]] = {}
    for symbol in evidence:
        symbols_by_words.setdefault(_fee_words(symbol.fee_gap), []).append(symbol.symbol)
    for words, symbols in symbols_by_words.items():
        yield Finding(what="fees", message=f"{listed(symbols)}: {words}")


def _fee_words(fee_gap: FeeGap) -> str:
    words = fee_gap_words(fee_gap) or _NO_FEES
    can_save = judge_fee_gap(fee_gap) in (FeeGapVerdict.SAVES, FeeGapVerdict.WIDE_SPREAD)
    return f"{words}; router-policy costs shows what the orders cost" if can_save else words


def _candles(judgements: Sequence[Judgement]) -> Iterator[Finding]:
    unknown = [each.evidence.symbol for each in judgements if each.decision.regime is Regime.UNKNOWN]
    if unknown:
        yield note("candles", f"the regime is unknown for {listed(unknown)}: too few or too old candles")
    elif judgements:
        yield Finding(what="candles", message="enough for all")


def _names(measurement: Measurement, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Yield a note if orders and candles name their markets differently: nobody trades the markets of some candles."""
    without = [symbol.symbol for symbol in evidence if not symbol.volatility.bar_count]
    spare = sorted(measurement.evidence.keys() - {symbol.symbol for symbol in evidence})
    if without and spare and len(without) < len(evidence):
        yield note("candles", f"no candles for {listed(without)}; the candles have {listed(spare)}")
