"""`router-policy explain`: why a symbol's policy is what it is, or was at some time."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from console.settings import load
from console.show import NoPolicyError, as_record, iso, print_json
from policy.rules import Check
from storage.records import Reject, Snapshot, evidence_of
from storage.store import Store

_INPUTS = (
    ("maker_fill_ratio", "maker_started_count", "orders that started as maker"),
    ("fallback_ratio", "maker_started_count", "orders that started as maker"),
    ("slip_q25", "slippage_count", "orders with a slippage"),
    ("slip_q50", "slippage_count", "orders with a slippage"),
    ("slip_q75", "slippage_count", "orders with a slippage"),
    ("atr_ratio", "bar_count", "closed candles"),
    ("expectancy", "expectancy_count", "orders that closed something in this hour of the day"),
)


def explain(config: Path | None, symbol: str, at: datetime | None, *, as_json: bool) -> None:
    """Print what was in force at a moment (now without one), and everything that it rests on.

    Raises NoPolicyError where no policy was in force.
    """
    settings = load(config)
    with Store(settings.store.url) as store:
        moment = at or store.now()
        row = store.in_force(settings.scope, symbol, moment)
        if row is None:
            raise NoPolicyError(f"no policy was in force for {symbol!r} in scope {settings.scope!r} at {iso(moment)}")
        snapshot = Snapshot.from_row(row)
        checks = store.rule_set_of_run(snapshot.run_id).explain(evidence_of(snapshot))
        rejects = store.rejects_of_run(snapshot.run_id)
        change = store.last_change(settings.scope, symbol, snapshot.slot)
    if as_json:
        print_json([_record(snapshot, row, checks, rejects, change)])
        return
    lines = (*_decision(snapshot, row), *_rules(checks), *_counts(snapshot), *_rejected(rejects), *_changed(change))
    sys.stdout.write("\n".join(lines) + "\n")


def _record(
    snapshot: Snapshot,
    row: RowMapping,
    checks: tuple[Check, ...],
    rejects: list[Reject],
    change: RowMapping | None,
) -> dict[str, Any]:
    times = ("valid_from", "valid_to", "published_at", "override_until_at")
    beside = ("computed_maker_first", "computed_taker_bias", "override_id", "override_author", "override_reason")
    before = ("previous_slot", "previous_maker_first", "previous_taker_bias", "previous_quality", "previous_regime")
    return {
        **as_record(snapshot),
        **{name: iso(row[name]) for name in times},
        **{name: row[name] for name in beside},
        "rules": [asdict(check) for check in checks],
        "rejects": [asdict(reject) for reject in rejects],
        "last_change": change
        and {
            "slot": iso(change["slot"]),
            **{name: iso(change[name]) if name == "previous_slot" else change[name] for name in before},
        },
    }


def _decision(one: Snapshot, row: RowMapping) -> Iterator[str]:
    until = f"until {iso(row['valid_to'])}" if row["valid_to"] else "and still"
    yield f"{one.symbol}: {_words(one.maker_first, one.taker_bias)}; in force from {iso(row['valid_from'])} {until}"
    if row["override_id"] is not None:
        yield f"  override {row['override_id']} by {row['override_author']}: {row['override_reason']}"
        yield f"  computed beneath it: {_words(row['computed_maker_first'], row['computed_taker_bias'])}"
    yield f"  {one.reason}"
    yield f"  run {one.run_id} of slot {iso(one.slot)}, published {iso(row['published_at'])}, rule set {one.rule_set}"


def _words(maker_first: object, taker_bias: object) -> str:
    return f"{'maker first' if maker_first else 'straight to taker'}, {taker_bias}"


def _rules(checks: tuple[Check, ...]) -> Iterator[str]:
    yield "rules, in the order in which they are tried:"
    for check in checks:
        value = "not measured" if check.value is None else f"{check.value:.6g}"
        verdict = {True: "yes", False: "no", None: "not judged"}[check.holds]
        yield f"  {check.rule:<13}{check.figure:<17}{value:>13} {check.sign:>2} {check.threshold:<6g} {verdict}"


def _counts(one: Snapshot) -> Iterator[str]:
    yield f"measured on {one.outcome_count} orders of the seven days before:"
    for figure, count, what in _INPUTS:
        value = getattr(one, figure)
        shown = "not measured" if value is None else f"{value:.6g}"
        yield f"  {figure:<17}{shown:>13} over {getattr(one, count)} {what}"


def _rejected(rejects: list[Reject]) -> Iterator[str]:
    yield "rows of the sources that the run did not use:" if rejects else "every row of the sources was used"
    for reject in rejects:
        yield f"  {reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}"


def _changed(change: RowMapping | None) -> Iterator[str]:
    if change is None:
        yield "the decision has not changed since the history begins"
        return
    before = _words(change["previous_maker_first"], change["previous_taker_bias"])
    yield f"last changed at slot {iso(change['slot'])}; before: {before}, {change['previous_quality']}"
    yield f"  {change['previous_reason']}"
