"""The classes of hummingbot that its controller part uses, with the same names, fields and values.

Hummingbot is a source package that is built for minutes, so most tests do without it. `make hummingbot` compares these
with hummingbot's own.
"""

import sys
from decimal import Decimal
from enum import Enum
from types import ModuleType

import pytest
from pydantic import BaseModel


class TradeType(Enum):
    """The side of an order."""

    BUY = 1
    SELL = 2
    RANGE = 3


class PositionAction(Enum):
    """Whether an order of a perpetual opens or closes."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    NIL = "NIL"


class PriceType(Enum):
    """What a price is."""

    MidPrice = 1
    BestBid = 2
    BestAsk = 3


class ExecutionStrategy(Enum):
    """How an order executor executes."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    LIMIT_CHASER = "LIMIT_CHASER"


class CloseType(Enum):
    """How an executor ended."""

    EARLY_STOP = 5
    FAILED = 8
    POSITION_HOLD = 10


class OrderExecutorConfig(BaseModel):
    """What an order executor is to do."""

    id: str | None = None
    timestamp: float | None = None
    controller_id: str = "main"
    trading_pair: str
    connector_name: str
    side: TradeType
    amount: Decimal
    position_action: PositionAction = PositionAction.OPEN
    price: Decimal | None = None
    execution_strategy: ExecutionStrategy
    leverage: int = 1
    level_id: str | None = None


class ExecutorAction(BaseModel):
    """What a controller asks for."""

    controller_id: str | None = "main"


class CreateExecutorAction(ExecutorAction):
    """Start an executor."""

    executor_config: OrderExecutorConfig


class StopExecutorAction(ExecutorAction):
    """Stop an executor."""

    executor_id: str
    keep_position: bool | None = False


class ControllerConfigBase(BaseModel):
    """The settings of a controller."""

    id: str
    controller_name: str


class ControllerBase:
    """A controller: hummingbot gives it its settings, the prices, and the executors that it has started."""

    def __init__(self, config: ControllerConfigBase, market_data_provider: object, actions_queue: object) -> None:
        self.config = config
        self.market_data_provider = market_data_provider
        self.actions_queue = actions_queue
        self.executors_info: list[object] = []


MODULES: dict[str, tuple[type, ...]] = {
    "hummingbot.core.data_type.common": (PositionAction, PriceType, TradeType),
    "hummingbot.strategy_v2.executors.order_executor.data_types": (ExecutionStrategy, OrderExecutorConfig),
    "hummingbot.strategy_v2.controllers": (ControllerBase, ControllerConfigBase),
    "hummingbot.strategy_v2.models.executor_actions": (CreateExecutorAction, ExecutorAction, StopExecutorAction),
}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let these be imported by hummingbot's names."""
    for name, classes in MODULES.items():
        parts = name.split(".")
        for length in range(1, len(parts)):
            parent = ".".join(parts[:length])
            monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent, ModuleType(parent)))
        module = ModuleType(name)
        for each in classes:
            setattr(module, each.__name__, each)
        monkeypatch.setitem(sys.modules, name, module)
