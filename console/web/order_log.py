"""The order log behind the console: its newest orders, read one request at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from jobs.analysis.order_history import OrderSelection
from jobs.analysis.order_list import ListedOrder, newest_orders
from jobs.plan import Fees, OrdersSource
from jobs.slots import Slots
from policy.errors import RouterPolicyError

ORDERS_SHOWN = 500


@dataclass(slots=True, kw_only=True)
class OrderLog:
    """Where the orders are, and the fees of those whose log has none; threads may share it."""

    orders: OrdersSource
    slots: Slots
    fees: Mapping[str, Fees]
    _lock: Lock = field(default_factory=Lock, init=False)

    def newest(self, scope: str, symbol: str | None, start: datetime, end: datetime) -> Sequence[ListedOrder] | str:
        """Return at most ORDERS_SHOWN orders with `start <= ts < end`, the newest first, or why there are none.

        Only one request reads the log at a time: the next is asked to come back.
        """
        if not self._lock.acquire(blocking=False):
            return "the log is being read for another page; load this one again"
        try:
            selection = OrderSelection(scope=scope, orders=self.orders, slots=self.slots, start=start, end=end)
            return newest_orders(selection, self.fees, symbol, ORDERS_SHOWN)
        except RouterPolicyError as error:
            return f"the log cannot be read: {error}"
        finally:
            self._lock.release()
