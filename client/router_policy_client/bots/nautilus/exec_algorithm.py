"""The execution algorithm: it spawns a post-only order and, once that has waited, a market order for the rest."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

from nautilus_trader.common.component import LiveClock
from nautilus_trader.execution.algorithm import ExecAlgorithm
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.events import (
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from router_policy_client.bots.nautilus.routed_order import RoutedOrder, is_accepted
from router_policy_client.bots.nautilus.settings import RouterPolicyExecAlgorithmConfig
from router_policy_client.gate import decide
from router_policy_client.order_log import OrderLog
from router_policy_client.reader import PolicyReader
from router_policy_client.symbols import Symbols


class RouterPolicyExecAlgorithm(ExecAlgorithm):
    """Carries out market orders maker first, as the policies of `config.store_url` say.

    A strategy sends a market order with `exec_algorithm_id=ExecAlgorithmId("ROUTER-POLICY")` and subscribes to the
    quotes of its instrument. Within the wait the maker order is posted anew as the policy says. Slivers are not sent:
    while the policy is taker, `probe_every` chooses whole orders as probes.

    The primary order itself is never submitted: the spawned orders carry its id as `exec_spawn_id`, and tags with the
    run, the probe and the mid. A strategy that cancels its primary order ends the spawned one. Orders of other types
    are submitted unchanged. Under a simulated clock the policies are read once, at the start.
    """

    def __init__(self, config: RouterPolicyExecAlgorithmConfig) -> None:
        super().__init__(config)
        self._intents: dict[ClientOrderId, RoutedOrder] = {}  # by the primary's id and by those of spawned orders
        self._log_of_orders = None if config.order_log_path is None else OrderLog(config.order_log_path)
        self._reader: PolicyReader | None = None

    def maker_price(self, side: OrderSide, quote: QuoteTick) -> Price:
        """Return the price of a maker order: the best one of its own side."""
        return quote.bid_price if side == OrderSide.BUY else quote.ask_price

    def on_start(self) -> None:
        """Open the reader."""
        is_live = isinstance(self.clock, LiveClock)
        self._reader = PolicyReader(
            self.config.store_url,
            scope=self.config.scope,
            interval_seconds=self.config.interval_seconds,
            last_known_path=self.config.last_known_path,
            symbols=Symbols(style=self.config.symbol_style, names=self.config.symbol_names),
            watch=is_live,
            now=None if is_live else self.clock.utc_now,
        )
        if not is_live:
            self._reader.refresh()

    def on_stop(self) -> None:
        """End the reader; open orders stay as they are."""
        if self._reader is not None:
            self._reader.close()

    def on_order(self, order: Order) -> None:
        """Decide on an order of a strategy."""
        if order.order_type != OrderType.MARKET:
            self.log.warning(f"{order.client_order_id} is no market order: it is submitted unchanged")
            self.submit_order(order)
            return
        intent = self._decide(order)
        self._intents[order.client_order_id] = intent
        if not intent.gate.maker_first or intent.quote is None:
            self._cross(intent)
            return
        self.subscribe_quote_ticks(order.instrument_id)
        self._set_timer(intent)
        self._post(intent)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        """Note which resting orders the market has gone through."""
        for intent in self._intents.values():
            if intent.primary.instrument_id == quote.instrument_id:
                intent.look_through(quote)

    def on_order_rejected(self, event: OrderRejected) -> None:
        """Post again at a fresh price after a post-only refusal, or cross."""
        intent = self._intents.get(event.client_order_id)
        if intent is None:
            return
        if not (intent.is_maker_leg and _is_due_to_post_only(event)):
            self.log.error(f"{event.client_order_id} was refused: {event.reason}")
            self._finish(intent)
            return
        intent.post_only_rejects += 1
        has_time = self.clock.utc_now() < intent.ends_at
        if has_time and intent.post_only_rejects < self.config.post_only_tries:
            self._post(intent)
        else:
            self._cross(intent)

    def on_order_denied(self, event: OrderDenied) -> None:
        """Give up what the risk engine denies."""
        self._end_elsewhere(event)

    def on_order_expired(self, event: OrderExpired) -> None:
        """Give up what the venue expires: a market order that found no other side."""
        self._end_elsewhere(event)

    def on_order_canceled(self, event: OrderCanceled) -> None:
        """Cross the rest of a maker order or post it anew; give up what was cancelled from elsewhere."""
        intent = self._intents.get(event.client_order_id)
        if intent is None:
            return
        if event.client_order_id == intent.primary.client_order_id:
            if intent.leg is not None and not intent.leg.is_closed:
                self.cancel_order(intent.leg)
        elif intent.is_wait_over and intent.is_maker_leg:
            self._cross(intent)
        elif intent.is_moving:
            self._post(intent)
        else:
            self._finish(intent)

    def on_order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        """Leave an order where it rests that could not be cancelled for its next post."""
        intent = self._intents.get(event.client_order_id)
        if intent is not None:
            intent.is_moving = False

    def on_order_filled(self, event: OrderFilled) -> None:
        """End an intent that is filled whole."""
        intent = self._intents.get(event.client_order_id)
        if intent is not None and not self._unfilled(intent):
            self._finish(intent)

    def _decide(self, order: Order) -> RoutedOrder:
        assert self._reader is not None, "the algorithm has not started"
        quote = self.cache.quote_tick(order.instrument_id)
        if quote is None:
            self.log.warning(f"{order.instrument_id} has no quote, so its order crosses; subscribe to its quotes")
        # Without a quote every order crosses, and without a log nobody could tell which were held out.
        may_hold_out = quote is not None and self._log_of_orders is not None
        reading = self._reader.get(str(order.instrument_id))
        gate = decide(reading, order_id=str(order.client_order_id), may_hold_out=may_hold_out)
        return RoutedOrder(
            primary=order,
            gate=gate,
            quote=quote,
            post_time=timedelta(seconds=self.config.full_wait_seconds / gate.maker_posts),
            decided_at=self.clock.utc_now(),
            ends_at=self.clock.utc_now() + timedelta(seconds=gate.patience * self.config.full_wait_seconds),
        )

    def _post(self, intent: RoutedOrder) -> None:
        primary = intent.primary
        intent.is_moving = False
        quote = self.cache.quote_tick(primary.instrument_id)
        self._send(
            intent,
            self.spawn_limit(
                primary,
                self._unfilled_quantity(intent),
                self.maker_price(primary.side, quote),
                post_only=True,
                reduce_only=primary.is_reduce_only,
                tags=intent.tags,
                reduce_primary=False,
            ),
        )

    def _cross(self, intent: RoutedOrder) -> None:
        self._send(
            intent,
            self.spawn_market(
                intent.primary,
                self._unfilled_quantity(intent),
                reduce_only=intent.primary.is_reduce_only,
                tags=intent.tags,
                reduce_primary=False,
            ),
        )

    def _send(self, intent: RoutedOrder, leg: Order) -> None:
        intent.leg = leg
        self._intents[leg.client_order_id] = intent
        self.submit_order(leg)

    def _set_timer(self, intent: RoutedOrder) -> None:
        end = intent.next_end(self.clock.utc_now())
        self.clock.set_time_alert(_timer_of(intent), end, partial(self._end_post, intent))

    def _end_post(self, intent: RoutedOrder, _: object) -> None:
        """Cancel the maker order once it has waited, or if its price is another now; its cancellation goes on."""
        intent.is_wait_over = self.clock.utc_now() >= intent.ends_at
        if not intent.is_wait_over:
            intent.is_moving = self._is_to_move(intent)
            self._set_timer(intent)
        if (intent.is_wait_over or intent.is_moving) and intent.is_maker_leg and not intent.leg.is_closed:
            self.cancel_order(intent.leg)

    def _is_to_move(self, intent: RoutedOrder) -> bool:
        """Return whether the maker order rests, at another price than a fresh one, and may be posted anew."""
        if not (intent.is_maker_leg and intent.leg.is_open) or intent.leg.is_pending_cancel:
            return False
        instrument = self.cache.instrument(intent.primary.instrument_id)
        price = self.maker_price(intent.primary.side, self.cache.quote_tick(instrument.id))
        return price != intent.leg.price and is_accepted(instrument, self._unfilled(intent), price)

    def _end_elsewhere(self, event: OrderEvent) -> None:
        intent = self._intents.get(event.client_order_id)
        if intent is not None:
            self._finish(intent)

    def _unfilled(self, intent: RoutedOrder) -> Decimal:
        filled = sum((leg.filled_qty.as_decimal() for leg in self._legs(intent)), Decimal())
        unfilled: Decimal = intent.primary.quantity.as_decimal() - filled
        return unfilled

    def _unfilled_quantity(self, intent: RoutedOrder) -> Quantity:
        return self.cache.instrument(intent.primary.instrument_id).make_qty(self._unfilled(intent))

    def _legs(self, intent: RoutedOrder) -> list[Order]:
        orders = self.cache.orders_for_exec_spawn(intent.primary.client_order_id)
        return [order for order in orders if order.client_order_id != intent.primary.client_order_id]

    def _finish(self, intent: RoutedOrder) -> None:
        """Forget an intent that has ended, and log it."""
        if _timer_of(intent) in self.clock.timer_names:
            self.clock.cancel_timer(_timer_of(intent))
        legs = self._legs(intent)
        for order in (intent.primary, *legs):
            self._intents.pop(order.client_order_id, None)
        if self._log_of_orders is not None:
            instrument = self.cache.instrument(intent.primary.instrument_id)
            self._log_of_orders.write(**intent.flat_order(legs, instrument, self.clock.utc_now()))


def _timer_of(intent: RoutedOrder) -> str:
    return f"router-policy-{intent.order_id}"


def _is_due_to_post_only(event: OrderRejected) -> bool:
    return bool(event.due_post_only) or "POST_ONLY" in event.reason.upper()
