"""NautilusTrader's own backtest engine, a day at a time: a strategy that trades all day, and its catalog of events."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FillModel, LatencyModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import BTC, LTC, SOL, USDT, Currency
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import ExecAlgorithmId, InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

from router_policy_client.bots.nautilus import RouterPolicyExecAlgorithm, RouterPolicyExecAlgorithmConfig

VENUE = Venue("BINANCE")
_PRICES = {"BTCUSDT": 90_000.0, "SOLUSDT": 150.0, "LTCUSDT": 80.0}
_STEP_BPS = 1.0  # the standard deviation of ten seconds
_QUOTES_EVERY = timedelta(seconds=10)


def _perpetual(symbol: str, base: Currency, tick: float, digits: int) -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=InstrumentId(Symbol(f"{symbol}-PERP"), VENUE),
        raw_symbol=Symbol(symbol),
        base_currency=base,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=digits,
        size_precision=3,
        price_increment=Price(tick, digits),
        size_increment=Quantity(0.001, 3),
        ts_event=0,
        ts_init=0,
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.025"),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
    )


MARKETS = [
    _perpetual("BTCUSDT", BTC, 0.1, 1),
    _perpetual("SOLUSDT", SOL, 0.01, 2),
    _perpetual("LTCUSDT", LTC, 0.01, 2),
]


class AllDayConfig(StrategyConfig, frozen=True):  # type: ignore[call-arg]  # an option of msgspec
    """What it trades, and how many minutes apart."""

    instrument_id: InstrumentId
    every_minutes: int


class AllDay(Strategy):
    """Enters and exits in turn, every few minutes, by market orders to the execution algorithm."""

    def on_start(self) -> None:
        """Subscribe to the quotes."""
        self.next_at = self.clock.utc_now() + timedelta(minutes=1)
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, _: QuoteTick) -> None:
        """Send the next order when it is due."""
        if self.clock.utc_now() < self.next_at:
            return
        self.next_at += timedelta(minutes=self.config.every_minutes)
        net = self.portfolio.net_position(self.config.instrument_id)
        self.submit_order(
            self.order_factory.market(
                self.config.instrument_id,
                OrderSide.SELL if net > 0 else OrderSide.BUY,
                self.cache.instrument(self.config.instrument_id).make_qty(abs(net) or 1),
                reduce_only=bool(net),
                exec_algorithm_id=ExecAlgorithmId("ROUTER-POLICY"),
            )
        )


class FarAway(RouterPolicyExecAlgorithm):
    """The same with a fault: its maker price is 60 bps from the market."""

    def maker_price(self, side: OrderSide, quote: QuoteTick) -> Price:
        """Return a price that nobody takes."""
        away = 1 - 0.006 if side == OrderSide.BUY else 1 + 0.006
        return self.cache.instrument(quote.instrument_id).make_price(quote.bid_price.as_double() * away)


def engine_of(instruments: Sequence[CryptoPerpetual], start: datetime) -> BacktestEngine:
    """Return an engine with a venue of these markets, a sixth of a second away."""
    engine = BacktestEngine(
        BacktestEngineConfig(trader_id=TraderId("LOOP-001"), logging=LoggingConfig(bypass_logging=True))
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(50_000_000, USDT)],
        default_leverage=Decimal(10),
        fill_model=FillModel(prob_fill_on_limit=0.35, prob_slippage=0.0, random_seed=int(start.timestamp())),
        latency_model=LatencyModel(base_latency_nanos=150_000_000),
    )
    for instrument in instruments:
        engine.add_instrument(instrument)
    return engine


def trade(folder: Path, start: datetime, length: timedelta, *, is_broken: bool, **routing: Any) -> list[Order]:
    """Run a backtest from `start`, write its events to the catalog in the folder, and return its orders."""
    engine = engine_of(MARKETS, start)
    for number, instrument in enumerate(MARKETS):
        engine.add_data(quotes(instrument, start, length))
        engine.add_strategy(
            AllDay(AllDayConfig(instrument_id=instrument.id, every_minutes=5, order_id_tag=f"{number:03d}"))
        )
    algorithm = FarAway if is_broken else RouterPolicyExecAlgorithm
    settings = {"store_url": f"sqlite:///{folder}/router_policy.db", "full_wait_seconds": 120.0} | routing
    engine.add_exec_algorithm(algorithm(RouterPolicyExecAlgorithmConfig(**settings)))
    engine.run()
    orders = engine.kernel.cache.orders()
    write_events(ParquetDataCatalog(str(folder / "catalog")), orders)
    engine.dispose()
    return list(orders)


def quotes(instrument: CryptoPerpetual, start: datetime, length: timedelta) -> list[QuoteTick]:
    """Return the quotes of a random walk, one tick wide; the same for the same start."""
    random = Random(f"{instrument.id} {start}")
    price, tick = _PRICES[str(instrument.raw_symbol)], instrument.price_increment.as_double()
    ticks = []
    for number in range(int(length / _QUOTES_EVERY)):
        price *= 1 + random.gauss(0, _STEP_BPS) / 10_000
        at = int((start + number * _QUOTES_EVERY).timestamp()) * 1_000_000_000
        bid = instrument.make_price(price)
        ask = instrument.make_price(bid.as_double() + tick)
        size = instrument.make_qty(1_000)
        ticks.append(QuoteTick(instrument.id, bid, ask, size, size, at, at))
    return ticks


def write_events(catalog: ParquetDataCatalog, orders: Sequence[Order]) -> None:
    """Write the events of the orders, each kind in the order of its times, as the catalog asks."""
    events: dict[type, list[Any]] = {}
    for order in orders:
        for event in order.events:
            events.setdefault(type(event), []).append(event)
    for kind in events.values():
        catalog.write_data(sorted(kind, key=lambda event: event.ts_init))
