"""A symbol without orders leaves after a time; it stays if the settings name it or a person overrides it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policy import Effectiveness, Evidence
from storage.read.policies import slot_of_leaving, symbols_without_orders
from storage.store import Store
from tests.support.bots import order, write_bot
from tests.support.command import command
from tests.support.runs import SLOT, evidence, make_override, publish
from tests.support.store_calls import read

DAY = timedelta(days=1)
AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
SYMBOL = "JUNK"


def idle(symbol: str) -> Evidence:
    return replace(evidence(symbol), effectiveness=Effectiveness())


@pytest.mark.parametrize(("days", "leaving"), [(1, []), (29, []), (30, []), (31, [SYMBOL]), (200, [SYMBOL])])
def test_a_symbol_leaves_after_thirty_days_without_orders(store: Store, days: int, leaving: list[str]) -> None:
    publish(store, SLOT, evidence(SYMBOL), evidence("BTCUSDT"))
    publish(store, SLOT + (days - 1) * DAY if days > 1 else SLOT + DAY / 2, idle(SYMBOL), evidence("BTCUSDT"))
    slot = SLOT + days * DAY

    assert read(store, symbols_without_orders, "default", slot, slot - 30 * DAY) == leaving


def test_a_symbol_of_another_scope_or_of_a_later_slot_keeps_none(store: Store) -> None:
    publish(store, SLOT, idle(SYMBOL))
    publish(store, SLOT, evidence(SYMBOL), scope="paper")
    publish(store, SLOT + 2 * DAY, evidence(SYMBOL))

    assert read(store, symbols_without_orders, "default", SLOT + DAY, SLOT - 30 * DAY) == [SYMBOL]


def test_a_symbol_that_a_person_overrides_stays(store: Store) -> None:
    slot = store.now().replace(microsecond=0)
    publish(store, slot - DAY, idle(SYMBOL), idle("OTHER"))
    make_override(store, SYMBOL, lasting=2 * DAY, reason="x")

    assert read(store, symbols_without_orders, "default", slot + DAY, slot - 30 * DAY) == ["OTHER"]


def test_the_slot_of_leaving_is_that_of_the_first_run_without_the_symbol(store: Store) -> None:
    publish(store, SLOT, evidence(SYMBOL), evidence("BTCUSDT"))
    assert read(store, slot_of_leaving, "default", SYMBOL) is None
    publish(store, SLOT + DAY, evidence("BTCUSDT"))
    publish(store, SLOT + 2 * DAY, evidence("BTCUSDT"))

    assert read(store, slot_of_leaving, "default", SYMBOL) == SLOT + DAY
    assert read(store, slot_of_leaving, "default", "NEVER") is None
    publish(store, SLOT + 3 * DAY, evidence("BTCUSDT"), evidence(SYMBOL))
    assert read(store, slot_of_leaving, "default", SYMBOL) is None


@pytest.mark.parametrize("settings", ["", f'symbols = ["{SYMBOL}"]', 'symbols_leave_after = "90d"'])
def test_a_symbol_of_one_bad_day_leaves_and_the_history_says_so(tmp_path: Path, settings: str) -> None:
    path = write_bot(tmp_path, AS_OF)
    path.write_text(f"{settings}\n{path.read_text()}")
    log = tmp_path / "logs" / "order_metrics.jsonl"
    junk = order(1, AS_OF - DAY, SYMBOL, fallback=False, slippage_bps=1.0)
    later = [
        order(number, AS_OF + (38 * DAY), "GOODUSDT", fallback=False, slippage_bps=1.0)
        | {"attempt_id": f"later-{number}"}
        for number in range(5)
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in [junk, *later]))

    symbols = []
    for at in (AS_OF, AS_OF + 7 * DAY, AS_OF + 39 * DAY):
        done = command(tmp_path, "once", "--as-of", at.isoformat(), "--json")
        assert done.returncode == 0, done.stderr
        symbols.append([policy["symbol"] for policy in json.loads(done.stdout)["items"]])
    history, latest = command(tmp_path, "history", SYMBOL), command(tmp_path, "latest", SYMBOL)

    stays = bool(settings)
    assert symbols == [[SYMBOL], [SYMBOL], ["GOODUSDT", SYMBOL] if stays else ["GOODUSDT"]]
    assert (latest.returncode == 0) == stays
    for text in (history.stdout, latest.stderr):
        assert ("left scope 'default' at slot 2026-06-04T00:15:00Z" in text) == (not stays)
    assert command(tmp_path, "verify").returncode == 0
