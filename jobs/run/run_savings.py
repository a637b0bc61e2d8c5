"""The savings that a run publishes: those of the orders before its slot that the runs before it did not find."""

from dataclasses import replace
from datetime import datetime

from jobs.experiment.savings import find_savings
from jobs.plan import EngineKind, Plan
from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS, key_of
from storage.read.savings import KnownSavings
from storage.records import StoredSaving


def new_savings(plan: Plan, as_of: datetime, known: KnownSavings) -> tuple[StoredSaving, ...]:
    """Read the orders from the first experiment until `as_of` and return each figure that differs from the one known.

    Nothing is read if no run before held orders out, nor for a plan on Spark: what its cluster reads may be out of
    reach of this machine. Raises SourceError if the log cannot be used, EngineError if DuckDB fails.
    """
    if known.since is None or known.since >= as_of or plan.engine.kind is EngineKind.SPARK:
        return ()
    savings = find_savings(plan.orders, plan.fees, known.since, as_of)
    stored = (StoredSaving(since=savings.since, figure=figure) for figure in savings.figures)
    return tuple(saving for saving in stored if saving != known.newest.get(key_of(saving.figure)))


def with_half_width(plan: Plan, known: KnownSavings) -> Plan:
    """Return the plan whose experiment knows how exactly the saving on the orders sent was known before the run."""
    saving = known.newest.get((ALL_SYMBOLS, Comparison.MAKER_AGAINST_TAKER))
    half_width_bps = saving.figure.sent_margin_bps if saving is not None else None
    return replace(plan, experiment=replace(plan.experiment, half_width_bps=half_width_bps))
