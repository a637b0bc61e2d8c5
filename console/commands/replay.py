"""`router-policy replay`: what another rule set, or other parameters, would have decided on the stored evidence."""

import sys
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.commands.history import progress_bar
from console.errors import SettingsError
from console.not_found import store_to_read
from console.settings.file import load
from console.settings.model import Parameters, RulesSettings, Settings
from console.settings.plan import rules_of
from console.terminal.text import figure, iso, percent, print_json
from jobs.analysis.compare import per_day, share
from jobs.analysis.replay import Change, Instruction, Replay, ReplayVerdict, SymbolTotals, replay
from policy.rules import RuleSet

_WIDTH_OF_A_FILE = 120
_CHANGES_SHOWN = 20
_MEANING = {
    ReplayVerdict.NEVER_SENT: "not observed: maker orders that were never sent",
    ReplayVerdict.OTHER_STATE: "not observed: its breaker would not have been in the recorded state",
    ReplayVerdict.OTHER_ORDERS: "not observed: it would have sent other orders in the seven days before",
}


class _RulesFile(BaseModel):
    """The file of `--rules`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    parameters: Parameters = Field(default_factory=dict)


def show_replay(config: Path | None, file: Path, since: datetime | None, *, as_json: bool) -> None:
    """Print what the rules of a file would have decided otherwise.

    Raises SettingsError for a file that names no rules, NotReplayableError where the store lacks what they decide on.
    """
    settings = load(config)
    rules = read_rules(settings, file)
    with store_to_read(settings.store.url) as store, progress_bar() as progress:
        task = progress.add_task("replaying", total=None)
        for found in replay(store, settings.scope, rules, since):
            progress.update(task, description=f"replaying: {found.run_count} runs")
    if as_json:
        print_json([_record(settings.scope, found)])
        return
    _print(settings.scope, found)


def read_rules(settings: Settings, path: Path) -> RuleSet:
    """Read a rule set from a TOML file: its name, and the parameters that are not to have their defaults.

    How old a candle may be comes from the settings, as it does for the rule sets that are named there. Raises
    SettingsError where the file cannot be read or names no rule set or parameter.
    """
    try:
        given = _RulesFile.model_validate(tomllib.loads(path.read_text("utf-8")))
        rules = RulesSettings.model_validate({"name": given.name, given.name: given.parameters})
    except OSError as error:
        raise SettingsError(f"--rules: {path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--rules: {path} is no TOML file: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors())
        raise SettingsError(
            f'--rules: {path}: {told}; write name = "seed" and, under [parameters], what differs from its defaults'
        ) from error
    return rules_of(settings.model_copy(update={"rules": rules}))


def _record(scope: str, found: Replay) -> dict[str, Any]:
    return {
        "scope": scope,
        "rule_set": found.rules.name,
        "rule_set_digest": found.rules.digest(),
        "recorded_by": found.recorded_by,
        "first_slot": iso(found.first_slot),
        "last_slot": iso(found.last_slot),
        "run_count": found.run_count,
        "skipped_run_count": found.skipped_run_count,
        "all": _sums_record(found.total),
        "symbols": [{"symbol": name, **_sums_record(sums)} for name, sums in sorted(found.symbols.items())],
        "change_count": found.change_count,
        "changes": [_change_record(one) for one in found.changes],
    }


def _sums_record(sums: SymbolTotals) -> dict[str, Any]:
    whole, not_observed = sums.whole, sums.not_observed
    return {
        "run_count": whole.run_count,
        "seconds": whole.seconds,
        "rows": {verdict: tally.run_count for verdict, tally in sums.tallies.items()},
        "shares": {verdict: share(tally.seconds, whole.seconds) for verdict, tally in sums.tallies.items()},
        "not_observed_run_count": not_observed.run_count,
        "not_observed_share": share(not_observed.seconds, whole.seconds),
        "live_flip_count": sums.live_flip_count,
        "live_flips_per_day": per_day(sums.live_flip_count, whole.seconds),
        "replayed_flip_count": sums.replayed_flip_count,
        "replayed_flips_per_day": per_day(sums.replayed_flip_count, whole.seconds),
        "not_observed_flip_count": sums.not_observed_flip_count,
    }


def _change_record(one: Change) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "valid_from": iso(one.start),
        "valid_to": iso(one.until),
        "run_count": one.run_count,
        "live_maker_first": one.live.maker_first,
        "live_taker_bias": one.live.taker_bias,
        "maker_first": one.replayed.maker_first,
        "taker_bias": one.replayed.taker_bias,
        "verdict": one.verdict,
        "observed": one.verdict.is_observed,
        "reason": one.reason,
    }


_HEADS = (
    "symbol",
    "\nruns",
    "\ndays",
    "\nsame %",
    "other\nwait %",
    "taker\ninstead %",
    "not ob-\nserved %",
    "of it never\nsent %",
    "live flips\na day",
    "replayed\nflips a day",
    "of them not\nobserved",
)


def _print(scope: str, found: Replay) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    sys.stdout.write("".join(f"{line}\n" for line in _summary(scope, found)))
    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, head in enumerate(_HEADS):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for name, sums in (("all", found.total), *sorted(found.symbols.items())):
        table.add_row(*map(Text, (name, *_cells(sums))))
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)
    sys.stdout.write("".join(f"{line}\n" for line in _changes(found)))


def _summary(scope: str, found: Replay) -> Iterator[str]:
    rules = f"{found.rules.name} {found.rules.digest()[:12]}"
    yield f"scope {scope!r}, {iso(found.first_slot)} to {iso(found.last_slot)}: {rules} on the stored evidence"
    if found.recorded_by is not None:
        yield f"the order of events is the one that was measured for {found.recorded_by}"
    if found.skipped_run_count:
        yield f"{found.skipped_run_count} runs were left out: the order of events was not measured in them"


def _cells(sums: SymbolTotals) -> tuple[str, ...]:
    whole, by = sums.whole, sums.tallies
    shown = (by[ReplayVerdict.SAME], by[ReplayVerdict.OTHER_WAIT], by[ReplayVerdict.TAKER_INSTEAD], sums.not_observed)
    return (
        str(whole.run_count),
        f"{whole.seconds / 86_400:.2f}",
        *(percent(share(tally.seconds, whole.seconds)) for tally in (*shown, by[ReplayVerdict.NEVER_SENT])),
        *(figure(per_day(count, whole.seconds)) for count in (sums.live_flip_count, sums.replayed_flip_count)),
        str(sums.not_observed_flip_count),
    )


def _changes(found: Replay) -> Iterator[str]:
    if not found.change_count:
        yield "nothing changes: at every slot it says what the live rule set said"
        return
    shown = list(found.changes)[-_CHANGES_SHOWN:]
    yield f"the newest {len(shown)} of {found.change_count} changes (--json has {len(found.changes)}):"
    for one in reversed(shown):
        when = f"{iso(one.start)} to {iso(one.until) or 'now'}, {one.run_count} runs"
        yield f"{one.symbol} {when}: {_words(one.live)} -> {_words(one.replayed)}"
        yield f"  {_MEANING.get(one.verdict, 'on evidence that it would have had as well')}"
        yield f"  {one.reason}"


def _words(told: Instruction) -> str:
    return f"{'maker first' if told.maker_first else 'straight to taker'}, {told.taker_bias}"
