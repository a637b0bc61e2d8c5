"""The mixin: a strategy's callbacks, routed by the policies.

It uses the order in which freqtrade calls them. An entry reads the time in force before `custom_entry_price` and the
order type after it, so an entry crosses as a market order. An exit reads them the other way round, so an exit crosses
as a limit order at a price through the book.
"""

import logging
from datetime import datetime
from typing import Any
from weakref import finalize

from router_policy_client.bots.freqtrade.intent import Intent
from router_policy_client.bots.freqtrade.intents import Intents
from router_policy_client.bots.freqtrade.interface import Book, BotOrder, Strategy, Trade
from router_policy_client.bots.freqtrade.settings import Settings, require_longer_timeouts, require_maker_orders

_CROSSING_RATIO = 0.002  # how far through the book an exit crosses
_LONGEST_KEY = 255
_ROUTED_MODES = ("live", "dry_run")
_log = logging.getLogger("router_policy_client")


class RouterPolicyMixin(Strategy):
    """Routes a strategy's entries and exits by the policies of `config["router_policy"]`: see `Settings`.

    It stands before the strategy, `class MyRoutedStrategy(RouterPolicyMixin, MyStrategy)`, and calls its callbacks. It
    does nothing outside of live and dry runs. Entries and exits must be limit orders with the time in force PO. A maker
    order waits as long as the policy grants, and within that is posted anew as the policy says. Then an entry whose
    signal is still there, and every exit, crosses. Each filled order leaves its mid, run and probe in the trade's
    custom data; with an order log every intent leaves a line there, those that were missed too.
    """

    _intents: Intents | None = None

    def bot_start(self, **kwargs: Any) -> None:
        """Open the reader and the log. Raises BotSettingsError for a configuration that cannot be routed by."""
        if self.dp.runmode.value in _ROUTED_MODES:
            settings = Settings.of(self.config)
            require_maker_orders(self.order_types, self.order_time_in_force)
            require_longer_timeouts(self.config, settings.full_wait_seconds)
            self._intents = Intents(settings)
            finalize(self, self._intents.close)
        super().bot_start(**kwargs)

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Give up what no order works for any more."""
        if self._intents is not None:
            self._intents.begin_loop(current_time)
        super().bot_loop_start(current_time=current_time, **kwargs)

    def custom_entry_price(
        self,
        pair: str,
        trade: Trade | None,
        current_time: datetime,
        proposed_rate: float,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> float:
        """Decide on an entry, or cross if its maker order was missed; the price is the strategy's own."""
        if self._intents is not None:
            intent = self._intent(self._intents, pair, _entry_side(side), current_time)
            self.order_types["entry"] = "market" if intent.is_crossing else "limit"
            intent.was_sent = intent.was_sent or trade is not None  # otherwise `confirm_trade_entry` follows
        return super().custom_entry_price(pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs)

    def confirm_trade_entry(
        self,
        pair: str,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        current_time: datetime,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> bool:
        """Note whether the entry is sent."""
        is_confirmed = super().confirm_trade_entry(
            pair, order_type, amount, rate, time_in_force, current_time, entry_tag, side, **kwargs
        )
        if self._intents is not None:
            self._intents.confirm(pair, _entry_side(side), is_sent=is_confirmed)
        return is_confirmed

    def custom_exit_price(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        proposed_rate: float,
        current_profit: float,
        exit_tag: str | None,
        **kwargs: Any,
    ) -> float:
        """Decide on an exit; a price through the book if it goes straight to taker or its maker order was missed."""
        price = super().custom_exit_price(pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs)
        if self._intents is None:
            return price
        intent = self._intent(self._intents, pair, trade.exit_side, current_time)
        intent.was_sent = True
        self.order_time_in_force["exit"] = "GTC" if intent.is_crossing else "PO"
        return self._crossing_price(pair, trade.exit_side, price) if intent.is_crossing else price

    def check_entry_timeout(
        self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any
    ) -> bool:
        """Return whether the entry has waited long enough."""
        is_timed_out = super().check_entry_timeout(pair, trade, order, current_time, **kwargs)
        return self._has_waited(pair, order, current_time, is_timed_out)

    def check_exit_timeout(
        self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any
    ) -> bool:
        """Return whether the exit has waited long enough."""
        is_timed_out = super().check_exit_timeout(pair, trade, order, current_time, **kwargs)
        return self._has_waited(pair, order, current_time, is_timed_out)

    def adjust_order_price(
        self,
        trade: Trade,
        order: BotOrder,
        pair: str,
        current_time: datetime,
        proposed_rate: float,
        current_order_rate: float,
        entry_tag: str | None,
        side: str,
        is_entry: bool,
        **kwargs: Any,
    ) -> float | None:
        """Return the strategy's fresh price if the policy posts the order anew now, else what the strategy returns.

        freqtrade asks from the first new candle on after the order was placed.
        """
        adjusted = super().adjust_order_price(
            trade=trade,
            order=order,
            pair=pair,
            current_time=current_time,
            proposed_rate=proposed_rate,
            current_order_rate=current_order_rate,
            entry_tag=entry_tag,
            side=side,
            is_entry=is_entry,
            **kwargs,
        )
        if self._intents is None or adjusted != current_order_rate:
            return adjusted
        if not self._intents.end_post(pair, order, current_time):
            return adjusted
        if is_entry:
            fresh = super().custom_entry_price(pair, trade, current_time, proposed_rate, entry_tag, side)
        else:
            profit = trade.calc_profit_ratio(proposed_rate)
            fresh = super().custom_exit_price(pair, trade, current_time, proposed_rate, profit, order.ft_order_tag)
        if fresh == current_order_rate:
            return adjusted
        self._intents.count_post(pair, order.ft_order_side)
        self.order_types["entry"] = "limit"  # another pair's entry may have crossed since
        return fresh if is_entry else proposed_rate  # of which freqtrade asks for the exit price again

    def order_filled(self, pair: str, trade: Trade, order: BotOrder, current_time: datetime, **kwargs: Any) -> None:
        """Keep with the trade what freqtrade's tables have no column for, and end the intent."""
        if self._intents is not None and order.ft_order_side in (trade.entry_side, trade.exit_side):
            intent = self._intents.fill(pair, order, current_time)
            if intent.maker_started is not None:
                trade.set_custom_data(f"router_policy:{order.order_id}"[:_LONGEST_KEY], intent.custom_data())
        super().order_filled(pair, trade, order, current_time, **kwargs)

    def _intent(self, intents: Intents, pair: str, side: str, at: datetime) -> Intent:
        """Return the intent that goes on, or a new one."""
        return intents.resume(pair, side, at) or intents.begin(pair, side, at, _mid(self._book(pair)))

    def _has_waited(self, pair: str, order: BotOrder, at: datetime, is_timed_out: bool) -> bool:
        if self._intents is None:
            return is_timed_out
        return self._intents.has_waited(pair, order, at, is_timed_out)

    def _book(self, pair: str) -> Book:
        try:
            return self.dp.orderbook(pair, 1)
        except Exception as error:  # noqa: BLE001 - without a book the order goes out all the same
            _log.warning("%s: the order book cannot be read, the mid of this order is unknown: %s", pair, error)
            return {}

    def _crossing_price(self, pair: str, side: str, price: float) -> float:
        """Return a price through the best one of the other side; the proposed price without a book."""
        levels = self._book(pair).get("bids" if side == "sell" else "asks")
        best = levels[0][0] if levels else price
        return best * (1 - _CROSSING_RATIO if side == "sell" else 1 + _CROSSING_RATIO)


def _entry_side(direction: str) -> str:
    """Return the side of an entry in a direction, long or short."""
    return "buy" if direction == "long" else "sell"


def _mid(book: Book) -> float | None:
    bids, asks = book.get("bids"), book.get("asks")
    return (bids[0][0] + asks[0][0]) / 2 if bids and asks else None
