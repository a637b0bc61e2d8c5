"""`router-policy latest`: the policies in force."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.freshness import gap_words, recent_gaps
from console.terminal.policy_table import print_policies
from console.terminal.text import print_lines, print_page, print_record
from policy.effective import EffectivePolicy
from storage.read.policies import latest

_Wide = Annotated[bool, typer.Option("--wide", help="Show every figure; the table may be wider than the terminal.")]


def command(
    symbol: OptionalSymbolArgument = None, wide: _Wide = False, config: Config = None, as_json: AsJson = False
) -> None:
    """Show the policies in force, the worst first."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        with store.reading() as connection:
            policies = latest(connection, settings.scope, symbol)
            slot = policies[0].snapshot.slot if policies else None
            missed = recent_gaps(connection, settings.scope, slot) if slot is not None else []
        now = store.now()
        if slot is None:
            raise no_policy(store, settings.scope, symbol)
    if as_json:
        _print_records(settings, policies, is_one=symbol is not None)
        return
    overridden = {policy.symbol for policy in policies if policy.override is not None}
    print_policies([policy.snapshot for policy in policies], now, overridden, wide=wide)
    print_lines([gap_words(missed)] if missed else [])


def _print_records(settings: Settings, policies: Sequence[EffectivePolicy], *, is_one: bool) -> None:
    """Print what the API has at /v1/policies, or at /v1/policies/SYMBOL."""
    from console.records.policy_records import policy_records
    from jobs.analysis.health import limits_at

    records = policy_records(policies, partial(limits_at, settings.schedule.slots))
    if is_one:
        print_record(records[0])
        return
    print_page(records)
