"""The command as people use it: real files, real databases, and a real process where that is the point."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path

import pytest

from console.main import COMMANDS
from tests.support.bots import COMMAND, environment, run_command, write_bot
from tests.support.command import command

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
AT = "2026-04-26T00:15:00Z"
COLUMNS = (
    "run_id scope slot symbol maker_first taker_bias quality regime reason codes maker_fill_ratio fallback_ratio "
    "slip_q25 slip_q50 slip_q75 outcome_count maker_started_count slippage_count atr_short_pct atr_long_pct atr_ratio "
    "bar_count expectancy expectancy_count maker_offset_bps rule_set"
).split()


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """A bot's folder, its store on SQLite."""
    write_bot(tmp_path, AS_OF)
    return tmp_path


@pytest.fixture
def bot_with_run(tmp_path: Path, published_bot: Path) -> Path:
    """A bot's folder with one published run, on SQLite."""
    return shutil.copytree(published_bot, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def bot_on_each(tmp_path: Path, store_url: str) -> Path:
    """The same on each database."""
    write_bot(tmp_path, AS_OF, store=store_url)
    return tmp_path


def test_once_computes_and_publishes_what_the_log_says(bot_on_each: Path) -> None:
    done = run_command(bot_on_each, "once", "--as-of", AT, "--json")

    assert done.returncode == 0, done.stderr
    bad, good = json.loads(done.stdout)["items"]
    assert (good["symbol"], good["maker_fill_ratio"], good["fallback_ratio"]) == ("GOODUSDT", 0.9, 0.1)
    assert (good["quality"], good["maker_first"], good["taker_bias"]) == ("good", True, "prefer_maker")
    assert (bad["symbol"], bad["maker_fill_ratio"], bad["fallback_ratio"]) == ("BADUSDT", 0.1, 0.9)
    assert (bad["quality"], bad["maker_first"], bad["taker_bias"]) == ("broken", False, "prefer_taker")
    # every bar is 2 wide around a close of 100: a true range of 2 %, short and long alike
    assert (good["atr_short_pct"], good["atr_long_pct"], good["atr_ratio"], good["regime"]) == (2.0, 2.0, 1.0, "normal")
    assert (good["bar_count"], good["outcome_count"], good["slip_q50"]) == (500, 10, 1.0)


def test_once_twice_publishes_one_run(bot: Path) -> None:
    first = command(bot, "once", "--as-of", AT)
    second = command(bot, "once", "--as-of", AT)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "published as run 1: 2 symbols, 20 orders used, 0 rows not used" in first.stdout
    assert "is published already, as run 1" in second.stdout
    assert len(json.loads(command(bot, "history", "GOODUSDT", "--all", "--json").stdout)["items"]) == 1


def test_latest_lists_every_column_and_how_long_it_is_fresh(bot_with_run: Path) -> None:
    shown = command(bot_with_run, "latest", "--json")

    assert shown.returncode == 0, shown.stderr
    page = json.loads(shown.stdout)
    bad, good = page["items"]
    assert set(COLUMNS) <= set(good)
    assert (good["slot"], good["scope"], bad["codes"][0]["code"]) == (AT, "default", "fallback_ratio_broken")
    assert (good["published_at"] > AT, good["stale_at"], page["next"]) == (True, "2026-04-26T00:45:00Z", None)


def test_latest_of_one_symbol_shows_that_one(bot_with_run: Path) -> None:
    only = json.loads(command(bot_with_run, "latest", "BADUSDT", "--json").stdout)
    table = command(bot_with_run, "latest", "BADUSDT").stdout

    assert only["symbol"] == "BADUSDT"
    assert "BADUSDT" in table
    assert "GOODUSDT" not in table


def test_history_since_shows_when_each_policy_was_in_force(bot: Path) -> None:
    for slot in ("2026-04-25T23:45:00Z", "2026-04-26T00:00:00Z", AT):
        assert command(bot, "once", "--as-of", slot).returncode == 0

    arguments = ("history", "GOODUSDT", "--since", "2026-04-26T00:00:00", "--all", "--json")
    history = json.loads(command(bot, *arguments).stdout)["items"]

    assert [(period["valid_from"], period["valid_to"]) for period in history] == [
        ("2026-04-26T00:00:00Z", AT),
        (AT, None),
    ]


@pytest.mark.parametrize("symbol", ["x[/y]", "btc[perp]"])
def test_a_symbol_with_brackets_is_printed_as_it_is(bot: Path, symbol: str) -> None:
    log = bot / "logs" / "order_metrics.jsonl"
    log.write_text(log.read_text().replace("GOODUSDT", symbol))
    command(bot, "once", "--as-of", AT)

    shown = [command(bot, "history", symbol), command(bot, "latest", symbol)]

    assert [run.returncode for run in shown] == [0, 0]
    assert f"policies for {symbol} " in shown[0].stdout
    assert symbol in shown[1].stdout


def test_a_symbol_that_went_quiet_keeps_a_policy_that_says_so(bot_with_run: Path) -> None:
    later = command(bot_with_run, "once", "--as-of", "2026-05-26T00:15:00Z", "--json")

    _, good = json.loads(later.stdout)["items"]
    assert (good["symbol"], good["outcome_count"], good["maker_fill_ratio"]) == ("GOODUSDT", 0, None)
    assert (good["quality"], good["regime"]) == ("ok", "unknown")
    assert "not measured and counted as 0: maker_fill_ratio, fallback_ratio, slip_q50" in good["reason"]
    assert "maker_fill_ratio_missing" in [code["code"] for code in good["codes"]]


def test_a_symbol_of_the_settings_has_a_policy_before_its_first_order(tmp_path: Path) -> None:
    settings = write_bot(tmp_path, AS_OF)
    settings.write_text('symbols = ["NEWUSDT"]\n' + settings.read_text())

    shown = json.loads(command(tmp_path, "once", "--as-of", AT, "--json").stdout)["items"]

    assert [policy["symbol"] for policy in shown] == ["BADUSDT", "GOODUSDT", "NEWUSDT"]


def test_a_missing_log_stops_the_run_with_one_line_and_publishes_nothing(bot: Path) -> None:
    (bot / "logs" / "order_metrics.jsonl").unlink()

    failed = run_command(bot, "once", "--as-of", AT)

    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "orders.path: no file matches" in failed.stderr
    assert command(bot, "latest").returncode == 1


def test_a_folder_where_files_should_be_named_is_told_as_one(bot: Path) -> None:
    settings = bot / "router-policy.toml"
    settings.write_text(settings.read_text().replace("logs/*.jsonl", "logs/"))

    failed = run_command(bot, "once", "--as-of", AT)

    assert failed.returncode == 1
    assert "it is a folder; name the files in it, as in" in failed.stderr


def test_the_next_try_after_a_failure_works_at_once(bot: Path) -> None:
    log = bot / "logs" / "order_metrics.jsonl"
    text = log.read_text()
    log.unlink()
    command(bot, "once", "--as-of", AT)
    log.write_text(text)

    assert command(bot, "once", "--as-of", AT).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("latest",), 1, "no policy yet in scope 'default'"),
        (("latest", "NOPE"), 1, "no policy for 'NOPE'"),
        (("history", "NOPE"), 1, "no policy for 'NOPE'"),
        (("once", "--as-of", "yesterday"), 2, "invalid time 'yesterday'"),
        (("once", "--as-of", "0001-01-02"), 2, "'0001-01-02' is too early"),
        (("once", "--as-of", "1969-12-31T23:59:59Z"), 2, "is too early"),
        (("history", "NOPE", "--since", "1970-01-01"), 1, "no policy for 'NOPE'"),
        (("once", "--as-of", "2999-01-01T00:00:00Z"), 2, "is in the future"),
        (("history",), 2, "Missing argument"),
        (("latest", "--bogus"), 2, "No such option"),
        (("latest", "--config", "nowhere.toml"), 2, "nowhere.toml cannot be read"),
    ],
)
def test_what_goes_wrong_is_said_and_has_its_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    write_bot(tmp_path, AS_OF)
    command(tmp_path, "init")

    failed = command(tmp_path, *arguments)

    assert (failed.returncode, failed.stdout) == (code, "")
    assert message in failed.stderr


