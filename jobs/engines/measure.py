"""The order of work: what is loaded and measured, one step after the other, the same on every engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from jobs.engines.candle_checks import LoadedBars, check_bars
from jobs.engines.engine import Engine, EngineAt, MetricRow, bar_parameters, outcome_parameters
from jobs.engines.maker_costs import measure_costs
from jobs.engines.measurement import Measurement, gather, one_tick_markets
from jobs.engines.source_notes import (
    events_only_note,
    missing_costs_note,
    source_notes,
    timeless_rows_note,
    unknown_misses_note,
    unused_rows_note,
    without_notes,
)
from jobs.engines.streaks import States, measure_streaks
from jobs.plan import EngineKind, Plan
from policy import metrics
from policy.spread import has_no_tick
from policy.window import Window

# Measures the sources of a plan over a window, with the states that its rule sets remember, as `measure` does.
Measure = Callable[[Window, States], Measurement]


def measure(plan: Plan, window: Window, states: States) -> Measurement:
    """Measure every symbol of the sources over the window, on the engine that the plan names.

    `states` are what the plan's rule sets remember: they decide from when on the order of events counts.

    Raises SourceError if a source cannot be used, EngineError if the engine fails or cannot be reached.
    """
    with measuring(plan, [window]) as measured:
        return measured(window, states)


def try_candles(plan: Plan, window: Window) -> None:
    """Load the plan's candles alone, whatever its orders are. Raises as `measure` does."""
    with _open(plan, [window]) as engine_at, engine_at(window) as engine:
        if plan.candles is not None:
            engine.load_candles(plan.candles)


@contextmanager
def measuring(plan: Plan, windows: Sequence[Window]) -> Iterator[Measure]:
    """Give a function that measures any of these windows as `measure` does, but loads once what they have in common.

    The sources are read as they are when the first window is measured.
    """
    with _open(plan, windows) as engine_at:

        def measured(window: Window, states: States) -> Measurement:
            with engine_at(window) as engine:
                return _measure(engine, plan, window, states)

        yield measured


def _open(plan: Plan, windows: Sequence[Window]) -> AbstractContextManager[EngineAt]:
    if plan.engine.kind is EngineKind.SPARK:
        from jobs.engines.spark_engine import spark_engine

        return spark_engine(plan)
    from jobs.engines.duckdb_engine import duckdb_engine

    return duckdb_engine(plan, windows)


def _measure(engine: Engine, plan: Plan, window: Window, states: States) -> Measurement:
    sources = {"orders": engine.load_orders()}
    effectiveness, rejects = engine.measure_orders()
    expectancy = engine.rows(metrics.EXPECTANCY, {**outcome_parameters(window), "hour_of_day": window.as_of.hour})
    volatility: list[MetricRow] = []
    is_one_tick: dict[str, bool] = {}
    bars = LoadedBars()
    if plan.candles is not None:
        sources["candles"], candle_rejects = engine.load_candles(plan.candles)
        rejects += candle_rejects
        volatility = engine.rows(metrics.VOLATILITY, bar_parameters(window))
        bars = check_bars(engine, window)
        if plan.fees or _asks_for_outages(plan):
            is_one_tick = _one_tick_markets(engine, window, [row["symbol"] for row in volatility])
    interval = plan.candles.interval if plan.candles is not None else None
    streaks = measure_streaks(engine, plan.rule_sets_with_state, states, window, effectiveness, interval)
    costs = measure_costs(engine, plan.rule_sets_with_state, window, plan.fee_gap_bps)
    traded_symbols = frozenset(row["symbol"] for row in effectiveness)
    evidence = gather(effectiveness, volatility, expectancy, window)
    order_count = sum(row["outcome_count"] for row in effectiveness)
    has_fees = any(plan.fee_gap_bps(symbol) is not None for symbol in traded_symbols)
    spacing = bars.spacing_note(plan.candles.interval) if plan.candles is not None else ()
    return Measurement(
        evidence=evidence,
        traded_symbols=traded_symbols,
        rejects=tuple(rejects),
        engine=engine.name,
        sources={name: without_notes(description) for name, description in sources.items()},
        notes=(
            *timeless_rows_note("orders", rejects, order_count),
            *events_only_note(rejects, order_count),
            *timeless_rows_note("candles", rejects, bars.bar_count),
            *source_notes(sources, evidence, traded_symbols),
            *spacing,
            *_unknown_misses(engine, plan, window),
            *missing_costs_note(costs.values(), order_count, has_fees=has_fees),
        ),
        unused_rows=(
            *unused_rows_note("orders", rejects, order_count),
            *unused_rows_note("candles", rejects, bars.bar_count),
        ),
        streaks=streaks,
        costs=costs,
        is_one_tick=is_one_tick,
    )


def _unknown_misses(engine: Engine, plan: Plan, window: Window) -> Sequence[str]:
    """Return what the log lacks for a rule set that asks whether the market traded through an order."""
    if not _asks_for_outages(plan):
        return ()
    bounds = {"day_start": window.day_start, "as_of": window.as_of}
    (counts,) = engine.rows(metrics.UNKNOWN_MISSES, bounds)
    return unknown_misses_note(int(counts["miss_count"]), int(counts["unknown_count"] or 0))


def _asks_for_outages(plan: Plan) -> bool:
    """Return whether a rule set uses the evidence of an outage; it also posts anew where the spread is wide."""
    return any(rules.outage_parameters for rules in plan.rule_sets_with_state)


def _one_tick_markets(engine: Engine, window: Window, symbols: Iterable[str]) -> dict[str, bool]:
    """Return by symbol whether its spread is one tick; the others of the candles' `symbols` do not show it.

    Of a market without a tick nothing more is asked: its steps are all different, and take the most time.
    """
    bounds = bar_parameters(window)
    newest = engine.rows(metrics.PRICE_STEPS, {**bounds, "first_priced_open": window.first_newest_bar_open})
    without_tick = {row["symbol"] for row in newest if has_no_tick(row["steps"], row["price_count"])}
    asked = [symbol for symbol in symbols if symbol not in without_tick]
    if not asked:
        return {}
    engine.load_asked_symbols(asked)
    grid = engine.rows(metrics.PRICE_GRID_OF_ASKED, {**bounds, "first_priced_open": bounds["first_bar_open"]})
    return one_tick_markets(grid, engine.rows(metrics.HALF_SPREAD_OF_ASKED, bounds))
