"""Replay: what another rule set would have decided on the stored evidence.

Nothing is written. If the other rule set had been live, the bot would have sent other orders whenever the two disagree
on maker first, and their outcome was never measured. `ReplayVerdict` marks the rows that this affects.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from jobs.analysis.replay_result import Replay, SymbolTotals
from jobs.analysis.symbol_replay import ReplayedRun, SymbolReplay
from jobs.cycle_collector import without_collector
from policy.errors import RouterPolicyError
from policy.rules import RuleSet
from policy.rules.routed import DecideOnRoute
from policy.window import OUTCOME_WINDOW
from storage.read.replay_inputs import ReplayableRun, ReplayInput, batches, replay_inputs, replayable_runs
from storage.store import Store


class NotReplayableError(RouterPolicyError, LookupError):
    """The store does not hold what the rule set would decide on."""


def replay(store: Store, scope: str, rules: RuleSet, since: datetime | None = None) -> Iterator[Replay]:
    """Decide again by other rules on the evidence of the slots from `since` on: see `replay_runs`."""
    with store.reading() as connection:
        runs = replayable_runs(connection, scope, since)

    def read_inputs(batch: Sequence[ReplayableRun], breaker: str | None) -> dict[int, list[ReplayInput]]:
        with store.reading() as connection:
            return replay_inputs(connection, batch, rules, breaker)

    yield from replay_runs(scope, rules, runs, read_inputs)


ReadInputs = Callable[[Sequence[ReplayableRun], str | None], Mapping[int, Sequence[ReplayInput]]]


def replay_runs(scope: str, rules: RuleSet, runs: Sequence[ReplayableRun], read_inputs: ReadInputs) -> Iterator[Replay]:
    """Decide these runs again by other rules; yield the result so far after each batch, then the whole.

    The same object is yielded each time, its `run_count` being the runs so far. Memory does not grow with the history.
    Raises NotReplayableError if there is no run, or none that holds what the rules decide on.
    """
    name, replayable = _replayable(runs, scope, rules)
    result = Replay(
        rules=rules,
        recorded_by=name,
        first_slot=replayable[0].slot,
        last_slot=replayable[-1].slot,
        run_count=0,
        skipped_run_count=len(runs) - len(replayable),
    )
    symbols: dict[str, SymbolReplay] = {}
    decide_on_route = rules.deciding_on_route()
    for batch in batches(replayable):
        with without_collector():
            inputs = read_inputs(batch, name)
            for run in batch:
                _replay_run(result, decide_on_route, symbols, run, inputs[run.run_id])
        yield result


def _replayable(
    runs: Sequence[ReplayableRun], scope: str, rules: RuleSet
) -> tuple[str | None, Sequence[ReplayableRun]]:
    """Return the breaker whose record is used, and the runs that can be replayed with it."""
    if not runs:
        raise NotReplayableError(f"scope {scope!r} has no run then; router-policy history SYMBOL lists the runs")
    if not rules.has_state:
        return None, runs
    counts: dict[str, int] = {}
    for run in runs:
        for name, recorded in run.rule_sets.items():
            if rules.can_decide_on_record_of(recorded):
                counts[name] = counts.get(name, 0) + 1
    if not counts:
        raise NotReplayableError(
            f"{rules.name} cannot be replayed over this history: no run of scope {scope!r} then measured "
            f"{evidence_words(rules)}, which it decides on. "
            f'Set [rules] shadow = ["{rules.kind}"]{_with_its_own(rules)}, and it can be replayed from the next run '
            "on; or, with that setting and an empty store, compute the past again with router-policy backfill"
        )
    name = rules.name if rules.name in counts else max(sorted(counts), key=counts.__getitem__)
    usable = [run for run in runs if name in run.rule_sets and rules.can_decide_on_record_of(run.rule_sets[name])]
    return name, usable


def evidence_words(rules: RuleSet) -> str:
    """Return what a run has to have measured for a rule set with state to decide on it."""
    if (costs := rules.cost_parameters) is not None:
        return f"what maker orders cost over {costs.days} days, clipped to {costs.clip_bps:g} bps"
    return "the order of events" if rules.outage_parameters is None else "the evidence of an outage"


def _with_its_own(rules: RuleSet) -> str:
    return " with these cost_days and cost_clip_bps" if rules.cost_parameters is not None else ""


def _replay_run(
    result: Replay,
    decide_on_route: DecideOnRoute,
    symbols: dict[str, SymbolReplay],
    run: ReplayableRun,
    rows: Iterable[ReplayInput],
) -> None:
    present = set()
    newcomer = result.rules.newcomer(symbol.state for symbol in symbols.values() if symbol.state is not None)
    replayed = _replayed_run(result, run)
    for row in rows:
        name = row.evidence.symbol
        present.add(name)
        symbol = symbols.get(name)
        if symbol is None:
            symbol = symbols[name] = SymbolReplay(
                rules=result.rules,
                decide_on_route=decide_on_route,
                state=newcomer if symbols and result.run_count else row.before,
                totals=result.symbols.setdefault(name, SymbolTotals(symbol=name)),
            )
        symbol.step(result, replayed, row)
    for left in symbols.keys() - present:
        del symbols[left]  # if it returns, it is a newcomer again
    result.run_count += 1


def _replayed_run(result: Replay, run: ReplayableRun) -> ReplayedRun:
    return ReplayedRun(
        number=result.run_count,
        slot=run.slot,
        until=run.until,
        seconds=(run.until - run.slot).total_seconds() if run.until is not None else 0.0,
        window_start=run.slot - OUTCOME_WINDOW,
        covered_from=run.slot - result.rules.evidence_length,
    )
