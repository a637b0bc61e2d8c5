"""`router-policy replay`: what another rule set, or other parameters, would have decided on the stored evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from console.errors import SettingsError
from console.not_found import store_to_read
from console.options import AsJson, Config, SlotsSince
from console.settings.file import load
from console.settings.model import RuleParameters, RulesSettings, Settings
from console.settings.plan import plan_of, rules_of
from console.settings.toml_file import read_toml
from console.terminal.progress import progress_bar
from console.terminal.routes import policy_words
from console.terminal.table import plain_table, print_table
from console.terminal.text import figure, percent, print_lines, print_record
from jobs.analysis.backfilled_runs import backfilled_words
from jobs.analysis.compare import per_day, share
from jobs.analysis.findings import counted
from jobs.analysis.never_sent import Estimates, Stretches, never_sent_estimates
from jobs.analysis.replay import evidence_words, replay
from jobs.analysis.replay_result import Change, Instruction, Replay, ReplayVerdict, SymbolTotals
from jobs.engines.errors import EngineError
from jobs.sources.errors import SourceError
from policy.experiment.confidence_sequence import Interval
from policy.experiment.saving import Answer
from policy.list_text import listed
from policy.rules import RuleSet
from policy.time_text import iso

_CHANGES_SHOWN = 20
_MEANING = {
    ReplayVerdict.NEVER_SENT: "not observed: maker orders that were never sent",
    ReplayVerdict.OTHER_STATE: "not observed: its breaker would not have been in the recorded state",
    ReplayVerdict.OTHER_ORDERS: "not observed: it would have sent other orders in the days of its evidence",
}


class _RulesFile(BaseModel):
    """The file of `--rules`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    parameters: RuleParameters = Field(default_factory=dict)


_RulesPath = Annotated[
    Path, typer.Option("--rules", help="A TOML file with the name of a rule set and its \\[parameters].")
]


def command(rules: _RulesPath, since: SlotsSince = None, config: Config = None, as_json: AsJson = False) -> None:
    """Decide the past again by other rules, on the stored evidence; nothing is written."""
    settings = load(config)
    rule_set = read_rules(settings, rules)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("replaying", total=None)
        for replayed in replay(store, settings.scope, rule_set, since):
            progress.update(task, description=f"replaying: {replayed.run_count} runs")
        backfilled = backfilled_words(store, settings.scope, since)
    estimates, problem = _estimates(settings, replayed)
    if as_json:
        never_sent = {"never_sent": never_sent_records(estimates), "never_sent_problem": problem}
        print_record(_record(settings.scope, replayed) | never_sent)
        return
    print_lines([backfilled] if backfilled else [])
    _print(settings.scope, replayed, estimates, problem)


def _estimates(settings: Settings, replayed: Replay) -> tuple[Estimates, str | None]:
    """Estimate what was never sent from the log, or return why it cannot be read: a replay itself needs no log."""
    try:
        return (
            never_sent_estimates(plan_of(settings), replayed.never_sent, replayed.first_slot, replayed.last_slot),
            None,
        )
    except (SourceError, EngineError) as error:
        return {}, str(error)


def read_rules(settings: Settings, path: Path) -> RuleSet:
    """Read a rule set from a TOML file: its name, and the parameters that differ from their defaults.

    The greatest age of a candle comes from the settings, as it does for the rule sets that are named there. Raises
    SettingsError if the file cannot be read or names an unknown rule set or parameter.
    """
    given_values = read_toml(path, "name a file with the name of a rule set and its [parameters]", option="--rules")
    try:
        given = _RulesFile.model_validate(given_values)
        rules = RulesSettings.model_validate({"name": given.name, given.name: given.parameters})
    except ValidationError as error:
        problems = "; ".join(_message(problem) for problem in error.errors())
        raise SettingsError(
            f'--rules: {path}: {problems}; write name = "seed" and, under [parameters], what differs from its defaults'
        ) from error
    return rules_of(settings.model_copy(update={"rules": rules}))


def _message(problem: ErrorDetails) -> str:
    return f"{'.'.join(map(str, problem['loc']))} {problem['msg']}".strip()


def _record(scope: str, replayed: Replay) -> dict[str, Any]:
    return {
        "scope": scope,
        "rule_set": replayed.rules.name,
        "rule_set_digest": replayed.rules.digest(),
        "recorded_by": replayed.recorded_by,
        "first_slot": iso(replayed.first_slot),
        "last_slot": iso(replayed.last_slot),
        "run_count": replayed.run_count,
        "skipped_run_count": replayed.skipped_run_count,
        "all": _totals_record(replayed.total),
        "symbols": [{"symbol": name, **_totals_record(totals)} for name, totals in sorted(replayed.symbols.items())],
        "change_count": replayed.change_count,
        "changes": [_change_record(change) for change in replayed.changes],
    }


def _totals_record(totals: SymbolTotals) -> dict[str, Any]:
    whole, not_observed = totals.whole, totals.not_observed
    return {
        "run_count": whole.run_count,
        "seconds": whole.seconds,
        "rows": {verdict: tally.run_count for verdict, tally in totals.tallies.items()},
        "shares": {verdict: share(tally.seconds, whole.seconds) for verdict, tally in totals.tallies.items()},
        "not_observed_run_count": not_observed.run_count,
        "not_observed_share": share(not_observed.seconds, whole.seconds),
        "live_flip_count": totals.live_flip_count,
        "live_flips_per_day": per_day(totals.live_flip_count, whole.seconds),
        "replayed_flip_count": totals.replayed_flip_count,
        "replayed_flips_per_day": per_day(totals.replayed_flip_count, whole.seconds),
        "not_observed_flip_count": totals.not_observed_flip_count,
    }