@pytest.mark.parametrize(("old", "new"), [("outcome", "costs"), ("evaluate", "backtest")])
def test_a_command_that_was_renamed_is_refused_with_its_new_name(bot: Path, old: str, new: str) -> None:
    failed = command(bot, old)

    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == f"router-policy: {old} is now {new}: run router-policy {new}\n"


def test_a_misspelt_command_is_refused_with_those_that_are_nearly_so(bot: Path) -> None:
    failed = command(bot, "histroy")

    assert failed.returncode == 2
    assert "No such command 'histroy'. Did you mean 'history'?" in failed.stderr


def test_the_help_lists_every_command_and_each_has_its_own(bot: Path) -> None:
    listed = command(bot, "--help")

    assert listed.returncode == 0
    assert re.findall(r"^│ ([a-z]+) ", listed.stdout, flags=re.MULTILINE) == list(COMMANDS)
    for name in set(COMMANDS) - {"run"}:
        assert f"router-policy {name}" in command(bot, name, "--help").stdout


def test_the_latest_policies_load_no_engine_and_no_schedule(bot: Path) -> None:
    assert command(bot, "once", "--as-of", AT).returncode == 0
    program = "import sys; from console.main import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"

    done = subprocess.run(
        [sys.executable, "-c", program, "latest"],
        cwd=bot,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(done.stderr.split())
    assert "console.commands.latest" in loaded
    assert loaded.isdisjoint({"duckdb", "apscheduler", "croniter", "alembic", "fastapi", "console.commands.once"})
    assert loaded.isdisjoint({"storage.audit.verify", "storage.audit.backup", "storage.write.prune"})


def test_a_store_that_was_not_set_up_says_what_to_run(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF)
    (tmp_path / "policy.db").touch()

    failed = command(tmp_path, "latest")

    assert failed.returncode == 1
    assert "router-policy init" in failed.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(("latest",), ("history", "X"), ("explain", "X"), ("health",), ("verify",), ("head",), ("backup", "copy.db")),
        *(("compare",), ("drift",), ("costs",), ("replay", "--rules", "rules.toml")),
    ],
)
def test_a_command_that_reads_says_that_no_store_is_there_yet(bot: Path, arguments: tuple[str, ...]) -> None:
    (bot / "rules.toml").write_text('name = "seed"')

    failed = command(bot, *arguments)

    message = "policy.db: store not initialised; run router-policy init\n"
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.endswith(message)
    assert not (bot / "policy.db").exists()


