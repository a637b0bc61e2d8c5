"""The use case: compute every symbol's policy as of one slot, ready to be published."""

import json
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version

from jobs.engines import measure
from jobs.plan import Plan
from policy import Evidence
from policy.window import Window
from storage.records import Origin, RunResult


def recompute(
    plan: Plan, as_of: datetime, *, origin: Origin, started_at: datetime, known_symbols: Iterable[str] = ()
) -> RunResult:
    """Measure and decide for every traded symbol, from what had happened by `as_of`; nothing is written.

    Traded symbols are those with an outcome in the window, those of the plan and the `known_symbols`, which had a
    policy before: one that went quiet keeps getting decisions that say so. The same plan, sources and `as_of` give the
    same decisions. Raises SourceError or EngineError where nothing can be computed.
    """
    window = Window(as_of=as_of, bar_interval=plan.candles.interval if plan.candles else None)
    measurement = measure(plan, window)
    symbols = measurement.traded_symbols.union(plan.symbols, known_symbols)
    evidence = [measurement.evidence.get(symbol, Evidence(symbol=symbol)) for symbol in sorted(symbols)]
    return RunResult(
        origin=origin,
        rule_set=plan.rule_set,
        engine=measurement.engine,
        code_version=version("router-policy"),
        started_at=started_at,
        event_count=measurement.event_count,
        sources=json.dumps(measurement.sources, sort_keys=True, separators=(",", ":")),
        decisions=tuple((one, plan.rule_set.decide(one)) for one in evidence),
        rejects=measurement.rejects,
    )
