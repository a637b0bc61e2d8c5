"""Hummingbot: a part of a V2 controller that carries out its orders maker first as the policy says.

An order executor posts, chases or takes, but none falls back from one to the other: the part makes an order of two
executors. Both have the level_id `rp1|INTENT|RUN|PROBE|MID`, which hummingbot keeps in `Executors.config`: it links the
legs, and no column has the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

try:
    from hummingbot.core.data_type.common import PositionAction, PriceType, TradeType
    from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy, OrderExecutorConfig
    from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction
except ImportError as error:
    raise ImportError(f"{error}; install the client in hummingbot's environment") from error

from router_policy_client.flat_order import FlatOrder
from router_policy_client.gate import Gate, decide
from router_policy_client.order_log import OrderLog
from router_policy_client.reader import PolicyReader

_FAILED = "FAILED"


class PriceProvider(Protocol):
    """The part of hummingbot's MarketDataProvider that is used here."""

    def time(self) -> float: ...
    def get_price_by_type(self, connector_name: str, trading_pair: str, price_type: PriceType) -> Decimal: ...


class ExecutorInfo(Protocol):
    """The part of hummingbot's ExecutorInfo that is used here."""

    id: str
    config: OrderExecutorConfig
    custom_info: Mapping[str, object]
    cum_fees_quote: Decimal
    close_type: object

    @property
    def is_done(self) -> bool: ...


@dataclass(slots=True, kw_only=True)
class _Intent:
    """An order of the controller, over its executors. `ends_at` is in seconds since 1970."""

    level_id: str
    order_id: str
    config: OrderExecutorConfig
    gate: Gate
    mid: Decimal | None
    ends_at: float
    maker_started: bool
    is_stopping: bool = False
    has_crossed: bool = False
    post_only_rejects: int = 0
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


