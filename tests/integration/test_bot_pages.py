"""The pages of the bots: the commands that read a bot's own data run as they are written, from nothing to a policy."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import test_source_ccxt as ccxt
from tests.integration import test_source_hummingbot as hummingbot
from tests.integration import test_source_nautilus as nautilus
from tests.support import freqtrade_rows as freqtrade
from tests.support.bot_data import write_rows
from tests.support.command import command

_PAGES = Path(__file__).parents[2] / "docs" / "bots"


def _freqtrade(path: Path) -> None:
    path.mkdir()
    rows = {"trades": freqtrade.TRADES, "orders": freqtrade.ORDERS}
    write_rows(f"sqlite:///{path / 'tradesv3.sqlite'}", freqtrade.tables(), rows)
    configuration = {"stake_currency": "USDT", "order_time_in_force": {"entry": "PO", "exit": "PO"}}
    (path / "config.json").write_text(json.dumps(configuration))


def _hummingbot(path: Path) -> None:
    path.parent.mkdir()
    rows = {"Order": hummingbot.ORDERS, "TradeFill": hummingbot.FILLS, "MarketData": hummingbot.MIDS}
    write_rows(f"sqlite:///{path}", hummingbot.tables(), rows)


def _nautilus(path: Path) -> None:
    nautilus.write_catalog(path)


def _ccxt(path: Path) -> None:
    path.mkdir()
    ccxt.written(path, ccxt.ORDERS)


def _binance(path: Path) -> None:
    path.mkdir()
    (path / "trades.csv").write_text(ccxt.EXPORTS["futures, UTC in the header"])


WRITERS: dict[str, Callable[[Path], None]] = {
    "freqtrade": _freqtrade,
    "hummingbot": _hummingbot,
    "nautilus": _nautilus,
    "ccxt": _ccxt,
    "binance": _binance,
}


def test_every_page_has_its_commands_here() -> None:
    assert {page.stem for page in _PAGES.glob("*.md")} == WRITERS.keys()


@pytest.mark.parametrize("name", WRITERS)
def test_the_commands_of_a_page_lead_from_its_data_to_a_policy(tmp_path: Path, name: str) -> None:
    page = (_PAGES / f"{name}.md").read_text("utf-8")
    first = re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)[0]
    init, check, once = (shlex.split(line.removeprefix("$ router-policy ")) for line in first.splitlines())
    assert page.index(first) < len(page) / 2
    WRITERS[name](tmp_path / init[-1])

    drafted = command(tmp_path, *init)
    assert drafted.returncode == 0, drafted.stderr
    (end,) = re.findall(r"--as-of (\S+)", drafted.stdout)
    checked, published = command(tmp_path, *check, "--as-of", end), command(tmp_path, *once, "--as-of", end)

    assert (checked.returncode, published.returncode) == (0, 0), checked.stdout + published.stderr
    assert "published as run 1" in published.stdout
    if name == "freqtrade":
        assert "\npost_only = true" in (tmp_path / "router-policy.toml").read_text("utf-8")
