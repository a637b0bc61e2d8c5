"""Hummingbot's own executors, orchestrator, order tracker and recorder around a controller, in simulated time.

Only the exchange is made: post-only orders are refused or filled by chance, and market orders fill at once.
"""

# ruff: noqa: ARG002 - hummingbot names the parameters

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from hummingbot.client.config.client_config_map import DBSqliteMode, MarketDataCollectionConfigMap
from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.data_type.common import OrderType, PositionAction, PriceType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType
from hummingbot.strategy_v2.controllers import ControllerBase, ControllerConfigBase
from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator
from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.models.executor_actions import StoreExecutorAction

from router_policy_client import OrderLog, PolicyReader
from router_policy_client.bots.hummingbot import RouterPolicyPart

CONNECTOR = "binance_perpetual"
PAIRS = {"BTC-USDT": 90_000.0, "SOL-USDT": 150.0}
_STEP_BPS = 0.3
_REFUSED = 0.05  # the chance of a post-only order to be refused
_FILLED = 0.3  # the chance of an open one to be filled in a second
_FULL_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 10.0
_TURNS_A_SECOND = 10  # of the event loop, in which the executors act on what happened
_MAKER_FEE, _TAKER_FEE = Decimal("0.0002"), Decimal("0.0005")


class MadeExchange(ConnectorBase):
    """A connector whose orders live from second to second. While it is broken, no maker order fills."""

    def __init__(self, start: datetime, seed: int) -> None:
        super().__init__({})
        self._order_tracker = ClientOrderTracker(self)
        self._random = Random(seed)
        self._mids = dict(PAIRS)
        self._open: list[InFlightOrder] = []
        self._count = 0
        self.now = start.timestamp()
        self.is_broken = False

    @property
    def budget_checker(self) -> "MadeExchange":
        """Whoever says what the account can pay for: all of it."""
        return self

    def adjust_candidates(self, candidates: list[Any], all_or_none: bool = True) -> list[Any]:
        """Return the orders that the account can pay for."""
        return candidates

    @property
    def name(self) -> str:
        """The name of the exchange."""
        return CONNECTOR

    @property
    def display_name(self) -> str:
        """The name of the exchange."""
        return CONNECTOR

    @property
    def trading_pairs(self) -> list[str]:
        """The pairs."""
        return list(PAIRS)

    @property
    def tracking_states(self) -> dict[str, object]:
        """Nothing is restored."""
        return {}

    @property
    def ready(self) -> bool:
        """It is always ready."""
        return True

    @property
    def current_timestamp(self) -> float:
        """The simulated time."""
        return self.now

    def time(self) -> float:
        """Return the simulated time, as hummingbot's provider of market data does."""
        return self.now

    def price(self, pair: str, kind: PriceType) -> Decimal:
        """Return a price of the book, a hundredth of a basis point wide."""
        sides = {PriceType.BestBid: -1e-6, PriceType.BestAsk: 1e-6}
        return Decimal(str(round(self._mids[pair] * (1 + sides.get(kind, 0.0)), 4)))

    def get_price_by_type(self, *pair_and_kind: Any) -> Decimal:
        """Return a price; the provider of market data is asked with the connector's name before it."""
        return self.price(*pair_and_kind[-2:])

    def place(self, pair: str, side: TradeType, kind: OrderType, amount: Decimal, price: Decimal) -> str:
        """Take an order."""
        self._count += 1
        name = f"{side.name.lower()}-{pair}-{self._count}"
        price = Decimal("NaN") if kind == OrderType.MARKET else price
        order = InFlightOrder(name, pair, kind, side, amount, self.now, price, position=PositionAction.OPEN)
        self._order_tracker.start_tracking_order(order)
        self._open.append(order)
        return name

    def cancel_order(self, name: str) -> None:
        """Cancel an order that is open."""
        for order in self._open:
            if order.client_order_id == name:
                self._update(order, OrderState.CANCELED)

    def tick(self) -> None:
        """Let a second pass."""
        self.now += 1
        for pair in self._mids:
            self._mids[pair] *= 1 + self._random.gauss(0, _STEP_BPS) / 10_000
        self._open = [order for order in self._open if not order.is_done]
        for order in self._open:
            self._live(order)

    def _live(self, order: InFlightOrder) -> None:
        is_maker = order.order_type != OrderType.MARKET
        if order.current_state == OrderState.PENDING_CREATE:
            is_refused = is_maker and self._random.random() < _REFUSED
            self._update(order, OrderState.FAILED if is_refused else OrderState.OPEN)
        elif not is_maker:
            touch = PriceType.BestAsk if order.trade_type == TradeType.BUY else PriceType.BestBid
            self._fill(order, self.price(order.trading_pair, touch), _TAKER_FEE)
        elif not self.is_broken and self._random.random() < _FILLED:
            self._fill(order, order.price, _MAKER_FEE)

    def _fill(self, order: InFlightOrder, price: Decimal, rate: Decimal) -> None:
        quote = order.amount * price
        fee = AddedToCostTradeFee(flat_fees=[TokenAmount("USDT", quote * rate)])
        ids = f"T{order.client_order_id}", order.client_order_id, order.exchange_order_id
        self._order_tracker.process_trade_update(
            TradeUpdate(*ids, order.trading_pair, self.now, price, order.amount, quote, fee)
        )
        self._update(order, OrderState.FILLED)

    def _update(self, order: InFlightOrder, state: OrderState) -> None:
        number = order.exchange_order_id or f"X{order.client_order_id}"
        self._order_tracker.process_order_update(
            OrderUpdate(order.trading_pair, self.now, state, order.client_order_id, number)
        )


