"""The guide for NautilusTrader: its code, settings and commands run as they are written there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.config import ExecAlgorithmConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy

from router_policy_client.bots.nautilus import RouterPolicyExecAlgorithmConfig
from tests.bots.guides import blocks, run_console
from tests.bots.nautilus_bot import MARKETS, engine_of, quotes

START = datetime(2026, 5, 6, tzinfo=UTC)
ADD, SEND, WRITE = blocks("nautilus", "python")
LOG, CATALOG = blocks("nautilus", "toml")
_, COMMANDS = blocks("nautilus", "console")


class Sender(Strategy):
    """A strategy that sends as the guide says, at every sixtieth quote."""

    def __init__(self, send: Any) -> None:
        super().__init__()
        self._guided_send = send
        self._count = 0

    def on_start(self) -> None:
        """Subscribe to the quotes."""
        self.subscribe_quote_ticks(MARKETS[0].id)

    def on_quote_tick(self, _: QuoteTick) -> None:
        """Send when it is time."""
        self._count += 1
        if self._count % 60 == 0:
            self._guided_send(self, MARKETS[0], OrderSide.BUY, 0.5)


def test_the_guide_leads_from_nothing_to_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"engine": engine_of(MARKETS[:1], START)}
    engine = names["engine"]
    engine.add_data(quotes(MARKETS[0], START, timedelta(hours=2)))
    exec(compile(ADD, "docs/bots/nautilus.md", "exec"), names)
    exec(compile(SEND, "docs/bots/nautilus.md", "exec"), names)
    engine.add_strategy(Sender(names["send"]))

    engine.run()
    exec(compile(WRITE, "docs/bots/nautilus.md", "exec"), names)
    engine.dispose()

    for settings in (LOG, CATALOG):
        (tmp_path / "router-policy.toml").write_text(settings)
        printed = run_console(COMMANDS, tmp_path, "--as-of", (START + timedelta(hours=3)).isoformat())
        assert "1 symbol, 11 orders used" in printed  # the twelfth order is open at the end of the quotes
        assert "BTCUSDT-PERP.BINANCE" in printed
        for file in tmp_path.glob("router_policy.db*"):
            file.unlink()


def test_every_setting_of_the_algorithm_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "bots" / "nautilus.md").read_text("utf-8")
    inherited = set(ExecAlgorithmConfig.__struct_fields__)
    own = [name for name in RouterPolicyExecAlgorithmConfig.__struct_fields__ if name not in inherited]

    assert own
    assert [name for name in own if f"`{name}`" not in guide] == []
