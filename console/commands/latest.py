"""`router-policy latest`: the policies in force."""

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument
from console.policy_record import in_force_record
from console.settings.file import load
from console.terminal.policy_table import print_policies
from console.terminal.text import print_json
from storage.records import Snapshot


def command(symbol: OptionalSymbolArgument = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the policies in force."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        rows, now = store.latest_rows(settings.scope, symbol), store.now()
        if not rows:
            raise no_policy(store, settings.scope, symbol)
    if as_json:
        print_json({**in_force_record(row), "age_seconds": (now - row["slot"]).total_seconds()} for row in rows)
        return
    overridden = {row["symbol"] for row in rows if row["override_id"] is not None}
    print_policies([Snapshot.from_row(row) for row in rows], now, overridden)
