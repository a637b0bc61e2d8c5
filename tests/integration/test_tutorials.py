"""The tutorials: each reader's commands run in order as they are written, on a bot's log that ends now."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.bots import write_bot
from tests.support.command import command

_PAGES = Path(__file__).parents[2] / "docs" / "tutorials"
QUARTER = timedelta(minutes=15)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (_PAGES / f"{page}.md").read_text("utf-8"), flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a bot whose log and candles end with the newest slot."""
    now = datetime.now(UTC)
    write_bot(tmp_path, now - (now - datetime(1970, 1, 1, tzinfo=UTC)) % QUARTER, store="sqlite:///router_policy.db")
    return tmp_path


def walked(folder: Path, page: str) -> dict[str, str]:
    """Run the commands of a page in order; what each printed, by its words."""
    printed = {}
    for line in "".join(blocks(page, "console")).splitlines():
        words = line.removeprefix("$ router-policy ")
        done = command(folder, *shlex.split(words))
        assert done.returncode == 0, f"{words}: {done.stderr}"
        printed[words] = done.stdout
    return printed


def test_every_tutorial_is_tested_here() -> None:
    assert {path.stem for path in _PAGES.glob("*.md")} == {"bot-owner", "trader", "analyst", "operator"}


def test_the_owner_of_a_bot_gets_to_a_bot_that_follows_the_policy(folder: Path) -> None:
    printed = walked(folder, "bot-owner")
    (block,) = blocks("bot-owner", "python")
    store = "sqlite:////srv/policies/router_policy.db"
    names: dict[str, Any] = {}

    assert store in block
    exec(compile(block.replace(store, f"sqlite:///{folder}/router_policy.db"), "bot-owner.md", "exec"), names)
    names["reader"].close()

    assert "BADUSDT: straight to taker" in printed["explain BADUSDT"]
    assert names["maker_first"] is False
    assert names["router_ctx"]["router_policy"]["run_id"] == 1


def test_a_trader_gets_from_a_log_to_its_costs(folder: Path) -> None:
    printed = walked(folder, "trader")

    assert "BADUSDT" in printed["health"]
    assert "maker" in printed["costs"]
    assert (folder / "policies.csv").read_text().count("\n") == 3  # the columns, and a policy of each symbol


def test_an_analyst_gets_to_the_history_in_three_ways(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(folder, "once").returncode == 0
    (rules,) = blocks("analyst", "toml")
    (folder / "stricter.toml").write_text(rules)

    walked(folder, "analyst")

    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    (block,) = blocks("analyst", "python")
    exec(compile(block, "analyst.md", "exec"), names)
    assert names["history"]["symbol"].to_list() == ["BADUSDT", "GOODUSDT"]
    assert Path(command(folder, "files", "datasette.yml").stdout.strip()).is_file()


def test_an_operator_gets_to_a_backup_and_a_stopped_route(folder: Path) -> None:
    printed = walked(folder, "operator")

    assert "verified" in printed["backup policies-backup.db"]
    assert "all as published" in printed["verify"]
