"""A made exchange for freqtrade's dry run: markets, books and candles of a random walk, in simulated time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest
from freqtrade.exchange.binance import Binance
from freqtrade.exchange.exchange import Exchange

PAIRS = {"BTC/USDT": (90_000.0, 0.1), "SOL/USDT": (150.0, 0.01), "LTC/USDT": (80.0, 0.01)}
_STEP_BPS = 3.0  # the standard deviation of a minute
_HISTORY_MINUTES = 600
_MAKER_FEE, _TAKER_FEE = 0.0002, 0.0005


class Market:
    """The prices of every pair by the minute, from `_HISTORY_MINUTES` before `start`; the same for the same seed."""

    def __init__(self, start: datetime, minutes: int, seed: int) -> None:
        self._first = start - timedelta(minutes=_HISTORY_MINUTES)
        count = _HISTORY_MINUTES + minutes + 1
        self._closes = {
            pair: _walk(Random(f"{seed} {pair}"), price, tick, count) for pair, (price, tick) in PAIRS.items()
        }

    def book(self, pair: str) -> dict[str, Any]:
        """Return the order book now: one tick wide, and deep."""
        tick, close = PAIRS[pair][1], self._closes[pair][self._minutes_since_first()]
        levels = range(20)
        return {
            "bids": [[round(close - level * tick, 6), 1e6] for level in levels],
            "asks": [[round(close + (level + 1) * tick, 6), 1e6] for level in levels],
            "symbol": pair,
            "timestamp": None,
            "datetime": None,
            "nonce": None,
        }

    def ticker(self, pair: str) -> dict[str, Any]:
        """Return the best prices now."""
        book = self.book(pair)
        bid, ask = book["bids"][0][0], book["asks"][0][0]
        return {"symbol": pair, "bid": bid, "ask": ask, "last": bid, "quoteVolume": 1e9, "percentage": 0}

    def candles(self, pair: str) -> pd.DataFrame:
        """Return the closed bars of five minutes."""
        end = self._minutes_since_first() // 5 * 5
        closes = self._closes[pair][end - _HISTORY_MINUTES // 2 : end : 5]
        dates = pd.date_range(end=self._first + timedelta(minutes=end - 5), periods=len(closes), freq="5min")
        return pd.DataFrame(
            {"date": dates, "open": closes, "high": closes, "low": closes, "close": closes, "volume": 1.0}
        )

    def _minutes_since_first(self) -> int:
        return int((datetime.now(UTC) - self._first).total_seconds()) // 60


def _walk(random: Random, price: float, tick: float, count: int) -> list[float]:
    closes = [price]
    while len(closes) < count:
        moved = closes[-1] * (1 + random.gauss(0, _STEP_BPS) / 10_000)
        closes.append(round(round(moved / tick) * tick, 6))
    return closes


def install(monkeypatch: pytest.MonkeyPatch, market: Market) -> None:
    """Replace what freqtrade would ask an exchange for; all else is freqtrade's own."""

    def fetch_l2_order_book(_: Exchange, pair: str, limit: int = 100) -> dict[str, Any]:
        book = market.book(pair)
        return book | {side: book[side][:limit] for side in ("bids", "asks")}

    def fetch_ticker(_: Exchange, pair: str) -> dict[str, Any]:
        return market.ticker(pair)

    def get_tickers(_: Exchange, *__: Any, **___: Any) -> dict[str, Any]:
        return {pair: market.ticker(pair) for pair in PAIRS}

    def refresh_latest_ohlcv(self: Exchange, pairs: list[Any], **_: Any) -> dict[Any, pd.DataFrame]:
        bars = {key: market.candles(key[0]) for key in pairs}
        self._klines.update(bars)
        return bars

    functions: list[Callable[..., Any]] = [
        *(_reload_markets, fetch_l2_order_book, fetch_ticker, get_tickers, refresh_latest_ohlcv),
        *(_check_time_offset, _get_fee),
    ]
    for function in functions:
        name = function.__name__.removeprefix("_")
        for exchange in (Exchange, Binance):
            monkeypatch.setattr(exchange, name, function)


def _check_time_offset(_: Exchange) -> None:
    """Nobody knows the exchange's clock."""


def _get_fee(_: Exchange, symbol: str, taker_or_maker: str = "maker", **__: Any) -> float:
    return _MAKER_FEE if taker_or_maker == "maker" else _TAKER_FEE


def _reload_markets(self: Exchange, force: bool = False, **_: Any) -> None:
    markets = [_market(pair, tick) for pair, (_, tick) in PAIRS.items()]
    self._api.set_markets(markets)
    self._api_async.set_markets(markets)
    self._markets = self._api.markets
    self._last_markets_refresh = int(datetime.now(UTC).timestamp() * 1000)


def _market(pair: str, tick: float) -> dict[str, Any]:
    base, quote = pair.split("/")
    least = {"amount": 0.001, "price": tick, "cost": 5, "leverage": None}
    # fmt: off
    return {
        "id": base + quote, "symbol": pair, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
        "active": True, "type": "spot", "spot": True, "margin": False, "swap": False, "future": False,
        "option": False, "contract": False, "linear": None, "inverse": None, "contractSize": None,
        "taker": _TAKER_FEE, "maker": _MAKER_FEE, "percentage": True, "info": {},
        "precision": {"amount": 0.001, "price": tick},
        "limits": {name: {"min": value, "max": None} for name, value in least.items()},
    }
    # fmt: on
