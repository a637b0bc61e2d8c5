"""The policies of one run as a table: the figures that decided, and how old the whole is; narrow, or with all."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from console.terminal.freshness import slot_words
from console.terminal.table import boxed_table, plain_table, print_table
from console.terminal.text import figure, print_lines
from policy.enums import Quality
from policy.health import severity_of
from policy.snapshot import Snapshot

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

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
_NARROW_HEADS = (
    *("\nsymbol", "\nroute", "\ntaker bias", "\nquality", "\nregime"),
    *("maker\nfills", "falls\nback", "slip\nbps", "starts/\norders"),
)
WORD_COLUMN_COUNT = 5
_QUALITY_STYLES = {Quality.GOOD: "green", Quality.OK: "", Quality.DEGRADED: "yellow", Quality.BROKEN: "red"}
_OVERRIDDEN = "*: by a person's override; router-policy explain SYMBOL shows whose and why"


def print_policies(
    snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = (), *, wide: bool = False
) -> None:
    """Print the policies of one run, at least one, the worst first, with a mark at those that a person has overridden.

    A table fits into 80 columns unless it is `wide`, if symbols have up to 15 letters.
    """
    ordered = sorted(snapshots, key=lambda each: severity_of(each.quality, each.fallback_ratio, each.symbol))
    if wide:
        print_table(policy_table(ordered, now, overridden))
        return
    rows = (_narrow_cells(snapshot, is_overridden=snapshot.symbol in overridden) for snapshot in ordered)
    print_lines([_title(snapshots[0], now)])
    print_table(plain_table(_NARROW_HEADS, rows, text_columns=range(WORD_COLUMN_COUNT)))
    print_lines([_OVERRIDDEN] if overridden else [])


def _narrow_cells(snapshot: Snapshot, *, is_overridden: bool) -> "tuple[str | Text, ...]":
    from rich.text import Text

    route = Text("maker" if snapshot.maker_first else "taker", "" if snapshot.maker_first else "bold")
    return (
        snapshot.symbol,
        route.append("*", "magenta") if is_overridden else route,
        snapshot.taker_bias,
        Text(snapshot.quality, _QUALITY_STYLES[snapshot.quality]),
        snapshot.regime,
        figure(snapshot.maker_fill_ratio),
        figure(snapshot.fallback_ratio),
        figure(snapshot.slip_q50),
        _starts(snapshot),
    )


def policy_table(snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = ()) -> "Table":
    """Lay out the policies of one run, at least one: words first, then figures."""
    rows = [_cells(snapshot, mark="*" if snapshot.symbol in overridden else "") for snapshot in snapshots]
    table = boxed_table(_title(snapshots[0], now), _HEADS, rows, text_columns=range(WORD_COLUMN_COUNT))
    if overridden:
        table.caption = _OVERRIDDEN
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
        _starts(snapshot),
    )


def _title(snapshot: Snapshot, now: datetime) -> str:
    return f"policies of {slot_words(snapshot.slot, now - snapshot.slot)}, rule set {snapshot.rule_set}"


def _starts(snapshot: Snapshot) -> str:
    return f"{snapshot.maker_started_count}/{snapshot.outcome_count}"


def decision_cells(snapshot: Snapshot, mark: str = "") -> tuple[str, str, str, str]:
    """Return what was decided: maker first, taker bias, quality and regime."""
    maker_first = f"{'yes' if snapshot.maker_first else 'no: taker'}{mark}"
    return maker_first, snapshot.taker_bias, snapshot.quality, snapshot.regime
