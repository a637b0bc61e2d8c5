"""The commands on the history, as people use them."""

import json
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import text

from storage.store import Store
from tests.support.bots import start_command, write_bot
from tests.support.command import command
from tests.support.tampering import behind_the_triggers
from tests.support.waiting import wait_until

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
AT = "2026-04-26T00:15:00Z"
DAY = ("--from", "2026-04-25T00:00", "--to", "2026-04-26T00:00", "--every", "1h")


class Terminal(StringIO):
    """Standard input with a person at it, who types this text."""

    def isatty(self) -> bool:
        return True


def begun(folder: Path, store_url: str) -> Path:
    write_bot(folder, AS_OF, store=store_url)
    done = command(folder, "once", "--as-of", AT)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def bot(tmp_path: Path, published_bot: Path) -> Path:
    """A bot's folder with one published run, on SQLite."""
    return shutil.copytree(published_bot, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def bot_on_each(tmp_path: Path, store_url: str) -> Path:
    """The same on each database."""
    return begun(tmp_path, store_url)


def run_count(store: Store) -> int:
    with store.reader.connect() as connection:
        return int(connection.execute(text("select count(*) from policy_run")).scalar_one())


def latest(folder: Path, symbol: str) -> dict[str, object]:
    only = json.loads(command(folder, "latest", symbol, "--json").stdout)
    assert isinstance(only, dict)
    return only


def test_verify_says_how_much_it_checked_and_head_prints_what_to_keep(bot: Path) -> None:
    head = command(bot, "head").stdout.strip()

    verified = command(bot, "verify", "--anchor", head)

    assert len(head) == 64
    assert verified.returncode == 0, verified.stderr
    assert f"1 run with 2 snapshots: all as published, every decision derived again; head {head}" in verified.stdout


def test_verify_with_more_processes_gives_the_same_answer(bot: Path) -> None:
    alone, together = command(bot, "verify", "--json"), command(bot, "verify", "--json", "--processes", "2")

    assert together.returncode == 0, together.stderr
    assert together.stdout == alone.stdout


def test_verify_prints_the_first_difference_and_exits_1(bot_on_each: Path, store_url: str) -> None:
    with Store(store_url) as store, behind_the_triggers(store) as connection:
        connection.execute(text("update policy_snapshot set taker_bias = 'balanced' where symbol = 'BADUSDT'"))

    failed = command(bot_on_each, "verify")

    assert failed.returncode == 1
    assert "run 1, BADUSDT: taker_bias is 'balanced', derived 'prefer_taker'" in failed.stderr


def test_verify_with_an_anchor_that_is_not_in_the_chain_names_both_digests_and_exits_1(bot: Path) -> None:
    head = command(bot, "head").stdout.strip()

    failed = command(bot, "verify", "--anchor", "0" * 64)

    assert failed.returncode == 1
    assert f"no entry has the anchor {'0' * 64}; the newest entry of the store has {head}." in failed.stderr


@pytest.mark.parametrize("change", [str, str.upper, lambda digest: f" {digest} "])
def test_an_anchor_may_be_written_in_capitals_or_with_blanks_around_it(bot: Path, change: Callable[[str], str]) -> None:
    head = command(bot, "head").stdout.strip()

    assert command(bot, "verify", "--anchor", change(head)).returncode == 0


@pytest.mark.parametrize("anchor", ["", "0" * 63, "0" * 65, "g" * 64, "latest", "é" * 64, "0x" + "0" * 62])
def test_verify_refuses_an_anchor_that_is_not_a_digest(bot: Path, anchor: str) -> None:
    failed = command(bot, "verify", "--anchor", anchor)

    assert failed.returncode == 2
    assert "is not a valid digest" in " ".join(failed.stderr.replace("│", " ").split())
    assert "Traceback" not in failed.stderr


def test_explain_shows_each_rule_with_its_figure_and_threshold(bot: Path) -> None:
    shown = command(bot, "explain", "BADUSDT").stdout

    decision = "BADUSDT: straight to taker, prefer_taker; in force from 2026-04-26T00:15:00Z until it expired at "
    assert f"{decision}2026-04-26T02:15:00Z\n" in shown  # eight slots of a quarter of an hour
    rules = [line.split() for line in shown.splitlines() if line.startswith(("  broken", "  good"))]
    assert ["broken", "fallback_ratio", "0.9", ">=", "0.9", "yes"] in rules
    assert ["broken", "slip_q50", "1", ">=", "20", "no"] in rules
    assert ["good", "maker_fill_ratio", "0.1", ">=", "0.7", "not", "judged"] in rules
    assert "rules; the first that holds decides (broken, degraded: any line; good: all lines):" in shown
    assert "fallback_ratio             0.9 over 10 orders that started as maker" in shown
    assert "every row of the sources was used" in shown
    assert "every earlier policy in the history has the same decision" in shown


def test_explain_before_the_policy_expires_says_that_it_is_still_in_force(bot: Path) -> None:
    shown = command(bot, "explain", "BADUSDT", "--at", "2026-04-26T02:15:00Z").stdout

    assert "in force from 2026-04-26T00:15:00Z and still" in shown


def test_explain_knows_that_an_override_holds_although_the_policy_beneath_it_has_expired(bot: Path) -> None:
    put = ("override", "GOODUSDT", "--taker", "--for", "2h", "--reason", "venue down", "--author", "ann")
    assert command(bot, *put).returncode == 0
    during = command(bot, "explain", "GOODUSDT").stdout.splitlines()[0]
    assert command(bot, "override", "GOODUSDT", "--end", "--reason", "back", "--author", "ann").returncode == 0
    after = command(bot, "explain", "GOODUSDT").stdout.splitlines()[0]

    assert re.fullmatch(r"GOODUSDT: straight to taker, prefer_taker; in force from \S+Z and still", during)
    expired = ", but it had expired at 2026-04-26T02:15:00Z"
    assert re.fullmatch(rf"GOODUSDT: maker first, prefer_maker; in force from \S+Z{expired}", after)


def test_explain_of_an_unknown_symbol_names_where_all_are(bot: Path) -> None:
    refused = command(bot, "explain", "NOPE")

    assert refused.returncode == 1
    assert "; router-policy latest lists all policies" in refused.stderr


def test_explain_at_a_time_shows_what_was_in_force_then_and_what_it_was_before(bot: Path) -> None:
    assert command(bot, "once", "--as-of", "2026-05-26T00:15:00Z").returncode == 0

    then = json.loads(command(bot, "explain", "BADUSDT", "--at", "2026-05-01T00:00:00Z", "--json").stdout)
    now = json.loads(command(bot, "explain", "BADUSDT", "--json").stdout)
    before = command(bot, "explain", "BADUSDT", "--at", "2026-04-01T00:00:00Z")

    assert (then["quality"], then["valid_to"], then["last_change"]) == ("broken", "2026-05-26T00:15:00Z", None)
    assert (now["quality"], now["last_change"]["previous_quality"]) == ("ok", "broken")
    assert next(rule for rule in now["rules"] if rule["figure"] == "atr_ratio")["holds"] is None
    assert before.returncode == 1
    assert "no policy was in force" in before.stderr


def test_an_override_is_in_force_until_it_is_ended(bot: Path) -> None:
    put = command(bot, "override", "GOODUSDT", "--taker", "--for", "2h", "--reason", "venue down", "--author", "ann")
    during = latest(bot, "GOODUSDT")
    shown = command(bot, "latest", "GOODUSDT").stdout
    explained = command(bot, "explain", "GOODUSDT").stdout
    ended = command(bot, "override", "GOODUSDT", "--end", "--reason", "venue back", "--author", "bob")
    after = latest(bot, "GOODUSDT")

    assert put.returncode == 0, put.stderr
    assert "GOODUSDT goes straight to taker, prefer_taker, until" in put.stdout
    assert (during["maker_first"], during["taker_bias"]) == (False, "prefer_taker")
    override = during["override"]
    assert isinstance(override, dict)
    assert (during["computed_maker_first"], override["override_id"]) == (True, 2)
    assert (override["author"], override["reason"]) == ("ann", "venue down")
    assert "taker*" in shown
    assert "*: by a person's override" in shown
    assert f"override 2 by ann until {override['until_at']}: venue down" in explained
    assert "computed beneath it: maker first, prefer_maker" in explained
    assert ended.returncode == 0, ended.stderr
    assert (after["maker_first"], after["taker_bias"]) == (True, "prefer_maker")
    assert command(bot, "verify").returncode == 0


def test_the_history_shows_an_override_in_the_time_that_it_was_in_force(bot: Path) -> None:
    command(bot, "override", "GOODUSDT", "--taker", "--for", "2h", "--reason", "venue down", "--author", "ann")
    command(bot, "override", "GOODUSDT", "--end", "--reason", "venue back", "--author", "bob")

    before, during, after = json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]
    shown = " ".join(command(bot, "history", "GOODUSDT").stdout.split())

    assert (before["valid_to"], during["valid_to"], after["valid_to"]) == (
        during["valid_from"],
        after["valid_from"],
        None,
    )
    assert before["valid_from"] == before["slot"] < during["valid_from"] < after["valid_from"]
    assert [period["maker_first"] for period in (before, during, after)] == [True, False, True]
    assert (before["override"], during["override"]["author"], after["override"]) == (None, "ann", None)
    assert "override 2 by ann" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("override", "GOODUSDT", "--reason", "x"), 2, "give either --maker or --taker, and --for how"),
        (("override", "GOODUSDT", "--taker", "--maker", "--for", "2h", "--reason", "x"), 2, "give either --maker or"),
        (
            ("override", "GOODUSDT", "--taker", "--for", "soon", "--reason", "x"),
            2,
            "Invalid value for '--for': invalid duration 'soon'",
        ),
        (("override", "GOODUSDT", "--taker", "--for", "2h"), 2, "give --reason, why"),
        (("override", "--taker", "--for", "2h", "--reason", "x"), 2, "give a symbol"),
        (("override", "NOPE", "--taker", "--for", "2h", "--reason", "x"), 1, "'NOPE' has no policy"),
        (("override", "GOODUSDT", "--end", "--reason", "x"), 1, "no override is in force"),
        (("override", "GOODUSDT", "--end", "--taker", "--reason", "x"), 2, "--end goes with --reason"),
        (("backfill", "--from", AT, "--to", AT), 2, "--from must be before --to"),
        (("backfill", "--from", "0001-01-01", "--to", AT), 2, "'0001-01-01' is too early"),
        (("prune", "--keep", "forever"), 2, "Invalid value for '--keep': invalid duration 'forever'"),
        (("prune", "--keep", "999999d"), 2, "Invalid value for '--keep': '999999d' is too long"),
        (("backup", "nowhere/x.db"), 1, "nowhere for the backup x.db"),
        (("restore", "nowhere.db"), 1, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said(bot: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    failed = command(bot, *arguments)

    assert (failed.returncode, message in failed.stderr) == (code, True), failed.stderr


def test_a_time_too_early_to_look_back_from_leaves_no_gap(bot: Path) -> None:
    for refused in (("once", "--as-of", "0001-01-02"), ("backfill", "--from", "0001-01-01", "--to", "0001-01-02")):
        assert command(bot, *refused).returncode == 2

    with Store(f"sqlite:///{bot / 'policy.db'}") as store, store.reader.connect() as connection:
        assert connection.execute(text("select * from policy_gap")).all() == []


def test_backfill_computes_what_is_missing_and_leaves_what_was_published(bot: Path) -> None:
    first = command(bot, "backfill", "--from", "2026-04-25T23:30:00Z", "--to", "2026-04-26T00:30:01Z")
    again = command(bot, "backfill", "--from", "2026-04-25T23:30:00Z", "--to", "2026-04-26T00:30:01Z")

    assert "4 of 5 slots were computed; the others were there or are held\n" in first.stdout, first.stderr
    assert "0 of 5 slots were computed" in again.stdout
    history = json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]
    assert [period["slot"][11:16] for period in history] == ["23:30", "23:45", "00:00", "00:15", "00:30"]
    assert [period["run_id"] for period in history] == [2, 3, 4, 1, 5]
    assert command(bot, "verify").returncode == 0


def test_backfill_with_a_step_of_its_own(bot: Path) -> None:
    done = command(bot, "backfill", "--from", "2026-04-25T21:00", "--to", "2026-04-26T00:00", "--every", "1h")

    assert "3 of 3 slots were computed\n" in done.stdout, done.stderr


def test_a_backfill_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'policy.db'}"
    write_bot(tmp_path, AS_OF, store=store_url)
    with Store(store_url) as store:
        store.set_up()
        process = start_command(tmp_path, "backfill", *DAY)
        try:
            wait_until(lambda: run_count(store) >= 2, "two slots are filled")
            process.send_signal(signal.SIGINT)
            code = process.wait(30)
        finally:
            process.kill()
        filled = run_count(store)
    again = command(tmp_path, "backfill", *DAY)

    assert code == 1
    assert "Ctrl-C" in (tmp_path / "messages.log").read_text()
    assert filled < 24
    assert f"{24 - filled} of 24 slots were computed" in again.stdout, again.stderr


