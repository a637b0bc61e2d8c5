"""The guide for freqtrade: its strategy, configuration, settings and commands run as they are written there."""

import inspect
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from freqtrade.strategy import IStrategy

from router_policy_client.bots.freqtrade import RouterPolicyMixin
from router_policy_client.bots.freqtrade.settings import Settings
from tests.bots.freqtrade_bot import STRATEGY, trade
from tests.bots.guides import blocks, run_console

START = datetime(2026, 5, 6, tzinfo=UTC)
(ROUTED,) = blocks("freqtrade", "python")
(CONFIG,) = blocks("freqtrade", "json")
LOG, DATABASE = blocks("freqtrade", "toml")
_, COMMANDS = blocks("freqtrade", "console")


@pytest.mark.parametrize("settings", [LOG, DATABASE])
def test_the_guide_leads_from_nothing_to_a_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = STRATEGY.replace("class AllDay(", "class MyStrategy(")
    (tmp_path / "my_strategy.py").write_text(own[: own.index("class AllDayRouted")])
    (tmp_path / "user_data").mkdir()
    config = json.loads(CONFIG)
    config["router_policy"]["store_url"] = f"sqlite:///{tmp_path}/router_policy.db"
    more = config | {"strategy": "MyRoutedStrategy"}

    trade(monkeypatch, tmp_path / "user_data", START, 90, away_bps=0, strategy=ROUTED, configured=more)
    (tmp_path / "router-policy.toml").write_text(settings)
    printed = run_console(COMMANDS, tmp_path, "--as-of", (START + timedelta(hours=2)).isoformat())

    assert "of scope 'default' published as run 1: 3 symbols" in printed
    assert "0 rows not used" in printed
    assert all(pair in printed for pair in ("BTC/USDT", "SOL/USDT", "LTC/USDT"))


def test_the_callbacks_take_what_freqtrade_gives_them() -> None:
    callbacks = [name for name in vars(RouterPolicyMixin) if hasattr(IStrategy, name) and not name.startswith("_")]

    assert len(callbacks) == 9
    for name in callbacks:
        own, freqtrades = (inspect.signature(getattr(base, name)) for base in (RouterPolicyMixin, IStrategy))
        assert list(own.parameters) == list(freqtrades.parameters), name


def test_every_setting_of_the_mixin_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "bots" / "freqtrade.md").read_text("utf-8")

    assert [name for name in Settings.__dataclass_fields__ if f"`{name}`" not in guide] == []