class RouterPolicyPart:
    """Sends the orders of one controller: posts, waits as long as the policy grants, and crosses the rest.

    In `determine_executor_actions` return what `follow(self.executors_info)` returns, and for a new order what `trade`
    returns. With an order log each order leaves a line there: hummingbot itself writes executors late, and no order
    that was refused.
    """

    def __init__(
        self,
        controller_id: str,
        prices: PriceProvider,
        reader: PolicyReader,
        *,
        full_wait_seconds: float = 60.0,
        order_log: OrderLog | None = None,
    ) -> None:
        self._controller_id = controller_id
        self._prices = prices
        self._reader = reader
        self._full_wait_seconds = full_wait_seconds
        self._order_log = order_log
        self._intents: dict[str, _Intent] = {}

    @property
    def open_count(self) -> int:
        """How many orders have not ended."""
        return len(self._intents)

    def trade(
        self,
        connector_name: str,
        trading_pair: str,
        side: TradeType,
        amount: Decimal,
        *,
        leverage: int = 1,
        position_action: PositionAction = PositionAction.OPEN,
    ) -> CreateExecutorAction:
        """Decide on an order of `amount` in the base asset, and return the action that sends its first executor."""
        now = self._prices.time()
        order_id = f"{self._controller_id}-{trading_pair}-{now:.6f}".replace("|", "-")
        gate = decide(self._reader.get(trading_pair), order_id=order_id)
        bid, ask = (
            self._prices.get_price_by_type(connector_name, trading_pair, kind)
            for kind in (PriceType.BestBid, PriceType.BestAsk)
        )
        has_prices = all(price.is_finite() and price > 0 for price in (bid, ask))  # NaN is hummingbot's "no price"
        mid = (bid + ask) / 2 if has_prices else None
        maker_started = gate.maker_first and mid is not None
        level_id = _level_id(order_id, gate, mid)
        config = OrderExecutorConfig(
            timestamp=now,
            connector_name=connector_name,
            trading_pair=trading_pair,
            side=side,
            amount=amount,
            price=(bid if side == TradeType.BUY else ask) if maker_started else None,
            leverage=leverage,
            position_action=position_action,
            level_id=level_id,
            execution_strategy=ExecutionStrategy.LIMIT_MAKER if maker_started else ExecutionStrategy.MARKET,
        )
        self._intents[level_id] = _Intent(
            level_id=level_id,
            order_id=order_id,
            config=config,
            gate=gate,
            mid=mid,
            ends_at=now + gate.patience * self._full_wait_seconds,
            maker_started=maker_started,
        )
        return CreateExecutorAction(controller_id=self._controller_id, executor_config=config)

    def follow(self, executors: Iterable[ExecutorInfo]) -> list[ExecutorAction]:
        """Return what the open orders need now: to stop a maker order that has waited, to cross the rest of one."""
        actions = []
        for executor in executors:
            intent = self._intents.get(executor.config.level_id or "")
            # The executor of the maker order stays in the list after its market order has begun.
            if intent is not None and executor.config.execution_strategy == intent.config.execution_strategy:
                actions += self._end(intent, executor) if executor.is_done else self._wait(intent, executor)
        return actions

    def _wait(self, intent: _Intent, executor: ExecutorInfo) -> list[ExecutorAction]:
        is_maker = intent.config.execution_strategy == ExecutionStrategy.LIMIT_MAKER
        if not is_maker or intent.is_stopping or self._prices.time() < intent.ends_at:
            return []
        intent.is_stopping = True
        return [StopExecutorAction(controller_id=self._controller_id, executor_id=executor.id, keep_position=True)]

    def _end(self, intent: _Intent, executor: ExecutorInfo) -> list[ExecutorAction]:
        """Add what an executor did that has ended; cross the rest of a maker order, or finish."""
        filled = Decimal(str(executor.custom_info["executed_amount_base"]))
        intent.quantity += filled
        intent.cost += filled * Decimal(str(executor.custom_info["average_executed_price"])) if filled else Decimal(0)
        intent.fees += executor.cum_fees_quote
        is_maker = intent.config.execution_strategy == ExecutionStrategy.LIMIT_MAKER
        if is_maker:
            intent.post_only_rejects += int(str(executor.custom_info["current_retries"]))
        else:
            intent.has_crossed = intent.has_crossed or filled > 0
        unfilled = intent.config.amount - filled
        # What was stopped from elsewhere does not cross; what the exchange refused to the end does.
        if is_maker and unfilled > 0 and (intent.is_stopping or _name(executor.close_type) == _FAILED):
            return [self._cross(intent, unfilled)]
        self._finish(intent, is_whole=unfilled <= 0)
        return []

    def _cross(self, intent: _Intent, amount: Decimal) -> CreateExecutorAction:
        intent.config = intent.config.model_copy(
            update={
                "id": f"{intent.config.id}-rest",
                "timestamp": self._prices.time(),
                "amount": amount,
                "price": None,
                "execution_strategy": ExecutionStrategy.MARKET,
            }
        )
        return CreateExecutorAction(controller_id=self._controller_id, executor_config=intent.config)

    def _finish(self, intent: _Intent, *, is_whole: bool) -> None:
        del self._intents[intent.level_id]
        if self._order_log is not None:
            done_at = datetime.fromtimestamp(self._prices.time(), UTC)
            self._order_log.write(**_flat_order(intent, done_at, is_whole=is_whole))


def _level_id(order_id: str, gate: Gate, mid: Decimal | None) -> str:
    run_id = gate.reading.run_id
    fields = ("rp1", order_id, "" if run_id is None else run_id, int(gate.probe), "" if mid is None else f"{mid:f}")
    return "|".join(map(str, fields))


def _flat_order(intent: _Intent, done_at: datetime, *, is_whole: bool) -> FlatOrder:
    return FlatOrder(
        order_id=intent.order_id,
        symbol=intent.config.trading_pair,
        side="BUY" if intent.config.side == TradeType.BUY else "SELL",
        done_at=done_at,
        maker_started=intent.maker_started,
        maker_filled=intent.maker_started and is_whole and not intent.has_crossed,
        fallback_used=intent.maker_started and intent.has_crossed,
        average_price=intent.cost / intent.quantity if intent.quantity else None,
        quantity=intent.quantity,
        mid=intent.mid,
        fees=intent.fees if intent.quantity else None,
        post_only_rejects=intent.post_only_rejects,
        probe=intent.gate.probe,
        policy_run_id=intent.gate.reading.run_id,
    )


def _name(word: object) -> str:
    """Return the name of a member of hummingbot's enums."""
    return str(getattr(word, "name", word))