@pytest.mark.parametrize("arguments", [("latest",), ("health",), ("latest", "GOODUSDT"), ("drift",)])
def test_after_failed_slots_only_the_last_failure_is_told(bot_on_each: Path, arguments: tuple[str, ...]) -> None:
    (bot_on_each / "logs" / "order_metrics.jsonl").unlink()
    for slot in (AT, "2026-04-26T00:30:00Z"):
        assert command(bot_on_each, "once", "--as-of", slot).returncode == 1

    failed = command(bot_on_each, *arguments)

    assert failed.returncode == 1
    assert "scope 'default'; slot 2026-04-26T00:30:00Z failed: orders.path: no file matches" in failed.stderr
    assert failed.stderr.endswith("(the view policy_gap has every slot without a run)\n")


@pytest.mark.parametrize("name", ["latest", "history", "explain", "health"])
@pytest.mark.parametrize("spelt", ["goodusdt", "GOOD/USDT"])
def test_a_symbol_that_is_spelt_otherwise_is_named(bot_with_run: Path, name: str, spelt: str) -> None:
    failed = command(bot_with_run, name, spelt)

    assert failed.returncode == 1
    assert failed.stderr.endswith("; is it GOODUSDT?\n")


def test_after_an_empty_run_the_last_policies_are_named(bot: Path) -> None:
    command(bot, "once", "--as-of", "2026-05-26T00:15:00Z")
    command(bot, "once", "--as-of", AT)

    assert command(bot, "latest").stderr == (
        "router-policy: no policy in force in scope 'default'; run 1 of slot 2026-05-26T00:15:00Z found no order in "
        "the seven days before; router-policy check shows what the sources have; the last policies are those of run 2, "
        "of slot 2026-04-26T00:15:00Z\n"
    )


def test_without_any_policy_nobody_is_sent_to_look_for_one(bot: Path) -> None:
    command(bot, "init")

    assert command(bot, "latest").stderr == (
        "router-policy: no policy yet in scope 'default'; router-policy once computes one\n"
    )


def test_init_writes_settings_and_sets_the_store_up_and_can_be_repeated(tmp_path: Path) -> None:
    first = command(tmp_path, "init")
    text = (tmp_path / "router-policy.toml").read_text()
    second = command(tmp_path, "init")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "wrote router-policy.toml" in first.stdout
    assert "wrote" not in second.stdout
    assert (tmp_path / "router-policy.toml").read_text() == text
    assert (tmp_path / "router_policy.db").exists()


def test_init_as_json_names_the_settings_and_the_store(tmp_path: Path) -> None:
    first, second = (json.loads(command(tmp_path, "init", "--json").stdout) for _ in range(2))

    store = f"sqlite:///{tmp_path / 'router_policy.db'}"
    assert first == {
        "settings": "router-policy.toml",
        "is_written": True,
        "store": store,
        "seen": None,
        "preview": None,
    }
    assert second == first | {"is_written": False}


