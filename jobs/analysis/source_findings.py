"""What `check` says of the sources: whether they can be read, and what in them is hardly meant so."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from jobs.analysis.findings import Finding, listed, note
from jobs.engines.measurement import Measurement
from jobs.engines.source_checks import count_orders_ahead, modal_bar_spacing
from jobs.plan import CandlesSource, EngineKind, OrdersKind, OrdersSource, Plan
from policy import Evidence, Regime
from policy.fee_gap import fee_gap_words
from policy.rules import Judgement
from policy.symbols import spelt_alike
from policy.window import Window
from storage.records import Reject

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
# Where each field of an order stands in an order log, for what is missing.
_FIELDS = {
    "maker_started": "maker_start, started_maker or decision.maker_started",
    "slippage_bps": "slippage_bps, of an order with prices.avg_fill",
}


def find_in_sources(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Measure as a run would, and say what was found. Raises as a run does where nothing can be computed."""
    from jobs.decisions import decide
    from jobs.engines.measure import measure

    window = plan.window(now)
    measurement = measure(plan, window, {})
    judgements = decide(plan, measurement, now).live
    evidence = [judgement.evidence for judgement in judgements]
    yield from _orders(plan.orders, measurement, evidence)
    yield from _ahead(plan, now)
    yield from (_not_used(reject) for reject in measurement.rejects)
    yield from _fees(plan, evidence)
    if plan.candles is None:
        yield Finding(what="candles", said="none are set, so every regime is unknown")
        return
    yield from _candles(judgements)
    yield from _names(measurement, evidence)
    yield from _bars(plan, plan.candles, window)


def _orders(source: OrdersSource, measurement: Measurement, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    orders = measurement.event_count
    said = f"{orders} outcomes of {len(evidence)} symbols in the last 7 days ({measurement.engine})"
    yield Finding(what="orders", said=said)
    if orders and not any(one.effectiveness.maker_started_count for one in evidence):
        said = f"of {orders} outcomes none is known to have started as maker, so fills and fallback cannot be told"
        yield note("orders", f"{said}; {_field(source, 'maker_started')} says it")
    if orders and not any(one.effectiveness.slippage_count for one in evidence):
        said = f"of {orders} outcomes none has a slippage, so its median cannot be told"
        yield note("orders", f"{said}; {_field(source, 'slippage_bps')} says it")
    for names in spelt_alike([one.symbol for one in evidence]):
        yield note("orders", f"{listed(names)} get a policy each; is it one market, spelt in several ways?")


def _field(source: OrdersSource, name: str) -> str:
    """Name the field or column of the log that a canonical column is read from."""
    return _FIELDS[name] if source.kind is OrdersKind.ORDER_LOG else source.location.columns.get(name, name)


def _ahead(plan: Plan, now: datetime) -> Iterator[Finding]:
    if plan.engine.kind is EngineKind.SPARK:
        return  # its sources may lie where only the cluster reaches them
    if count := count_orders_ahead(plan.orders, now):
        yield note("orders", f"{count} orders lie in the future: does the log write local time?")


def _not_used(reject: Reject) -> Finding:
    return note(reject.source, f"{reject.reject_count} rows are not used: {reject.reason}, as {reject.sample}")


def _fees(plan: Plan, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Say what the fees mean once for all symbols of which it is the same, and name fees that no symbol has."""
    unused = sorted(plan.fees.keys() - {"", *(one.symbol for one in evidence)})
    if unused:
        yield note("fees", f"set for {', '.join(unused)}, which nobody trades; misspelt?")
    said: dict[str | None, list[str]] = {}
    for one in evidence:
        said.setdefault(fee_gap_words(one.fee_gap), []).append(one.symbol)
    for words, symbols in said.items():
        told = words or "none are set, so nobody can tell whether maker-first saves; set [fees] maker_bps and taker_bps"
        yield Finding(what="fees", said=f"{listed(symbols)}: {told}")


def _candles(judgements: Sequence[Judgement]) -> Iterator[Finding]:
    unknown = [each.evidence.symbol for each in judgements if each.decision.regime is Regime.UNKNOWN]
    if unknown:
        yield note("candles", f"the regime is unknown for {', '.join(unknown)}: too few or too old candles")
    else:
        yield Finding(what="candles", said="enough for all")


def _names(measurement: Measurement, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Say where orders and candles name their markets differently: candles are there, but nobody trades them."""
    without = [one.symbol for one in evidence if not one.volatility.bar_count]
    spare = sorted(measurement.evidence.keys() - {one.symbol for one in evidence})
    if without and spare:
        yield note("candles", f"no candles for {listed(without)}; the candles have {listed(spare)}")


def _bars(plan: Plan, candles: CandlesSource, window: Window) -> Iterator[Finding]:
    if plan.engine.kind is EngineKind.SPARK:
        return
    gap = modal_bar_spacing(candles, window)
    if gap is not None and gap != candles.interval:
        said = f"bars open {_duration(gap)} apart, but candles.interval is {_duration(candles.interval)}"
        yield note("candles", said)


def _duration(span: timedelta) -> str:
    """Write a time as the settings do, in the largest unit that it is a whole number of."""
    seconds = round(span.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"
