"""The intents of a running bot: which goes on, which ended, and the line that each leaves in the order log."""

from datetime import datetime, timedelta

from router_policy_client.bots.freqtrade.intent import Intent
from router_policy_client.bots.freqtrade.interface import BotOrder
from router_policy_client.bots.freqtrade.settings import Settings
from router_policy_client.gate import decide
from router_policy_client.order_log import OrderLog
from router_policy_client.reader import PolicyReader
from router_policy_client.symbols import Symbols

_CROSSING_SECONDS = 10  # for which an order through the book may be open
_UNSEEN_LOOPS = 2


class Intents:
    """The intents of a running bot, by pair and side."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = PolicyReader(
            settings.store_url,
            scope=settings.scope,
            interval_seconds=settings.interval_seconds,
            last_known_path=settings.last_known_path,
            symbols=Symbols(style=settings.symbol_style, names=settings.symbol_names),
        )
        self._log = None if settings.order_log_path is None else OrderLog(settings.order_log_path)
        self._intents: dict[tuple[str, str], Intent] = {}

    def begin(self, pair: str, side: str, at: datetime, mid: float | None) -> Intent:
        """Decide on a new intent."""
        order_id = f"{pair}-{side}-{at:%Y%m%dT%H%M%S.%f}"
        # Without a log nobody could tell which orders were held out.
        gate = decide(self._reader.get(pair), order_id=order_id, may_hold_out=self._log is not None)
        intent = Intent(
            order_id=order_id,
            symbol=pair,
            side=side,
            decided_at=at,
            gate=gate,
            mid=mid,
            maker_started=gate.maker_first,
            is_crossing=not gate.maker_first,
        )
        self._intents[pair, side] = intent
        return intent

    def resume(self, pair: str, side: str, at: datetime) -> Intent | None:
        """Return the intent that goes on, None if a new one begins. Once it has waited long enough, it crosses."""
        intent = self._intents.get((pair, side))
        if intent is None or not intent.was_sent or self._is_over(intent, at):
            self._give_up(pair, side)
            return None
        if intent.ended_at is None and intent.unseen_loops:
            intent.lose(at)
        has_waited = at >= intent.wait_ends_at(self._settings.full_wait_seconds)
        intent.resume(is_crossing=intent.is_crossing or has_waited)
        return intent

    def confirm(self, pair: str, side: str, *, is_sent: bool) -> None:
        """Note whether the order of an intent is sent."""
        intent = self._intents.get((pair, side))
        if intent is not None:
            intent.was_sent = intent.was_sent or is_sent

    def has_waited(self, pair: str, order: BotOrder, at: datetime, is_timed_out: bool) -> bool:
        """Return whether an open order is to be cancelled now."""
        intent = self._intents.get((pair, order.ft_order_side)) or self._adopt(pair, order)
        intent.see()
        if order.order_type != "limit":
            return is_timed_out
        if intent.is_crossing:
            ends_at = order.order_date_utc + timedelta(seconds=_CROSSING_SECONDS)
        else:
            ends_at = intent.wait_ends_at(self._settings.full_wait_seconds)
        if at < ends_at and not is_timed_out:
            return False
        intent.ended_at = at
        return True

    def end_post(self, pair: str, order: BotOrder, at: datetime) -> bool:
        """Return whether an open maker order may be posted anew now: a post has ended, and none of it has filled."""
        intent = self._intents.get((pair, order.ft_order_side))
        if intent is None or intent.is_crossing or order.order_type != "limit" or order.safe_filled:
            return False
        return intent.end_post(at, self._settings.full_wait_seconds)

    def count_post(self, pair: str, side: str) -> None:
        """Note that an intent is posted anew."""
        self._intents[pair, side].posts += 1

    def fill(self, pair: str, order: BotOrder, at: datetime) -> Intent:
        """Add what an order has filled; an order that is filled whole ends its intent."""
        key = pair, order.ft_order_side
        intent = self._intents.get(key) or self._adopt(pair, order)
        intent.add(order)
        if order.status == "closed":
            del self._intents[key]
            self._write(intent, at, is_whole=True)
        else:
            intent.ended_at = at
        return intent

    def begin_loop(self, at: datetime) -> None:
        """Note what was refused, and give up what nothing was sent for in time."""
        for (pair, side), intent in list(self._intents.items()):
            intent.unseen_loops += 1
            if intent.was_sent and intent.ended_at is None and intent.unseen_loops >= _UNSEEN_LOOPS:
                intent.lose(at)
            if self._is_over(intent, at):
                self._give_up(pair, side)

    def close(self) -> None:
        """End the reader."""
        self._reader.close()

    def _adopt(self, pair: str, order: BotOrder) -> Intent:
        """Take up an order that this process did not decide on: an earlier one did, or freqtrade itself."""
        is_limit = order.order_type == "limit"
        intent = Intent(
            order_id=f"{pair}-{order.ft_order_side}-{order.order_id}",
            symbol=pair,
            side=order.ft_order_side,
            decided_at=order.order_date_utc,
            gate=None,
            mid=None,
            maker_started=None if is_limit else False,
        )
        self._intents[pair, order.ft_order_side] = intent
        return intent

    def _is_over(self, intent: Intent, at: datetime) -> bool:
        within = timedelta(seconds=self._settings.cross_within_seconds)
        return intent.ended_at is not None and at - intent.ended_at > within

    def _give_up(self, pair: str, side: str) -> None:
        intent = self._intents.pop((pair, side), None)
        if intent is not None and intent.was_sent:
            self._write(intent, intent.ended_at or intent.decided_at, is_whole=False)

    def _write(self, intent: Intent, at: datetime, *, is_whole: bool) -> None:
        if self._log is not None:
            self._log.write(**intent.flat_order(at, is_whole=is_whole))
