"""`router-policy changes`: what happened, on the screen and as JSON."""

import json
import shutil
from pathlib import Path

import pytest

from storage.store import Store
from tests.support.command import command
from tests.support.small_history import publish_small_history


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A folder with the small history and its settings."""
    folder = tmp_path_factory.mktemp("changes")
    (folder / "router-policy.toml").write_text(
        '[store]\nurl = "sqlite:///policy.db"\n[orders]\nkind = "canonical"\npath = "orders.jsonl"\n'
    )
    with Store(f"sqlite:///{shutil.copy(sqlite_template, folder)}") as store:
        publish_small_history(store)
    return folder


def test_the_screen_shows_what_happened_the_newest_first(folder: Path) -> None:
    shown = command(folder, "changes", "DOGEUSDT", "--kind", "to_taker", "--kind", "slot_missed")

    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if "2025-" in line]
    assert ["slot missed" in lines[0], "to taker" in lines[1]] == [True, True]
    assert "run 3: " in lines[1]


def test_json_has_the_shape_of_the_api(folder: Path) -> None:
    shown = command(folder, "changes", "--kind", "override_ended", "--json")

    assert json.loads(shown.stdout)["items"] == [
        {
            "at": "2025-03-04T01:30:00Z",
            "kind": "override_ended",
            "symbol": "BTCUSDT",
            "run_id": None,
            "what": "override 101: taker, prefer taker",
            "author": "bob",
            "reason": "venue is back",
        }
    ]


def test_nothing_is_said_if_nothing_happened(folder: Path) -> None:
    shown = command(folder, "changes", "--kind", "pruned")

    assert shown.stdout == "nothing of the kind happened in this time\n"


def test_a_file_gets_rows_without_a_frame(folder: Path) -> None:
    title, heads, *rows = command(folder, "changes", "DOGEUSDT").stdout.splitlines()

    assert title == "what happened, the newest first:"
    assert heads.split() == ["when", "what", "symbol", "now", "and", "before", "why"]
    assert rows
    assert all(row.startswith("20") for row in rows)


def in_scope(folder: Path, scope: str) -> tuple[int, str, str]:
    settings = folder / f"{scope}.toml"
    settings.write_text(f'scope = "{scope}"\n' + (folder / "router-policy.toml").read_text())
    shown = command(folder, "changes", "--config", settings.name)
    return shown.returncode, shown.stdout, shown.stderr


def test_a_history_without_a_change_is_said_to_be_so_since_its_first_run(folder: Path) -> None:
    assert in_scope(folder, "paper") == (
        0,
        "nothing has changed since the first run (2025-03-04T04:00:00Z) in scope 'paper'\n",
        "",
    )


def test_a_scope_without_a_run_is_refused(folder: Path) -> None:
    code, printed, error = in_scope(folder, "nothing")

    assert (code != 0, printed, "no policy yet in scope 'nothing'" in error) == (True, "", True)
