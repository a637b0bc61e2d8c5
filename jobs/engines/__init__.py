"""Engines: what reads the sources and runs the metric queries."""

from jobs.engines.measurement import Measurement
from jobs.engines.streaks import States
from jobs.plan import EngineKind, Plan
from policy.window import Window


def measure(plan: Plan, window: Window, states: States) -> Measurement:
    """Measure every symbol of the sources over the window, on the engine that the plan names.

    `states` are what the plan's rule sets remember: they say from when the order of events counts.

    Raises SourceError where a source cannot be used, EngineError where the engine cannot.
    """
    if plan.engine.kind is EngineKind.SPARK:
        from jobs.engines.spark_engine import measure_with_spark

        return measure_with_spark(plan, window, states)
    from jobs.engines.duckdb_engine import measure_with_duckdb

    return measure_with_duckdb(plan, window, states)
