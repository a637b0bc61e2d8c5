"""`router-policy check`: what in the sources and the store is hardly meant so is noted, each with what to do."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.analysis.findings import first_few, note
from policy.list_text import listed
from tests.support.bots import write_bot
from tests.support.command import command

Line = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder with the store of a bot, set up and empty."""
    shutil.copy(sqlite_template, tmp_path)
    return tmp_path


@pytest.fixture
def bot(folder: Path) -> Path:
    """A bot's folder whose last order is an hour old, and whose bars go on until now."""
    write_bot(folder, datetime.now(UTC).replace(microsecond=0))
    return folder


def log_again(bot: Path, change: Callable[[int, Line], Line]) -> None:
    """Write every line of the log again, changed."""
    log = bot / "logs" / "order_metrics.jsonl"
    rows = [change(number, json.loads(line)) for number, line in enumerate(log.read_text().splitlines())]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))


def without(*fields: str) -> Callable[[int, Line], Line]:
    return lambda _, row: {name: value for name, value in row.items() if name not in fields}


def set_again(bot: Path, before: str, after: str) -> None:
    settings = bot / "router-policy.toml"
    assert before in settings.read_text()
    settings.write_text(settings.read_text().replace(before, after))


def notes(bot: Path) -> list[str]:
    """What `check` notes; notes are not failures."""
    checked = command(bot, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return [line.removeprefix("note  ") for line in checked.stdout.splitlines() if line.startswith("note ")]


def test_nothing_is_noted_of_a_bot_that_is_well(bot: Path) -> None:
    assert notes(bot) == []


def test_a_log_without_one_maker_start_is_noted_with_the_fields_that_it_needs(bot: Path) -> None:
    log_again(bot, without("maker_start", "is_maker_final", "used_fallback"))

    assert notes(bot) == [
        "orders: none of 20 orders is known to have started as maker, so no fill or fallback ratio is known; "
        "log maker_start, started_maker or decision.maker_started"
    ]


def test_a_log_without_one_slippage_is_noted_with_the_field_that_it_needs(bot: Path) -> None:
    log_again(bot, without("slippage_bps"))

    assert notes(bot) == [
        "orders: none of 20 orders has a slippage, so its median is unknown; log slippage_bps and prices.avg_fill"
    ]


def test_a_column_of_other_name_is_named_as_it_stands_in_the_table(bot: Path) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    (bot / "orders.csv").write_text(
        f"ts,symbol,post_only,maker_filled,fallback_used,slippage_bps\n{at},GOODUSDT,,,,1.0\n"
    )
    columns = '[orders]\nkind = "canonical"\ncolumns = {maker_started = "post_only"}\npath = "orders.csv"'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', columns)

    (only,) = notes(bot)

    assert only.endswith("ratio is known; log post_only")


def test_a_column_that_the_settings_leave_out_is_asked_for_by_its_canonical_name(bot: Path) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    (bot / "orders.csv").write_text(f"ts,symbol,slippage_bps\n{at},GOODUSDT,1.0\n")
    absent = 'columns = {maker_started = "", maker_filled = "", fallback_used = ""}'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', f'[orders]\nkind = "canonical"\n{absent}\npath = "orders.csv"')

    assert notes(bot)[0].endswith("; log it, and name its column in [orders.columns] maker_started")


def test_rows_that_are_not_used_are_noted_for_people_and_programs(bot: Path) -> None:
    log_again(bot, lambda number, row: row | ({"ts": "soon"} if number == 3 else {}))

    (only,) = notes(bot)
    findings = json.loads(command(bot, "check", "--json").stdout)["items"]

    assert only.startswith("orders: 1 row is not used: bad_time, as ")
    assert only.endswith("; write ts in ISO 8601, or as a number since 1970")
    assert [(finding["what"], finding["ok"]) for finding in findings if finding["severity"] == "note"] == [
        ("orders", True)
    ]
    assert {finding["severity"] for finding in findings} == {"ok", "note"}


def test_a_log_that_lost_its_flags_is_wrong_and_never_looks_fine_again(bot: Path) -> None:
    """Of the twenty orders only the two without a fill are left, which say that maker first never fills."""

    def lose_flags(number: int, row: Line) -> Line:
        row = without("is_maker_final", "used_fallback")(number, row)
        unfilled = {"prices": {"avg_fill": None}, "result": {"status": "CANCELED"}, "slippage_bps": None}
        return row | (unfilled if number < 2 else {})

    log_again(bot, lose_flags)
    note = (
        "orders: 18 of 20 rows (90%) are not used, so no figure can be trusted; most are unknown_fill: "
        "log is_maker_final or used_fallback; in your own table, maker_filled or fallback_used"
    )

    checked = command(bot, "check")
    once = command(bot, "once")
    health = command(bot, "health")
    as_json = json.loads(command(bot, "health", "--json").stdout)["items"]

    assert checked.returncode == 1
    assert f"WRONG {note}" in checked.stdout.splitlines()
    assert f"note: {note}" in once.stdout.splitlines()
    assert note in health.stdout
    assert all(note in [warning["message"] for warning in symbol["warnings"]] for symbol in as_json)


def test_a_log_that_ended_before_the_window_is_noted_by_every_command(folder: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    write_bot(folder, now - timedelta(days=60))
    newest = (now - timedelta(days=60, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    once, again, as_json = command(folder, "once"), command(folder, "once"), command(folder, "once", "--json")
    latest = command(folder, "latest")

    just_after = (now - timedelta(days=60, hours=1, seconds=-1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    no_order = f"orders: no order counts in the last 7 days; the newest before is of {newest}; try --as-of {just_after}"
    assert no_order in notes(folder)
    assert command(folder, "check", "--as-of", just_after).stdout.count("note  orders: no order counts") == 0
    empty = "note: orders: no order of the seven days before the slot counts, so nothing was measured"
    for printed in (once.stdout, again.stdout, as_json.stderr):
        assert empty in printed.splitlines()
        assert f"note: orders: the newest before is of {newest}; the next slot is " in printed
    assert latest.returncode == 1
    assert "found no order in the seven days before; router-policy check shows what the sources have" in latest.stderr


def test_a_log_that_ended_long_ago_gets_its_policies_by_the_command_that_once_names(folder: Path) -> None:
    """The newest order is of an hour before the end of the log; each command then names the run of the policies."""
    write_bot(folder, datetime(2026, 4, 26, 0, 15, tzinfo=UTC))
    remedy = "once --as-of 2026-04-25T23:15:01Z"

    assert f"router-policy {remedy} computes the policies at their end" in command(folder, "once").stdout
    computed = command(folder, *remedy.split()).stdout
    again = command(folder, "once").stdout

    assert "published as run 2: 2 symbols, 20 orders used" in computed
    assert "the newest before is of 2026-04-25T23:15:00Z" in again
    assert "no policy yet" not in again
    for words in (["latest"], ["health"], ["explain", "BADUSDT"], ["latest", "BADUSDT"], ["health", "BADUSDT"]):
        refused = command(folder, *words)
        assert refused.returncode == 1
        assert "the last policies are those of run 2, of slot 2026-04-25T23:15:01Z" in refused.stderr


def test_a_window_before_the_log_names_the_time_just_after_its_newest_order(folder: Path) -> None:
    write_bot(folder, datetime(2026, 4, 26, 0, 15, tzinfo=UTC))

    printed = command(folder, "check", "--as-of", "2026-04-25T10:00:00Z").stdout

    assert ", from 2026-04-25T14:15:00Z on; try --as-of 2026-04-25T23:15:01Z\n" in printed


def test_a_holdout_that_the_orders_cannot_show_is_noted(bot: Path) -> None:
    columns = '[orders]\nkind = "canonical"\ncolumns = {holdout = ""}\npath = "logs/*.jsonl"'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', f"[experiment]\nshare = 0.02\n{columns}")

    printed = command(bot, "check").stdout

    assert "note  experiment: orders.columns leaves out holdout or propensity, so no saving is measured; " in printed
    assert ", or set [experiment] share = 0\n" in printed


ORDERS_OF_ONES_OWN = """
    select timestamp '{at}' as ts, 'GOODUSDT' as symbol, true as maker_started, true as maker_filled,
        false as fallback_used, 1.0 as slippage_bps {more}
"""


@pytest.mark.parametrize(
    ("more", "columns", "missing"),
    [
        ("", "", "holdout or propensity"),
        (", 0.98 as propensity", "", "holdout"),
        (", false as is_held_out, 0.98 as p", 'columns = {holdout = "is_held_out", propensity = "odds"}', "odds"),
        (", false as is_held_out, 0.98 as p", 'columns = {holdout = "is_held_out", propensity = "p"}', None),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_of_ones_own_without_the_columns_of_a_holdout_is_noted(
    bot: Path, form: str, more: str, columns: str, missing: str | None
) -> None:
    at = (datetime.now(UTC) - timedelta(hours=2)).replace(tzinfo=None)
    duckdb.execute(f"copy ({ORDERS_OF_ONES_OWN.format(at=at, more=more)}) to '{bot / 'logs' / f'orders.{form}'}'")
    table = f'[orders]\nkind = "canonical"\npath = "logs/*.{form}"\n{columns}'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', f"[experiment]\nshare = 0.02\n{table}")

    noted = [text for text in notes(bot) if text.startswith("experiment")]

    end = "so no saving is measured; name yours in [orders.columns], or set [experiment] share = 0"
    assert noted == ([] if missing is None else [f"experiment: no column of the orders is called {missing}, {end}"])


def test_the_result_of_a_query_without_the_columns_of_a_holdout_is_noted(bot: Path) -> None:
    at = (datetime.now(UTC) - timedelta(hours=2)).replace(tzinfo=None)
    query = " ".join(ORDERS_OF_ONES_OWN.format(at=at, more="").split())
    set_again(
        bot,
        '[orders]\npath = "logs/*.jsonl"',
        f'[experiment]\nshare = 0.02\n[orders]\nkind = "canonical"\nquery = "{query}"',
    )

    assert any("no column of the orders is called holdout or propensity" in text for text in notes(bot))


def test_lines_of_json_may_have_any_key_so_nothing_is_noted_of_them(bot: Path) -> None:
    row = {"ts": (datetime.now(UTC) - timedelta(hours=2)).isoformat(), "symbol": "GOODUSDT", "maker_started": True}
    row |= {"maker_filled": True, "fallback_used": False, "slippage_bps": 1.0}
    (bot / "logs" / "order_metrics.jsonl").write_text(json.dumps(row) + "\n")
    table = '[orders]\nkind = "canonical"\npath = "logs/*.jsonl"'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', f"[experiment]\nshare = 0.02\n{table}")

    assert [text for text in notes(bot) if text.startswith("experiment")] == []


def test_orders_after_the_newest_slot_are_said_to_wait_for_the_next(folder: Path) -> None:
    write_bot(folder, datetime(2026, 4, 26, 0, 15, tzinfo=UTC))

    printed = command(folder, "once", "--as-of", "2026-04-25T10:00:00Z").stdout

    assert "note: orders: 20 orders are newer than 2026-04-25T10:00:00Z, from 2026-04-25T14:15:00Z on; " in printed


def test_candles_of_other_names_than_the_orders_are_noted_with_both(bot: Path) -> None:
    log_again(bot, lambda _, row: row | {"symbol": row["symbol"].replace("USDT", "/USDT")})

    assert notes(bot) == [
        "candles: orders and candles share no symbol, so every regime is unknown: orders have BAD/USDT, GOOD/USDT, "
        'candles have BADUSDT, GOODUSDT; set style = "compact" in [orders.symbols]',
        "candles: the regime is unknown for BAD/USDT, GOOD/USDT: too few or too old candles",
    ]


def test_several_markets_that_become_one_symbol_are_noted(bot: Path) -> None:
    spelt = ("GOOD/USDT", "GOOD/USDT:USDT")
    log_again(bot, lambda number, row: row | ({"symbol": spelt[number % 2]} if row["symbol"] == "GOODUSDT" else {}))
    set_again(bot, "[candles]", '[orders.symbols]\nstyle = "compact"\n[candles]')

    assert notes(bot) == [
        "orders: GOOD/USDT, GOOD/USDT:USDT all become GOODUSDT; if they are several markets, name them apart in "
        "[orders.symbols] names"
    ]


@pytest.mark.parametrize("interval", ["1h", "1m"])
def test_bars_of_another_length_than_the_setting_are_noted(bot: Path, interval: str) -> None:
    set_again(bot, '"15m"', f'"{interval}"')

    note = f'candles: bars open 15m apart, but candles.interval is {interval}; set candles.interval = "15m"'
    assert note in notes(bot)
    assert f"note: {note}" in command(bot, "once").stdout.splitlines()
    assert note in command(bot, "health").stdout


def test_one_market_spelt_in_several_ways_is_noted(bot: Path) -> None:
    spelt = ("GOODUSDT", "goodusdt", "GOOD/USDT", "BAD USDT")
    log_again(bot, lambda number, row: row | {"symbol": spelt[number % 4]})

    note = "orders: GOOD/USDT, GOODUSDT, goodusdt get a policy each; is it one market, spelt in several ways?"
    assert note in notes(bot)


@pytest.mark.parametrize(("ahead", "noted"), [({"hours": 9}, True), ({"seconds": 30}, False), ({"hours": 25}, False)])
def test_orders_in_the_future_are_noted(bot: Path, ahead: dict[str, float], noted: bool) -> None:
    at = (datetime.now(UTC) + timedelta(**ahead)).timestamp()
    log_again(bot, lambda number, row: row | ({"ts": at} if number < 2 else {}))

    expected = ["orders: 2 orders in the future: does the log write local time?"]
    assert notes(bot) == (expected if noted else [])


def test_a_query_that_finds_nothing_in_the_future_is_well(bot: Path) -> None:
    import sqlite3

    at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    with sqlite3.connect(bot / "bot.db") as connection:
        connection.execute("create table o (ts, symbol, maker_started, maker_filled, fallback_used, slippage_bps)")
        connection.execute("insert into o values (?, 'GOODUSDT', 1, 1, 0, 1.0)", [at])
    connection.close()
    query = 'url = "sqlite:///bot.db"\nquery = "select * from o where ts >= :window_start and ts < :as_of"'
    set_again(bot, '[orders]\npath = "logs/*.jsonl"', f'[orders]\nkind = "canonical"\n{query}')

    assert notes(bot) == []


@pytest.mark.parametrize("locked", ["", "policy.db"])
def test_a_store_that_cannot_be_written_is_wrong(bot: Path, monkeypatch: pytest.MonkeyPatch, locked: str) -> None:
    allowed = os.access
    # Whoever runs tests as root may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != bot / locked and allowed(path, mode))

    checked = command(bot, "check")

    assert checked.returncode == 1
    assert f"WRONG store: {bot / locked} is not writable for this user; change its permissions" in checked.stdout


def test_the_next_two_slots_are_named(bot: Path) -> None:
    set_again(bot, "[orders]", '[schedule]\ncron = "0,5 0 1 1 *"\n[orders]')
    year = datetime.now(UTC).year + 1

    printed = command(bot, "check").stdout

    assert f"0,5 0 1 1 * in UTC; next at {year}-01-01T00:00:00Z, then at {year}-01-01T00:05:00Z" in printed


def test_check_tries_the_candles_although_the_orders_fail(bot: Path) -> None:
    (bot / "logs" / "order_metrics.jsonl").unlink()

    checked = command(bot, "check")

    assert checked.returncode == 1
    assert "WRONG sources: orders.path: no file matches" in checked.stdout
    assert "ok    candles: they can be read" in checked.stdout


def test_check_tries_the_orders_although_the_candles_fail(bot: Path) -> None:
    (bot / "candles.parquet").unlink()

    checked = command(bot, "check")

    assert checked.returncode == 1
    assert "WRONG sources: candles.path: no file matches" in checked.stdout
    assert "ok    orders: 20 orders of 2 symbols" in checked.stdout


def test_check_names_both_sources_if_both_fail(bot: Path) -> None:
    (bot / "logs" / "order_metrics.jsonl").unlink()
    (bot / "candles.parquet").unlink()

    wrong = [line for line in command(bot, "check").stdout.splitlines() if line.startswith("WRONG")]

    assert [line.partition(":")[2].split(":")[0].strip() for line in wrong] == ["orders.path", "candles.path"]


def test_five_of_a_kind_are_shown_and_the_others_counted() -> None:
    findings = [note("orders", f"X{number} has a note") for number in range(7)]

    assert [finding.message for finding in first_few(findings)] == [
        *(f"X{number} has a note" for number in range(5)),
        "the same holds for 2 more",
    ]
    assert list(first_few([])) == []
    assert listed(["A", "B", "C", "D", "E", "F"]) == "A, B, C, D, E and 1 more"
