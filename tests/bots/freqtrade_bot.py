"""freqtrade's own bot in a dry run, offline and in simulated time, with a strategy that trades all day."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from freqtrade.enums import RunMode, State
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade

from tests.bots.freqtrade_market import PAIRS, Market, install

STRATEGY = '''
from freqtrade.strategy import IStrategy
from router_policy_client.bots.freqtrade import RouterPolicyMixin


class AllDay(IStrategy):
    """Enters after a bar that fell, and exits after some minutes. Its maker price is `away_bps` from the market."""

    timeframe = "5m"
    minimal_roi = {"0": 10}
    stoploss = -0.5
    startup_candle_count = 20
    process_only_new_candles = False

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["close"].diff() <= 0, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * (1 - self.config["away_bps"] / 10_000)

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * (1 + self.config["away_bps"] / 10_000)

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        held = current_time - trade.date_entry_fill_utc
        return "held" if held.total_seconds() > 300 and not trade.has_open_orders else None


class AllDayRouted(RouterPolicyMixin, AllDay):
    pass
'''


def trade(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    start: datetime,
    minutes: int,
    *,
    away_bps: float,
    strategy: str = STRATEGY,
    configured: dict[str, Any] | None = None,
    **routing: Any,
) -> None:
    """Run the bot from `start` for some minutes; its database, log and settings stay in the folder.

    `configured` replaces keys of the configuration, `routing` of the mixin's settings.
    """
    (folder / "strategy.py").write_text(strategy)
    install(monkeypatch, Market(start, minutes, seed=int(start.timestamp())))
    with time_machine.travel(start, tick=False) as clock:
        bot = FreqtradeBot(configuration(folder, away_bps=away_bps, **routing) | (configured or {}))
        bot.state = State.RUNNING
        bot.startup()
        try:
            for minute in range(minutes):
                clock.move_to(start + timedelta(minutes=minute, seconds=5))
                bot.process()
            Trade.commit()
        finally:
            bot.cleanup()


def configuration(folder: Path, *, away_bps: float, **routing: Any) -> dict[str, Any]:
    """Return freqtrade's configuration: a dry run of three pairs with post-only orders, routed by the policies."""
    side = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
    return {
        "dry_run": True,
        "dry_run_wallet": 1_000_000,
        "stake_currency": "USDT",
        "stake_amount": 5_000,
        "max_open_trades": len(PAIRS),
        "runmode": RunMode.DRY_RUN,
        "trading_mode": "spot",
        "timeframe": "5m",
        "db_url": f"sqlite:///{folder}/tradesv3.dryrun.sqlite",
        "user_data_dir": folder,
        "datadir": folder / "data",
        "exportfilename": folder / "export",
        "strategy": "AllDayRouted",
        "strategy_path": str(folder),
        "internals": {},
        "original_config": {},
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "pair_whitelist": list(PAIRS),
            "pair_blacklist": [],
            "enable_ws": False,
        },
        "pairlists": [{"method": "StaticPairList"}],
        "bot_name": "test",
        "initial_state": "running",
        "entry_pricing": side | {"check_depth_of_market": {"enabled": False}},
        "exit_pricing": side,
        "order_types": {
            "entry": "limit",
            "exit": "limit",
            "emergency_exit": "market",
            "stoploss": "market",
            "stoploss_on_exchange": False,
        },
        "order_time_in_force": {"entry": "PO", "exit": "PO"},
        "unfilledtimeout": {"entry": 60, "exit": 60, "exit_timeout_count": 1, "unit": "minutes"},
        "last_stake_amount_min_ratio": 0.5,
        "tradable_balance_ratio": 0.99,
        "cancel_open_orders_on_exit": False,
        "away_bps": away_bps,
        "router_policy": {"store_url": f"sqlite:///{folder}/router_policy.db", "full_wait_seconds": 480} | routing,
    }