class MadeStrategy:
    """The part of hummingbot's strategy that executors call."""

    def __init__(self, exchange: MadeExchange) -> None:
        self.connectors = {CONNECTOR: exchange}
        self.controllers: dict[str, ControllerBase] = {}
        self.markets = {CONNECTOR: set(PAIRS)}
        self._exchange = exchange

    @property
    def current_timestamp(self) -> float:
        """The simulated time."""
        return self._exchange.now

    def buy(
        self,
        connector_name: str,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType,
        price: Decimal,
        position_action: PositionAction,
    ) -> str:
        """Send an order."""
        return self._exchange.place(trading_pair, TradeType.BUY, order_type, amount, price)

    def sell(
        self,
        connector_name: str,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType,
        price: Decimal,
        position_action: PositionAction,
    ) -> str:
        """Send an order."""
        return self._exchange.place(trading_pair, TradeType.SELL, order_type, amount, price)

    def cancel(self, connector_name: str, trading_pair: str, order_id: str) -> None:
        """Cancel an order."""
        self._exchange.cancel_order(order_id)


class Routed(ControllerBase):
    """A controller that buys and sells a pair in turn, one order after the other."""

    def __init__(self, pair: str, exchange: MadeExchange, reader: PolicyReader, log: OrderLog) -> None:
        config = ControllerConfigBase(id=pair, controller_name="routed")
        super().__init__(config, exchange, asyncio.Queue())
        self.pair, self.side, self.next_at = pair, TradeType.BUY, exchange.now
        self.part = RouterPolicyPart(pair, exchange, reader, full_wait_seconds=_FULL_WAIT_SECONDS, order_log=log)

    async def update_processed_data(self) -> None:
        """Compute nothing."""

    def determine_executor_actions(self) -> list[Any]:
        """Follow the open order; send the next one when it has ended."""
        actions = self.part.follow(self.executors_info)
        if self.part.open_count:
            self.next_at = self.market_data_provider.time() + _PAUSE_SECONDS
        elif self.market_data_provider.time() >= self.next_at:
            actions.append(self.part.trade(CONNECTOR, self.pair, self.side, Decimal(1)))
            self.side = TradeType.SELL if self.side == TradeType.BUY else TradeType.BUY
        return actions


class Bot:
    """Hummingbot with a controller for each pair; its database and log are in the folder."""

    def __init__(self, folder: Path, start: datetime, interval_seconds: float) -> None:
        OrderExecutor._sleep = _yield  # its shutdown waits five seconds of the wall clock
        self.exchange = MadeExchange(start, seed=7)
        self._reader = PolicyReader(
            f"sqlite:///{folder}/router_policy.db",
            interval_seconds=interval_seconds,
            watch=False,
            now=lambda: datetime.fromtimestamp(self.exchange.now, start.tzinfo),
        )
        strategy = MadeStrategy(self.exchange)
        database = SQLConnectionManager(
            SimpleNamespace(db_mode=DBSqliteMode()),
            SQLConnectionType.TRADE_FILLS,
            db_path=str(folder / "conf_routed.sqlite"),
        )
        self._recorder = MarketsRecorder(
            *(database, [self.exchange], "conf_routed.yml", "v2_with_controllers", MarketDataCollectionConfigMap())
        )
        self._recorder.start()
        log = OrderLog(folder / "orders.jsonl")
        self._controllers = [Routed(pair, self.exchange, self._reader, log) for pair in PAIRS]
        strategy.controllers = {controller.config.id: controller for controller in self._controllers}
        self._orchestrator = ExecutorOrchestrator(strategy, executors_update_interval=0.0)

    async def trade(self, until: datetime) -> None:
        """Trade until a time, by the policies of the store as it is now."""
        self._reader.refresh()
        while self.exchange.now < until.timestamp():
            self.exchange.tick()
            for controller in self._controllers:
                active = self._orchestrator.active_executors.get(controller.config.id, [])
                controller.executors_info = [executor.executor_info for executor in active]
                self._orchestrator.execute_actions(controller.determine_executor_actions())
                self._store(controller)
            for _ in range(_TURNS_A_SECOND):
                await asyncio.sleep(0)

    def _store(self, controller: ControllerBase) -> None:
        """Write the executors that have ended to the database, as hummingbot does when there are more than 100."""
        for executor in controller.executors_info:
            if executor.is_done:
                self._orchestrator.execute_action(
                    StoreExecutorAction(controller_id=controller.config.id, executor_id=executor.id)
                )

    def close(self) -> None:
        """End the recorder and the reader."""
        self._recorder.stop()
        self._reader.close()


async def _yield(*_: object) -> None:
    await asyncio.sleep(0)