def test_prune_removes_old_runs_and_the_rest_verifies(bot: Path) -> None:
    assert command(bot, "once", "--as-of", "2026-04-26T00:30:00Z").returncode == 0
    time.sleep(1.1)

    kept = command(bot, "prune", "--keep", "1h", "--force", "--yes")
    tried = command(bot, "prune", "--keep", "1s", "--dry-run")
    pruned = command(bot, "prune", "--keep", "1s", "--force", "--yes")

    assert "0 runs are old enough to be removed" in kept.stdout
    assert re.search(r"prune removes 1 runs, published up to \d{4}-.*Z; this cannot be undone", tried.stdout)
    assert "removed" not in tried.stdout
    assert "1 runs were removed" in pruned.stdout, pruned.stderr
    assert [
        period["run_id"]
        for period in json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]
    ] == [2]
    assert command(bot, "verify").returncode == 0


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_prune_below_the_window_of_a_run_or_without_an_answer_removes_nothing(
    bot: Path, options: tuple[str, ...]
) -> None:
    assert command(bot, "once", "--as-of", "2026-04-26T00:30:00Z").returncode == 0
    time.sleep(1.1)

    refused = command(bot, "prune", "--keep", "1s", *options)

    assert refused.returncode == 2
    assert ("--keep 1s is less than 7d" if not options else "in a script add --yes") in refused.stderr
    assert len(json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]) == 2


