"""Hummingbot: a part of a V2 controller that carries out its orders maker first as the policy says.

An order executor posts, chases or takes, but none falls back from one to the other: the part makes an order of several
executors. All have the level_id `rp1|INTENT|RUN|PROBE|MID`, which hummingbot keeps in `Executors.config`: it links the
legs, and no column has the rest.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
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
from router_policy_client.venue import Quote

_FAILED = "FAILED"
_SHORTEST_POST_SECONDS = 30.0  # hummingbot takes some 5 s to stop an executor, in which nothing rests


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
    """An order of the controller, over its executors. `config` is that of the newest.

    `ends_at`, when its wait is over, and `post_ends_at`, when it may be posted anew, are in seconds since 1970.
    """

    level_id: str
    order_id: str
    config: OrderExecutorConfig
    gate: Gate
    mid: Decimal | None
    half_spread_bps: Decimal | None
    ends_at: float
    post_ends_at: float
    maker_started: bool
    posts: int
    is_stopping: bool = False
    is_uncertain: bool = False
    has_crossed: bool = False
    post_only_rejects: int = 0
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


class RouterPolicyPart:
    """Sends the orders of one controller: posts, waits as long as the policy grants, and crosses the rest.

    Within the wait an order that has not filled at all is posted anew as the policy says, at most every 30 seconds.
    Slivers are not sent: while the policy is taker, `probe_every` chooses whole orders as probes.

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
        quote = self._quote(connector_name, trading_pair)
        # Without a quote every order crosses, and without a log nobody could tell which were held out.
        may_hold_out = quote is not None and self._order_log is not None
        gate = decide(self._reader.get(trading_pair), order_id=order_id, may_hold_out=may_hold_out)
        mid = None if quote is None else quote.mid
        maker_started = gate.maker_first and mid is not None
        level_id = _level_id(order_id, gate, mid)
        config = OrderExecutorConfig(
            timestamp=now,
            connector_name=connector_name,
            trading_pair=trading_pair,
            side=side,
            amount=amount,
            price=_maker_price(side, quote) if maker_started and quote is not None else None,
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
            half_spread_bps=None if quote is None else Decimal(str(quote.half_spread_bps)),
            ends_at=now + gate.patience * self._full_wait_seconds,
            post_ends_at=now + self._post_seconds(gate),
            maker_started=maker_started,
            posts=int(maker_started),
        )
        return CreateExecutorAction(controller_id=self._controller_id, executor_config=config)

    def follow(self, executors: Iterable[ExecutorInfo]) -> list[ExecutorAction]:
        """Return what the open orders need now: to stop a maker order that has waited, to cross the rest of one."""
        actions = []
        for executor in executors:
            intent = self._intents.get(executor.config.level_id or "")
            # The executors before the newest stay in the list.
            if intent is not None and executor.config.id == intent.config.id:
                actions += self._end(intent, executor) if executor.is_done else self._wait(intent, executor)
        return actions

    def _wait(self, intent: _Intent, executor: ExecutorInfo) -> list[ExecutorAction]:
        is_maker = intent.config.execution_strategy == ExecutionStrategy.LIMIT_MAKER
        if not is_maker or intent.is_stopping:
            return []
        if self._prices.time() < intent.ends_at and not self._is_to_move(intent, executor):
            return []
        intent.is_stopping = True
        return [StopExecutorAction(controller_id=self._controller_id, executor_id=executor.id, keep_position=True)]

    def _is_to_move(self, intent: _Intent, executor: ExecutorInfo) -> bool:
        """Return whether a post has ended that has not filled at all, while the best price is another."""
        if self._prices.time() < intent.post_ends_at:
            return False
        intent.post_ends_at += self._post_seconds(intent.gate)
        price = self._fresh_price(intent)
        return price not in (None, intent.config.price) and not _filled(executor)

    def _post_seconds(self, gate: Gate) -> float:
        return max(self._full_wait_seconds / gate.maker_posts, _SHORTEST_POST_SECONDS)

    def _fresh_price(self, intent: _Intent) -> Decimal | None:
        quote = self._quote(intent.config.connector_name, intent.config.trading_pair)
        return None if quote is None else _maker_price(intent.config.side, quote)

    def _quote(self, connector_name: str, trading_pair: str) -> Quote | None:
        """Return the best prices; None if hummingbot has none, which is NaN there."""
        bid, ask = (
            self._prices.get_price_by_type(connector_name, trading_pair, kind)
            for kind in (PriceType.BestBid, PriceType.BestAsk)
        )
        with suppress(ValueError):
            return Quote(bid=bid, ask=ask)
        return None

    def _end(self, intent: _Intent, executor: ExecutorInfo) -> list[ExecutorAction]:
        """Add what an executor did that has ended; cross the rest of a maker order, or finish."""
        filled = _filled(executor)
        intent.quantity += filled
        intent.cost += filled * Decimal(str(executor.custom_info["average_executed_price"])) if filled else Decimal(0)
        intent.fees += executor.cum_fees_quote
        is_maker = intent.config.execution_strategy == ExecutionStrategy.LIMIT_MAKER
        if is_maker:
            intent.post_only_rejects += int(str(executor.custom_info["current_retries"]))
        else:
            intent.has_crossed = intent.has_crossed or filled > 0
        unfilled = intent.config.amount - filled
        # What was stopped from elsewhere does not go on; what the exchange refused to the end crosses. If hummingbot
        # fails to stop an executor, its order may still be open: nothing may follow.
        is_failed = _name(executor.close_type) == _FAILED
        intent.is_uncertain = is_maker and intent.is_stopping and is_failed
        if is_maker and unfilled > 0 and intent.is_stopping is not is_failed:
            price = None if is_failed or self._prices.time() >= intent.ends_at else self._fresh_price(intent)
            return [self._cross(intent, unfilled) if price is None else self._post_anew(intent, unfilled, price)]
        self._finish(intent, is_whole=unfilled <= 0)
        return []

    def _post_anew(self, intent: _Intent, amount: Decimal, price: Decimal) -> CreateExecutorAction:
        intent.posts += 1
        intent.is_stopping = False
        return self._continue(intent, f"post-{intent.posts}", amount=amount, price=price)

    def _cross(self, intent: _Intent, amount: Decimal) -> CreateExecutorAction:
        return self._continue(intent, "rest", amount=amount, price=None, execution_strategy=ExecutionStrategy.MARKET)

    def _continue(self, intent: _Intent, name: str, **changes: object) -> CreateExecutorAction:
        """Return the action that sends the next executor of an intent, with the level_id of the first."""
        changes |= {"id": f"{intent.config.id}-{name}", "timestamp": self._prices.time()}
        intent.config = intent.config.model_copy(update=changes)
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
        maker_filled=None if intent.is_uncertain else intent.maker_started and is_whole and not intent.has_crossed,
        fallback_used=None if intent.is_uncertain else intent.maker_started and intent.has_crossed,
        average_price=intent.cost / intent.quantity if intent.quantity else None,
        quantity=intent.quantity,
        mid=intent.mid,
        fees=intent.fees if intent.quantity else None,
        post_only_rejects=intent.post_only_rejects,
        probe=intent.gate.probe,
        policy_run_id=intent.gate.reading.run_id,
        holdout=intent.gate.holdout,
        propensity=intent.gate.propensity,
        posts=intent.posts if intent.maker_started else None,
        arrival_quote_bps=intent.half_spread_bps,
    )


def _filled(executor: ExecutorInfo) -> Decimal:
    return Decimal(str(executor.custom_info["executed_amount_base"]))


def _maker_price(side: TradeType, quote: Quote) -> Decimal:
    """Return the best price of the own side."""
    return quote.bid if side == TradeType.BUY else quote.ask


def _name(word: object) -> str:
    """Return the name of a member of hummingbot's enums."""
    return str(getattr(word, "name", word))
