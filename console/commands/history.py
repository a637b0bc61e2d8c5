"""`router-policy history`: one symbol's policies over time."""

from collections.abc import Sequence

from console.not_found import leaving_message, no_policy, store_to_read
from console.options import AsJson, Config, SlotsSince, SymbolArgument
from console.policy_record import in_force_record
from console.settings.file import load
from console.terminal.policy_table import decision_cells
from console.terminal.table import boxed_table, print_table
from console.terminal.text import print_json, print_lines
from policy.effective import EffectivePolicy
from policy.time_text import iso
from storage.read.policies import history
from storage.records import PolicyPeriod

_HEADS = ("valid from", "valid to", "maker first", "taker bias", "quality", "regime", "why")


def command(symbol: SymbolArgument, since: SlotsSince = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show one symbol's policies, oldest first, each with the time that it was in force."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        with store.reading() as connection:
            periods = history(connection, settings.scope, symbol, since)
        if not periods:
            raise no_policy(store, settings.scope, symbol)
        leaving = leaving_message(store, settings.scope, symbol)
    if as_json:
        print_json(
            {
                **in_force_record(period.policy),
                "valid_from": iso(period.valid_from),
                "valid_to": iso(period.valid_to),
            }
            for period in periods
        )
        return
    _print_table(symbol, periods)
    print_lines([leaving] if leaving else [])


def _print_table(symbol: str, periods: Sequence[PolicyPeriod]) -> None:
    table = boxed_table(f"policies for {symbol}", _HEADS, map(_cells, periods), text_columns=range(len(_HEADS)))
    print_table(table)


def _cells(period: PolicyPeriod) -> tuple[str, ...]:
    span = (iso(period.valid_from) or "", iso(period.valid_to) or "now")
    return (*span, *decision_cells(period.policy.snapshot), _reason(period.policy))


def _reason(policy: EffectivePolicy) -> str:
    """Return why: the rules' reason, or a person's with what was computed beneath it."""
    reason, override = policy.snapshot.reason, policy.override
    if override is None:
        return reason
    return f"override {override.override_id} by {override.author}: {override.reason}; computed: {reason}"