@pytest.mark.parametrize(("answer", "run_count"), [("n\n", 2), ("\n", 2), ("y\n", 1)])
def test_prune_removes_only_after_a_yes(bot: Path, answer: str, run_count: int) -> None:
    assert command(bot, "once", "--as-of", "2026-04-26T00:30:00Z").returncode == 0
    time.sleep(1.1)

    with patch.object(sys, "stdin", Terminal(answer)):
        command(bot, "prune", "--keep", "1s", "--force")

    assert len(json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]) == run_count


@pytest.mark.parametrize(
    ("length", "longest", "code"),
    [("7d", None, 0), ("169h", None, 2), ("10000d", None, 2), ("2h", "1h", 2), ("8d", "9d", 0)],
)
def test_an_override_lasts_as_long_as_the_settings_allow(
    bot: Path, length: str, longest: str | None, code: int
) -> None:
    variables = {} if longest is None else {"ROUTER_POLICY_OVERRIDES__LONGEST": longest}

    done = command(bot, "override", "GOODUSDT", "--taker", "--for", length, "--reason", "x", **variables)

    assert done.returncode == code
    assert ("is longer than overrides.longest" in done.stderr) == (code == 2)


def test_backup_and_restore_give_the_same_policies(bot_on_each: Path) -> None:
    done = command(bot_on_each, "backup", "copy.db")
    restored = command(
        bot_on_each, "restore", "copy.db", ROUTER_POLICY_STORE__URL=f"sqlite:///{bot_on_each / 'other.db'}"
    )
    other = command(bot_on_each, "latest", "--json", ROUTER_POLICY_STORE__URL=f"sqlite:///{bot_on_each / 'other.db'}")

    assert "1 runs, 2 snapshots, verified; head" in done.stdout, done.stderr
    assert restored.returncode == 0, restored.stderr
    assert [policy["symbol"] for policy in json.loads(other.stdout)["items"]] == ["BADUSDT", "GOODUSDT"]


def test_db_roles_prints_statements_and_applies_them_on_postgres_only(bot_on_each: Path, store_url: str) -> None:
    printed = command(bot_on_each, "db", "roles")
    applied = command(bot_on_each, "db", "roles", "--apply")

    if store_url.startswith("sqlite"):
        assert (printed.returncode, applied.returncode, printed.stdout) == (2, 2, "")
        return
    assert "grant select on public.policy_latest to router_policy_router;" in printed.stdout
    assert applied.returncode == 0, applied.stderr
