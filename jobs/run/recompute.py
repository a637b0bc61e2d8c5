"""The use case: compute every symbol's policy as of one slot, ready to be published."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version

from jobs.decisions import NO_STATES, decide_symbols
from jobs.engines.measure import Measure, measure
from jobs.engines.measurement import Measurement
from jobs.engines.source_notes import notes_of
from jobs.engines.streaks import States
from jobs.plan import Plan
from storage.records import Origin, RunResult, StoredSaving


def recompute(
    plan: Plan,
    as_of: datetime,
    *,
    origin: Origin,
    started_at: datetime,
    known_symbols: Iterable[str] = (),
    idle_symbols: Iterable[str] = (),
    states: States = NO_STATES,
    measured: Measure | None = None,
    savings: tuple[StoredSaving, ...] = (),
) -> RunResult:
    """Measure and decide for every traded symbol, from the events before `as_of`; nothing is written.

    `known_symbols` and `states` are as in `decide_symbols`. Those of `idle_symbols` that have no order now and are not
    in the plan leave: the sources of the result name them. `savings` are part of the result as they are.
    `measured` measures the window; None: the sources are read for it alone. The same plan, sources, states and `as_of`
    give the same decisions. Raises SourceError or EngineError if nothing can be computed, and SourceError if rows of
    orders were rejected as unreadable and none gives an outcome.
    """
    measured = measured or partial(measure, plan)
    measurement = measured(plan.window(as_of), states)
    leaving = set(idle_symbols).difference(measurement.traded_symbols, plan.symbols)
    decisions = decide_symbols(plan, measurement, as_of, set(known_symbols) - leaving, states)
    return RunResult(
        origin=origin,
        rule_set=plan.rule_set,
        engine=measurement.engine,
        code_version=_code_version(),
        started_at=started_at,
        event_count=measurement.event_count,
        sources=_sources_text(measurement, sorted(leaving)),
        decisions=tuple((judgement.evidence, judgement.decision) for judgement in decisions.live),
        rejects=measurement.rejects,
        judgements=decisions.live if plan.rule_set.has_state else (),
        shadows=decisions.shadows,
        savings=savings,
        experiment=plan.experiment,
    )


def _sources_text(measurement: Measurement, leaving: Sequence[str]) -> str:
    """Write what the sources were, the symbols that leave, and what the sources cannot tell."""
    notes = notes_of(measurement)
    sources = {
        **measurement.sources,
        **({"symbols_that_left": leaving} if leaving else {}),
        **({"notes": notes} if notes else {}),
    }
    return json.dumps(sources, sort_keys=True, separators=(",", ":"))


@cache
def _code_version() -> str:
    return version("router-policy")
