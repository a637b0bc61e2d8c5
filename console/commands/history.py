"""`router-policy history`: one symbol's policies over time, and what changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated

import typer

from console.not_found import leaving_message, no_policy, store_to_read
from console.options import AsJson, Config, SlotsSince, SymbolArgument
from console.settings.file import load
from console.terminal.policy_table import decision_cells
from console.terminal.table import boxed_table, print_table
from console.terminal.text import print_lines, print_page
from policy.effective import EffectivePolicy
from policy.time_text import iso
from storage.read.policies import history
from storage.records import PolicyPeriod

_HEADS = ("valid from", "valid to", "maker first", "taker bias", "quality", "regime", "why")

_Every = Annotated[bool, typer.Option("--all", help="Show every slot, also if nothing changed.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Only the newest so many.")]


def command(
    symbol: SymbolArgument,
    since: SlotsSince = None,
    every: _Every = False,
    limit: _Limit = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show when one symbol's policy changed, oldest first, and how long each was in force."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        with store.reading() as connection:
            periods = history(connection, settings.scope, symbol, since)
        if not periods:
            raise no_policy(store, settings.scope, symbol)
        leaving = leaving_message(store, settings.scope, symbol)
    rows = periods if every else list(_changes(periods))
    shown = rows[-limit:] if limit is not None else rows
    if as_json:
        _print_records(shown)
        return
    _print_table(symbol, shown)
    print_lines([f"{len(rows) - len(shown)} earlier ones are left out"] if len(shown) < len(rows) else [])
    print_lines([leaving] if leaving else [])


def _changes(periods: Sequence[PolicyPeriod]) -> Iterator[PolicyPeriod]:
    """Yield one period for each row of equal decisions: the first of them, until the last of them ends."""
    for _, equal in groupby(periods, key=_decision):
        first, *others = equal
        yield replace(first, valid_to=others[-1].valid_to) if others else first


def _decision(period: PolicyPeriod) -> tuple[object, ...]:
    """Return what counts as a change: the decision, and whose it is; its figures move with every slot."""
    snapshot, override = period.policy.snapshot, period.policy.override
    decided = (snapshot.maker_first, snapshot.taker_bias, snapshot.quality, snapshot.regime, snapshot.rule_set)
    return *decided, override.override_id if override is not None else None


def _print_records(periods: Sequence[PolicyPeriod]) -> None:
    """Print what the API has at /v1/policies/SYMBOL/history."""
    from console.records.policy_records import PastPolicyRecord

    print_page(PastPolicyRecord.of(period) for period in periods)


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
