"""`router-policy history`: one symbol's policies over time."""

from collections.abc import Sequence

from sqlalchemy import RowMapping

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, SlotsSince, SymbolArgument
from console.policy_record import in_force_record
from console.settings.file import load
from console.terminal.policy_table import decision_cells
from console.terminal.table import boxed_table, print_table
from console.terminal.text import iso, print_json
from storage.records import Snapshot

_FILE_WIDTH = 160
_HEADS = ("valid from", "valid to", "maker first", "taker bias", "quality", "regime", "why")


def command(symbol: SymbolArgument, since: SlotsSince = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show one symbol's policies, oldest first, each with the time that it was in force."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        rows = store.history(settings.scope, symbol, since)
        if not rows:
            raise no_policy(store, settings.scope, symbol)
    if as_json:
        print_json(
            {**in_force_record(row), "valid_from": iso(row["valid_from"]), "valid_to": iso(row["valid_to"])}
            for row in rows
        )
        return
    _print_table(symbol, rows)


def _print_table(symbol: str, rows: Sequence[RowMapping]) -> None:
    table = boxed_table(f"policies for {symbol}", _HEADS, map(_cells, rows), text_columns=range(len(_HEADS)))
    print_table(table, file_width=_FILE_WIDTH)


def _cells(row: RowMapping) -> tuple[str, ...]:
    span = (iso(row["valid_from"]) or "", iso(row["valid_to"]) or "now")
    return (*span, *decision_cells(Snapshot.from_row(row)), _reason(row))


def _reason(row: RowMapping) -> str:
    """Return why: the rules' reason, or a person's with what was computed beneath it."""
    reason: str = row["reason"]
    if row["override_id"] is None:
        return reason
    return f"override {row['override_id']} by {row['override_author']}: {row['override_reason']}; computed: {reason}"
