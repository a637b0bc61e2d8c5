"""The policies of one run as a table: the figures that decided, and how old the whole is."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from console.terminal.freshness import slot_words
from console.terminal.table import boxed_table, print_table
from console.terminal.text import figure
from policy.snapshot import Snapshot

if TYPE_CHECKING:
    from rich.table import Table

_HEADS = (
    "symbol",
    "maker first",
    "taker bias",
    "quality",
    "regime",
    "maker fill",
    "fallback",
    "median slip bps",
    "ATR ratio",
    "offset bps",
    "starts/orders",
)
WORD_COLUMN_COUNT = 5


def print_policies(snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = ()) -> None:
    """Print the policies of one run, at least one, with a mark at the symbols that a person has overridden."""
    print_table(policy_table(snapshots, now, overridden))


def policy_table(snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = ()) -> "Table":
    """Lay out the policies of one run, at least one: words first, then figures."""
    slot = snapshots[0].slot
    title = f"policies of {slot_words(slot, now - slot)}, rule set {snapshots[0].rule_set}"
    rows = [_cells(snapshot, mark="*" if snapshot.symbol in overridden else "") for snapshot in snapshots]
    table = boxed_table(title, _HEADS, rows, text_columns=range(WORD_COLUMN_COUNT))
    if overridden:
        table.caption = "*: by a person's override; router-policy explain SYMBOL shows whose and why"
    return table


def _cells(snapshot: Snapshot, mark: str) -> tuple[str, ...]:
    return (
        snapshot.symbol,
        *decision_cells(snapshot, mark),
        figure(snapshot.maker_fill_ratio),
        figure(snapshot.fallback_ratio),
        figure(snapshot.slip_q50),
        figure(snapshot.atr_ratio),
        figure(snapshot.maker_offset_bps),
        f"{snapshot.maker_started_count}/{snapshot.outcome_count}",
    )


def decision_cells(snapshot: Snapshot, mark: str = "") -> tuple[str, str, str, str]:
    """Return what was decided: maker first, taker bias, quality and regime."""
    maker_first = f"{'yes' if snapshot.maker_first else 'no: taker'}{mark}"
    return maker_first, snapshot.taker_bias, snapshot.quality, snapshot.regime
