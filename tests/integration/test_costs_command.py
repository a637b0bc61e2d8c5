"""`router-policy costs` as people use it."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.commands import costs
from console.errors import SettingsError
from console.not_found import NoPolicyError
from jobs.analysis.costs import CHOSEN, NOT_IN_FORCE
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
FEES = "[fees]\nmaker_bps = 2\ntaker_bps = 5\n"
DIRECT = {"maker_start": False, "is_maker_final": False, "used_fallback": False}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot's folder with one published run, six of whose orders of GOODUSDT went straight to taker."""
    folder = tmp_path_factory.mktemp("published")
    write_bot(folder, AS_OF, more=FEES)
    log = folder / "logs" / "order_metrics.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    direct = [{**row, **DIRECT, "attempt_id": f"direct {row['attempt_id']}"} for row in rows[2:8]]
    log.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *direct]))
    done = command(folder, "once", "--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def bot(published: Path, tmp_path: Path) -> Path:
    """That folder for one test alone; its settings file."""
    return shutil.copytree(published, tmp_path, dirs_exist_ok=True) / "router-policy.toml"


def test_as_if_live_the_orders_of_a_backtest_count_under_the_runs_of_their_slots(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The slot is 5 h 30 min before the end of the log. Readers would have used its run for two hours.

    From then on both markets have five orders, an hour apart, and GOODUSDT three straight to taker, 5, 4 and 3 h before
    the end. Of these 13 those 5 h and 4 h before the end are two of each market, and two straight to taker.
    """
    slot = AS_OF - timedelta(hours=5, minutes=30)
    assert command(bot.parent, "once", "--as-of", slot.isoformat()).returncode == 0

    def orders_by_policy(*, as_if_live: bool) -> dict[str, int]:
        costs.command(config=bot, since=slot, as_json=True, as_if_live=as_if_live)
        record = json.loads(capsys.readouterr().out)
        assert record["as_if_live"] is as_if_live
        figures = [each for each in record["figures"] if each["symbol"] is None and each["regime"] is None]
        counts: dict[str, int] = {}
        for each in figures:
            if each["policy"] is not None:
                counts[each["policy"]] = counts.get(each["policy"], 0) + each["outcome_count"]
        return counts

    assert orders_by_policy(as_if_live=False) == {"none": 13}
    assert orders_by_policy(as_if_live=True) == {"maker_first": 6, "none": 7}


def test_as_if_live_is_said(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    costs.command(config=bot, as_if_live=True)

    assert "as if live: each run counts as published at its slot" in capsys.readouterr().out


def test_who_chose_the_ways_is_said_apart_of_orders_without_a_policy(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slot = AS_OF - timedelta(hours=5, minutes=30)
    assert command(bot.parent, "once", "--as-of", slot.isoformat()).returncode == 0

    costs.command(config=bot, since=slot, as_if_live=True)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert f"* {CHOSEN}" in lines
    assert f"† {NOT_IN_FORCE}" in lines
    cells = [line.split() for line in lines]
    assert next(row for row in cells if row[:2] == ["none", "maker"])[-2].endswith("†")
    assert next(row for row in cells if row[:2] == ["all", "maker"])[-2].endswith("*")


def test_orders_whose_source_cannot_tell_of_the_holdout_are_noted(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "ts,symbol,maker_started,maker_filled,fallback_used,slippage_bps"
    bot.with_name("orders.csv").write_text(f"{head}\n{AS_OF.isoformat()},GOODUSDT,true,true,false,1\n")
    columns = 'kind = "canonical"\ncolumns = {holdout = "", propensity = ""}\npath = "orders.csv"'
    settings = bot.read_text().replace('path = "logs/*.jsonl"', columns)
    bot.write_text(f"{settings}\n[experiment]\nshare = 0.02\n")

    costs.command(config=bot)

    note = "note  experiment: orders.columns leaves out holdout or propensity, so no saving is measured; "
    assert note in capsys.readouterr().out


def test_the_table_has_each_heading_and_a_warning_with_every_comparison(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Maker fills cost 3 bps, all others 6, and 9 of 10 orders filled as maker for GOODUSDT, 1 for BADUSDT."""
    costs.command(config=bot)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    cells = [line.split() for line in lines]
    assert lines[0].startswith("scope 'default', 2026-04-19T00:15:00Z to ")
    assert lines[1] == "26 orders looked at, 0 rows not used"
    assert lines[2].endswith("known of 26 of the 26 orders that filled")
    assert ["all", "maker", "20", "20", "4.50"] in [row[:5] for row in cells]
    assert ["GOODUSDT", "maker", "10", "10", "3.30"] in [row[:5] for row in cells]
    assert ["taker", "6", "6", "6.00"] in [row[:4] for row in cells]
    assert ["BADUSDT", "maker", "10", "10", "5.70", "-", "6.00"] in cells  # all of one day
    assert "-2.70†" in next(row for row in cells if row[:2] == ["GOODUSDT", "maker"])
    assert [row[0] for row in cells if row[:1] == ["none"]] == ["none", "none"]
    warned = lines.index(f"† {NOT_IN_FORCE}")  # every order was before the first policy
    assert f"* {CHOSEN}" not in lines
    assert max(map(len, lines[lines.index("") : warned])) <= 80


def test_json_has_every_heading_with_its_comparison_and_the_warning(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs.command(datetime(2026, 4, 25, 0, 0, tzinfo=UTC), bot, as_json=True)

    record = json.loads(capsys.readouterr().out)
    (good,) = (
        figure
        for figure in record["figures"]
        if figure["symbol"] == "GOODUSDT" and figure["route"] == "maker" and figure["regime"]
    )
    assert (record["scope"], record["since"], record["order_count"]) == ("default", "2026-04-25T00:00:00Z", 26)
    assert (good["regime"], good["policy"], good["quality"]) == ("none", "none", "none")
    assert (good["mean_bps"], good["median_bps"], good["outcome_count"], good["fee_count"]) == (3.3, 3.0, 10, 10)
    assert (good["against_taker"]["difference_bps"], good["against_taker"]["warning"]) == (-2.7, NOT_IN_FORCE)
    assert record["rejects"] == []


def test_what_was_in_force_shows_where_the_run_was_out_in_time(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(bot.with_name("policy.db")) as connection:
        triggers = connection.execute(
            "select name from sqlite_master where type = 'trigger' and tbl_name = 'policy_run'"
        )
        for (name,) in triggers.fetchall():
            connection.execute(f'drop trigger "{name}"')
        at = "2026-04-25 20:00:00"
        connection.execute("update policy_run set slot = ?, published_at = ?", (at, at))
    connection.close()

    costs.command(config=bot, as_json=True)

    record = json.loads(capsys.readouterr().out)
    counts = {
        (figure["symbol"], figure["policy"], figure["quality"]): figure["outcome_count"]
        for figure in record["figures"]
        if figure["symbol"] and figure["regime"] and figure["route"] == "maker"
    }
    # a run expires after two hours: of ten orders at a quarter past, from 14:15 on, two were sent before that
    assert counts == {
        ("GOODUSDT", "none", "none"): 8,
        ("GOODUSDT", "maker_first", "good"): 2,
        ("BADUSDT", "none", "none"): 8,
        ("BADUSDT", "taker", "broken"): 2,
    }


def test_fees_that_nobody_knows_are_left_out_and_asked_for(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bot.write_text(bot.read_text().replace(FEES, ""))

    costs.command(config=bot)

    printed = capsys.readouterr().out
    assert "known of 0 of the 26 orders that filled" in printed
    assert "log them as fees, or set [fees] maker_bps and taker_bps" in printed


def test_before_the_first_run_and_in_the_future_there_is_nothing_to_tell(bot: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--since 2999-01-01T00:00:00Z is not in the past"):
        costs.command(datetime(2999, 1, 1, tzinfo=UTC), bot)

    with Store(f"sqlite:///{tmp_path / 'other.db'}") as store:
        store.set_up()
    bot.write_text(bot.read_text().replace("policy.db", "other.db"))
    with pytest.raises(NoPolicyError, match="no policy yet in scope 'default'"):
        costs.command(config=bot)
