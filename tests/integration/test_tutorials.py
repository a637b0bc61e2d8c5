"""The tutorials: each reader's commands run in order as they are written, on a bot's log that ends now."""

import re
import shlex
from collections.abc import Iterable
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
    return ran(folder, blocks(page, "console"))


def ran(folder: Path, transcripts: Iterable[str]) -> dict[str, str]:
    """Run the commands of these blocks in order; what each printed, by its words."""
    printed = {}
    for line in "".join(transcripts).splitlines():
        words = line.removeprefix("$ router-policy ")
        done = command(folder, *shlex.split(words))
        assert done.returncode == 0, f"{words}: {done.stderr}"
        printed[words] = done.stdout
    return printed


def with_values_of(changed: str, settings: str) -> str:
    """Put the lines of a page over the lines of the settings that set the same names, each of which is there once."""
    for name, value in re.findall(r"^(\w+) = (.*)$", changed, flags=re.MULTILINE):
        settings, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", settings, flags=re.MULTILINE)
        assert count == 1, name
    return settings


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


def test_a_trader_gets_from_a_log_of_the_past_to_its_costs_and_to_other_rules(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime(2026, 4, 26, 0, 15, tzinfo=UTC)).unlink()
    first, *others = blocks("trader", "console")
    more, past, rules = blocks("trader", "toml")

    (drafted,) = ran(tmp_path, [first]).values()
    settings = (tmp_path / "router-policy.toml").read_text() + more
    (tmp_path / "router-policy.toml").write_text(settings)
    (tmp_path / "past.toml").write_text(with_values_of(past, settings))
    (tmp_path / "other.toml").write_text(rules)
    printed = ran(tmp_path, others)

    assert "--as-of 2026-04-25T23:15:01Z if the bot has stopped" in drafted
    assert "2 symbols, 20 orders used" in printed["once --as-of 2026-04-25T23:15:01Z"]
    assert "BADUSDT" in printed["health"]
    assert "maker" in printed["costs"]
    assert "breaker live, measured in its shadow" in printed["compare --config past.toml"]
    for command_line in ("compare --config past.toml", "replay --config past.toml --rules other.toml"):
        assert printed[command_line].startswith("6 of 6 runs were backfilled: nobody followed them\n")
    assert "2 symbols, 20 orders a day" in printed["power"]
    assert (tmp_path / "policies.csv").read_text().count("\n") == 3  # the columns, and a policy of each symbol


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
    assert command(folder, "init").returncode == 0
    printed = walked(folder, "operator")

    assert "verified" in printed['backup "policies-$(date +%F).db"']
    assert "all as published" in printed["verify"]
