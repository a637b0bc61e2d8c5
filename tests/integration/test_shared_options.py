"""What every command shares: the settings file, the version, help, completion, starts, and errors as JSON."""

import json
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
import time_machine
import typer

from console.commands.db import roles
from console.main import COMMANDS
from console.options import parse_start
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
AT = "2026-04-26T00:15:00Z"
NOW = datetime(2026, 4, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
def two_bots(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder with two bots of different scopes, `a` and `b`, and no settings of its own."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        settings = write_bot(tmp_path / name, AS_OF)
        settings.write_text(f'scope = "{name}"\n' + settings.read_text())
        shutil.copy(sqlite_template, tmp_path / name)
    return tmp_path


def scope_of(complaint: str) -> str:
    """Return the scope that a complaint about a missing policy names."""
    return complaint.partition("scope '")[2].partition("'")[0]


@pytest.mark.parametrize(
    ("arguments", "variables", "scope"),
    [
        (("latest", "--config", "a/router-policy.toml"), {}, "a"),
        (("latest", "-c", "a/router-policy.toml"), {}, "a"),
        (("--config", "a/router-policy.toml", "latest"), {}, "a"),
        (("-c", "a/router-policy.toml", "latest"), {}, "a"),
        (("latest",), {"ROUTER_POLICY_CONFIG": "b/router-policy.toml"}, "b"),
        (("-c", "a/router-policy.toml", "latest"), {"ROUTER_POLICY_CONFIG": "b/router-policy.toml"}, "a"),
        (("-c", "a/router-policy.toml", "latest", "-c", "b/router-policy.toml"), {}, "b"),
    ],
)
def test_the_settings_file_is_named_before_or_after_the_command_or_in_the_environment(
    two_bots: Path, arguments: tuple[str, ...], variables: dict[str, str], scope: str
) -> None:
    assert scope_of(command(two_bots, *arguments, **variables).stderr) == scope


def test_a_settings_file_for_a_command_that_reads_none_is_refused(tmp_path: Path) -> None:
    failed = command(tmp_path, "-c", "a.toml", "demo")

    assert (failed.returncode, failed.stderr) == (2, "router-policy: demo reads no settings; leave --config out\n")


def test_the_version_is_that_of_the_distribution(tmp_path: Path) -> None:
    assert command(tmp_path, "--version").stdout == f"router-policy {version('router-policy')}\n"


@pytest.mark.parametrize("arguments", [(), ("latest",), ("db",), ("db", "roles")])
def test_h_is_short_for_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    short, long = command(tmp_path, *arguments, "-h"), command(tmp_path, *arguments, "--help")

    assert short.returncode == 0
    assert short.stdout == long.stdout
    assert "Usage: router-policy" in short.stdout


@pytest.mark.parametrize("arguments", [("override",), ("latest",), ("db", "roles"), ()])
def test_a_flag_stands_in_the_help_without_a_value(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shown = command(tmp_path, *arguments, "--help").stdout

    assert "bool" not in shown
    assert "timedelta" not in shown
    assert "datetime" not in shown


def test_the_shell_completes_the_names_of_commands(tmp_path: Path) -> None:
    completed = command(
        tmp_path, _ROUTER_POLICY_COMPLETE="complete_bash", COMP_WORDS="router-policy ba", COMP_CWORD="1"
    )

    assert completed.stdout.split() == [name for name in COMMANDS if name.startswith("ba")]


@time_machine.travel(NOW, tick=False)
def test_a_start_is_a_time_or_how_long_ago() -> None:
    assert parse_start("24h") == datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
    assert parse_start("90m") == datetime(2026, 4, 26, 10, 30, tzinfo=UTC)
    assert parse_start("2026-04-01") == datetime(2026, 4, 1, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("text", "message"),
    [("24x", "invalid duration '24x'"), ("soon", "invalid time 'soon'"), ("36500d", "is too early")],
)
def test_a_start_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        parse_start(text)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code", "message"),
    [
        (("latest", "NOPE", "--json"), 1, "not_found", "no policy for 'NOPE'"),
        (("latest", "--json", "--config", "nowhere.toml"), 2, "invalid_request", "nowhere.toml cannot be read"),
        (("latest", "--json", "--bogus"), 2, "invalid_request", "No such option: --bogus"),
        (("history", "--json", "X", "--since", "soon"), 2, "invalid_request", "invalid time 'soon'"),
        (("replay", "--json", "--rules", "none.toml"), 2, "invalid_request", "none.toml cannot be read"),
    ],
)
def test_an_error_of_a_command_for_programs_is_json(
    tmp_path: Path, sqlite_store: Store, arguments: tuple[str, ...], exit_code: int, code: str, message: str
) -> None:
    write_bot(tmp_path, AS_OF)

    failed = command(tmp_path, *arguments)

    assert (failed.returncode, failed.stdout) == (exit_code, "")
    error = json.loads(failed.stderr)["error"]
    assert (error["code"], error["problems"]) == (code, [])
    assert message in error["message"]


def test_a_store_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF)

    error = json.loads(command(tmp_path, "latest", "--json").stderr)["error"]

    assert error["code"] == "unavailable"


@pytest.mark.parametrize("arguments", [(), ("--apply",), ("--router-login", "bot")])
def test_roles_are_refused_for_a_file(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_bot(tmp_path, AS_OF)

    failed = command(tmp_path, "db", roles.__name__, *arguments)

    assert (failed.returncode, failed.stdout) == (2, "")
    assert "db roles needs Postgres, and store.url is a SQLite file" in failed.stderr
