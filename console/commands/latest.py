"""Policies on the screen: as a table for people, as JSON for programs."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from console.not_found import no_policy, store_to_read
from console.settings.file import load
from console.terminal.text import figure, iso, print_json
from storage.records import Snapshot

_TITLE = "table.title"  # a name of the rich library's own style


def show_latest(config: Path | None, symbol: str | None, *, as_json: bool) -> None:
    """Print the policies in force. Raises NoPolicyError where there is none."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        found, now = store.latest_rows(settings.scope, symbol), store.now()
        if not found:
            raise no_policy(store, settings.scope, symbol)
    if as_json:
        print_json({**in_force_record(row), "age_seconds": (now - row["slot"]).total_seconds()} for row in found)
        return
    overridden = {row["symbol"] for row in found if row["override_id"] is not None}
    print_policies([Snapshot.from_row(row) for row in found], now, overridden)


def show_history(config: Path | None, symbol: str, since: datetime | None, *, as_json: bool) -> None:
    """Print one symbol's policies. Raises NoPolicyError where there is none."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        found = store.history(settings.scope, symbol, since)
        if not found:
            raise no_policy(store, settings.scope, symbol)
    if as_json:
        print_json(
            {**in_force_record(row), "valid_from": iso(row["valid_from"]), "valid_to": iso(row["valid_to"])}
            for row in found
        )
        return
    _print_history(found)


def as_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot with the names of its columns, times as ISO 8601, codes as a list of objects."""
    record = asdict(snapshot)
    return {**record, "slot": iso(snapshot.slot), "codes": list(record["codes"])}


def in_force_record(row: RowMapping) -> dict[str, Any]:
    """Return a row of policy_latest or policy_history: the snapshot, what was computed, and the override in force."""
    beside = ("computed_maker_first", "computed_taker_bias", "override_id", "override_author", "override_reason")
    return {
        **as_record(Snapshot.from_row(row)),
        **{name: iso(row[name]) for name in ("published_at", "override_until_at")},
        **{name: row[name] for name in beside},
    }


def print_policies(snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = ()) -> None:
    """Print the policies of one run as a table, and mark those that a person has overridden."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 140).print(policy_table(snapshots, now, overridden))


def policy_table(snapshots: Sequence[Snapshot], now: datetime, overridden: Collection[str] = ()) -> Any:
    """Lay out the policies of one run: the figures that decided, and how old the whole is."""
    from rich.table import Table
    from rich.text import Text

    slot = snapshots[0].slot
    said = f"policies of slot {iso(slot)}, {_age(now, slot)} old, rule set {snapshots[0].rule_set}"
    table = Table(title=Text(said, _TITLE))
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich wants the literal words
    for one in snapshots:
        table.add_row(*(Text(cell) for cell in _cells(one, mark="*" if one.symbol in overridden else "")))
    if overridden:
        table.caption = "*: by a person's override; router-policy explain SYMBOL says whose and why"
    return table


_COLUMNS = (
    ("symbol", "left"),
    ("maker first", "left"),
    ("taker bias", "left"),
    ("quality", "left"),
    ("regime", "left"),
    ("maker fill", "right"),
    ("fallback", "right"),
    ("median slip bps", "right"),
    ("ATR ratio", "right"),
    ("offset bps", "right"),
    ("starts/orders", "right"),
)


def _cells(one: Snapshot, mark: str = "") -> tuple[str, ...]:
    return (
        one.symbol,
        f"{'yes' if one.maker_first else 'no: taker'}{mark}",
        one.taker_bias,
        one.quality,
        one.regime,
        figure(one.maker_fill_ratio),
        figure(one.fallback_ratio),
        figure(one.slip_q50),
        figure(one.atr_ratio),
        figure(one.maker_offset_bps),
        f"{one.maker_started_count}/{one.outcome_count}",
    )


def _print_history(found: Sequence[RowMapping]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"policies for {found[0]['symbol']}", _TITLE))
    for name in ("valid from", "valid to", "maker first", "taker bias", "quality", "regime", "why"):
        table.add_column(name)
    for row in found:
        span = (iso(row["valid_from"]) or "", iso(row["valid_to"]) or "now")
        table.add_row(*(Text(cell) for cell in (*span, *_cells(Snapshot.from_row(row))[1:5], _why(row))))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _why(row: RowMapping) -> str:
    """Say whose decision it was: the rules', or a person's with what was computed beneath it."""
    reason: str = row["reason"]
    if row["override_id"] is None:
        return reason
    return f"override {row['override_id']} by {row['override_author']}: {row['override_reason']}; computed: {reason}"


def _age(now: datetime, slot: datetime) -> str:
    seconds = int((now - slot).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return (
        f"{seconds // 60} min"
        if seconds < 7200
        else f"{seconds // 3600} h"
        if seconds < 172800
        else f"{seconds // 86400} days"
    )