def _change_record(change: Change) -> dict[str, Any]:
    return {
        "symbol": change.symbol,
        "valid_from": iso(change.start),
        "valid_to": iso(change.until),
        "run_count": change.run_count,
        "live_maker_first": change.live.maker_first,
        "live_taker_bias": change.live.taker_bias,
        "maker_first": change.replayed.maker_first,
        "taker_bias": change.replayed.taker_bias,
        "verdict": change.verdict,
        "observed": change.verdict.is_observed,
        "reason": change.reason,
    }


_HEADS = (
    "symbol",
    "symbol\nruns",  # of all symbols together, each run and each day counts once for each symbol
    "symbol\ndays",
    "\nsame %",
    "other\nwait %",
    "taker\ninstead %",
    "not ob-\nserved %",
    "of it never\nsent %",
    "live flips\na day",
    "replayed\nflips a day",
    "of them not\nobserved",
)


def never_sent_records(estimates: Estimates) -> list[dict[str, Any]]:
    """Return the estimates for programs; `symbol` is null for all symbols together, money is not known."""
    return [
        {
            "symbol": symbol or None,
            "saving_bps": estimate.saving.saving,
            "interval": _bounds(estimate.saving.interval(Answer.ANY_ORDER)),
            "order_count": estimate.saving.order_count,
            "maker_count": estimate.saving.maker_count,
            "effective_count": estimate.effective_count,
        }
        for symbol, estimate in estimates.items()
    ]


def _bounds(interval: Interval | None) -> list[float] | None:
    return [interval.lower, interval.upper] if interval is not None else None


def _never_sent(stretches: Stretches, estimates: Estimates, problem: str | None) -> Iterator[str]:
    """Yield what the maker orders that were never sent would have saved, by those that chance sent."""
    if problem is not None:
        yield f"never sent: not estimated, as the log cannot be read: {problem}"
        return
    if unknown := sorted(stretches.keys() - estimates.keys()):
        yield f"never sent, {listed(unknown)}: not estimated, as chance sent no maker order then"
    for symbol, estimate in estimates.items():
        interval = estimate.saving.interval(Answer.ANY_ORDER)
        known = f"{interval.lower:+.2f} to {interval.upper:+.2f} at every look" if interval else "too few to tell"
        yield (
            f"never sent, {symbol or 'all symbols'}: maker first would have saved {estimate.saving.saving:+.2f} bps an "
            f"order ({known}), by {estimate.saving.order_count} orders of which chance decided the way, "
            f"{estimate.saving.maker_count} of them maker, which tell as much as {estimate.effective_count:.1f}"
        )


def _print(scope: str, replayed: Replay, estimates: Estimates, problem: str | None) -> None:
    print_lines(_summary(scope, replayed))
    totals = [("all", replayed.total), *sorted(replayed.symbols.items())]
    rows = ((name, *_cells(symbol_totals)) for name, symbol_totals in totals)
    print_table(plain_table(_HEADS, rows))
    print_lines(_never_sent(replayed.never_sent, estimates, problem))
    print_lines(_changes(replayed))


def _summary(scope: str, replayed: Replay) -> Iterator[str]:
    rules = f"{replayed.rules.name} {replayed.rules.digest()[:12]}"
    yield f"scope {scope!r}, {iso(replayed.first_slot)} to {iso(replayed.last_slot)}: {rules} on the stored evidence"
    if replayed.recorded_by is not None:
        events = "the order of events is the one that was"
        if replayed.rules.cost_parameters is not None:
            events = "the order of events and the costs are those that were"
        yield f"{events} measured for {replayed.recorded_by}"
    if replayed.skipped_run_count:
        runs = "1 run was" if replayed.skipped_run_count == 1 else f"{replayed.skipped_run_count} runs were"
        yield f"{runs} left out: {evidence_words(replayed.rules)} was not measured there"


def _cells(totals: SymbolTotals) -> tuple[str, ...]:
    whole, tallies = totals.whole, totals.tallies
    shown = (
        tallies[ReplayVerdict.SAME],
        tallies[ReplayVerdict.OTHER_WAIT],
        tallies[ReplayVerdict.TAKER_INSTEAD],
        totals.not_observed,
        tallies[ReplayVerdict.NEVER_SENT],
    )
    return (
        str(whole.run_count),
        f"{whole.seconds / 86_400:.2f}",
        *(percent(share(tally.seconds, whole.seconds)) for tally in shown),
        *(figure(per_day(count, whole.seconds)) for count in (totals.live_flip_count, totals.replayed_flip_count)),
        str(totals.not_observed_flip_count),
    )


def _changes(replayed: Replay) -> Iterator[str]:
    if not replayed.change_count:
        yield "nothing changes: every decision is that of the live rule set"
        return
    shown = list(replayed.changes)[-_CHANGES_SHOWN:]
    yield f"the newest {len(shown)} of {replayed.change_count} changes (--json has {len(replayed.changes)}):"
    for change in reversed(shown):
        span = f"{iso(change.start)} to {iso(change.until) or 'now'}, {counted(change.run_count, 'run')}"
        yield f"{change.symbol} {span}: {_words(change.live)} -> {_words(change.replayed)}"
        yield f"  {_MEANING.get(change.verdict, 'on evidence that it would have had as well')}"
        yield f"  {change.reason}"


def _words(instruction: Instruction) -> str:
    return policy_words(instruction.maker_first, instruction.taker_bias)