def test_check_says_that_all_is_well(bot_on_each: Path) -> None:
    checked = command(bot_on_each, "check", "--as-of", AT)

    assert checked.returncode == 0, checked.stdout
    assert "ok    schedule: */15 * * * * in UTC" in checked.stdout
    assert "ok    store:" in checked.stdout
    assert "ok    orders: 20 orders of 2 symbols in the 7 days before 2026-04-26T00:15:00Z" in checked.stdout


def test_check_writes_nothing_where_nothing_is_yet(bot: Path) -> None:
    before = sorted(bot.rglob("*"))

    checked = command(bot, "check")

    assert checked.returncode == 0, checked.stdout
    assert "policy.db: not there yet; the first run creates it" in checked.stdout
    assert sorted(bot.rglob("*")) == before


def test_a_database_of_something_else_is_named_by_check_and_refused_by_once(bot: Path) -> None:
    connection = sqlite3.connect(bot / "policy.db")
    connection.execute("create table trades (trade_id integer primary key)")
    connection.close()
    before = (bot / "policy.db").read_bytes()

    checked, failed = command(bot, "check"), command(bot, "once", "--as-of", AT)

    assert (checked.returncode, failed.returncode) == (1, 1)
    for output in (checked.stdout, failed.stderr):
        assert "policy.db holds tables of another program and none of router-policy" in output
    assert "WRONG store: " in checked.stdout
    assert (bot / "policy.db").read_bytes() == before
    assert command(bot, "init").returncode == 0
    assert command(bot, "once", "--as-of", AT).returncode == 0


def test_options_of_the_console_are_refused_without_the_console(bot: Path) -> None:
    failed = run_command(bot, "run", "--host", "0.0.0.0", "--port", "8765", "--without-token")

    assert failed.returncode == 2
    assert "--host, --port, --without-token: only with --web" in failed.stderr


def test_check_names_everything_that_is_wrong_at_once(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF, store="postgresql+psycopg://me:hunter2@127.0.0.1:1/policy")
    (tmp_path / "logs" / "order_metrics.jsonl").unlink()

    checked = command(tmp_path, "check", "--json")

    findings = {finding["what"]: finding for finding in json.loads(checked.stdout)["items"]}
    assert checked.returncode == 1
    assert findings["schedule"]["ok"] is True
    assert findings["store"]["ok"] is False
    assert findings["sources"]["ok"] is False
    assert "no file matches" in findings["sources"]["message"]


def test_a_password_after_the_question_mark_is_refused(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF, store="postgresql+psycopg://me@127.0.0.1:1/policy?password=hunter2")

    failed = command(tmp_path, "latest")

    assert failed.returncode == 1
    assert "after the question mark" in failed.stderr
    assert "hunter2" not in failed.stderr


def test_a_query_that_ctrl_c_ends_is_told_as_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted")  # what DuckDB raises when the signal comes while it works

    write_bot(tmp_path, AS_OF)
    monkeypatch.setattr("jobs.engines.measure._measure", interrupted)

    done = command(tmp_path, "once")

    assert (done.returncode, done.stderr) == (1, "router-policy: stopped by Ctrl-C; nothing was left half done\n")


def test_init_that_could_not_write_the_settings_leaves_what_a_second_one_mends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, where a file is made and holds a part of its content or none."""
    write = Path.write_text

    def fail(path: Path, content: str, *_: object) -> int:
        write(path, content[:10], "utf-8")
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(Path, "write_text", fail)
        failed = command(tmp_path, "init")
    left = list(tmp_path.iterdir())
    mended = command(tmp_path, "init")

    assert failed.returncode != 0
    assert "No space left on device" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert left == []
    assert mended.returncode == 0
    assert (tmp_path / "router-policy.toml").exists()


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_output_to_a_full_disk_is_one_line_and_to_nowhere_is_no_error(bot: Path, more: list[str]) -> None:
    assert command(bot, "once", "--as-of", AT).returncode == 0
    latest = [COMMAND, "latest", *more]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            latest, cwd=bot, stdout=full, stderr=subprocess.PIPE, env=environment(), text=True, check=False
        )
    message = "the output cannot be written (No space left on device)"
    assert ended.returncode == 1
    assert (json.loads(ended.stderr)["error"]["message"] if more else ended.stderr) == (
        message if more else f"router-policy: {message}\n"
    )
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *latest]
    assert subprocess.run(closed, cwd=bot, env=environment(), check=False).returncode == 0


def test_an_argument_that_is_no_text_is_one_line(bot: Path) -> None:
    ended = command(bot, "explain", "\udcffUSDT")

    assert (ended.returncode, ended.stderr) == (
        2,
        "router-policy: '\\udcffUSDT' is no text in the encoding of this locale\n",
    )
