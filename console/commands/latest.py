"""`router-policy latest`: the policies in force."""

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument
from console.policy_record import in_force_record
from console.settings.file import load
from console.terminal.freshness import gap_words, recent_gaps
from console.terminal.policy_table import print_policies
from console.terminal.text import print_json, print_lines
from storage.read.policies import latest


def command(symbol: OptionalSymbolArgument = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the policies in force."""
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
        print_json({**in_force_record(policy), "age_seconds": (now - slot).total_seconds()} for policy in policies)
        return
    overridden = {policy.symbol for policy in policies if policy.override is not None}
    print_policies([policy.snapshot for policy in policies], now, overridden)
    print_lines([gap_words(missed)] if missed else [])
