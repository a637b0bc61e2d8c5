"""One wish of a freqtrade strategy to enter or to exit, over all the orders that freqtrade makes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from router_policy_client.bots.freqtrade.interface import BotOrder
from router_policy_client.flat_order import FlatOrder
from router_policy_client.gate import Gate


@dataclass(slots=True, kw_only=True)
class Intent:
    """An entry or an exit, from its decision until it is filled or given up.

    `side` is buy or sell, `mid` the middle of the book at the decision, None without a book. `gate` is None if an
    earlier process decided, and its grounds are lost; then `maker_started` is None for a limit order. `ended_at` is
    when its last order ended before all was filled, None while an order may be open. `was_seen` says whether its last
    order was there in a loop of the bot, `unseen_loops` for how many loops no order of it has been there. `posts` is
    how often freqtrade was asked to post it, `post_count` how many posts of the full wait have ended.
    """

    order_id: str
    symbol: str
    side: str
    decided_at: datetime
    gate: Gate | None
    mid: float | None
    maker_started: bool | None
    is_crossing: bool = False
    has_crossed: bool = False
    was_sent: bool = False
    was_seen: bool = False
    post_only_rejects: int = 0
    quantity: float = 0.0
    cost: float = 0.0
    ended_at: datetime | None = None
    unseen_loops: int = 0
    posts: int = 1
    post_count: int = 0

    def wait_ends_at(self, full_wait_seconds: float) -> datetime:
        """Return when the maker order has waited as long as the policy grants; without its grounds, half the wait."""
        patience = 0.5 if self.gate is None else self.gate.patience
        return self.decided_at + timedelta(seconds=patience * full_wait_seconds)

    def end_post(self, at: datetime, full_wait_seconds: float) -> bool:
        """Return whether a post has ended since this was last asked, within the wait; False without its grounds."""
        if self.gate is None or at >= self.wait_ends_at(full_wait_seconds):
            return False
        ended_count = (at - self.decided_at) // timedelta(seconds=full_wait_seconds / self.gate.maker_posts)
        has_ended, self.post_count = ended_count > self.post_count, ended_count
        return has_ended

    def see(self) -> None:
        """Note that an order of it is there."""
        self.was_sent, self.was_seen, self.unseen_loops, self.ended_at = True, True, 0, None

    def add(self, order: BotOrder) -> None:
        """Add what an order has filled."""
        self.see()
        if order.safe_filled:
            self.has_crossed = self.has_crossed or self.is_crossing or order.order_type != "limit"
            self.quantity += order.safe_filled
            self.cost += order.safe_filled * order.safe_price

    def resume(self, *, is_crossing: bool) -> None:
        """Go on with a further order."""
        self.is_crossing, self.was_seen, self.ended_at = is_crossing, False, None

    def lose(self, at: datetime) -> None:
        """Note that its order is not there: cancelled by freqtrade itself, or never seen, as one that is refused."""
        if self.maker_started and not self.is_crossing and not self.was_seen:
            self.post_only_rejects += 1
        self.ended_at, self.unseen_loops = at, 0

    def custom_data(self) -> dict[str, object]:
        """Return what freqtrade's tables have no column for, as kept with the trade."""
        return {
            "mid": self.mid,
            "policy_run_id": None if self.gate is None else self.gate.reading.run_id,
            "probe": self.gate is not None and self.gate.probe,
            "maker_started": self.maker_started,
            "crossed": self.has_crossed,
        }

    def flat_order(self, done_at: datetime, *, is_whole: bool) -> FlatOrder:
        """Return it as an order of the order log; `is_whole` says whether all of it was filled."""
        return FlatOrder(
            order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            done_at=done_at,
            maker_started=self.maker_started,
            maker_filled=self.maker_started and is_whole and not self.has_crossed,
            fallback_used=self.maker_started and self.has_crossed,
            average_price=self.cost / self.quantity if self.quantity else None,
            quantity=self.quantity,
            mid=self.mid,
            post_only_rejects=self.post_only_rejects,
            probe=None if self.gate is None else self.gate.probe,
            policy_run_id=None if self.gate is None else self.gate.reading.run_id,
            holdout=None if self.gate is None else self.gate.holdout,
            propensity=None if self.gate is None else self.gate.propensity,
            posts=self.posts if self.maker_started and self.gate is not None else None,
        )
