"""The maker orders of one wait: a post-only order, posted anew at a fresh price until it fills or the wait is over."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import ceil

from router_policy_client.clock import Clock
from router_policy_client.gate import Gate
from router_policy_client.leg import Ending, Leg
from router_policy_client.legs import Legs
from router_policy_client.market_rules import MarketRules
from router_policy_client.order import Order, Rest, Side
from router_policy_client.routing import MOST_TRIES, Routing
from router_policy_client.venue import Quote, Venue

_BPS = Decimal(10_000)
_SHORTEST_POST = 1e-6  # of a post: what is left of a wait by the rounding of floats is not a post


@dataclass(slots=True, kw_only=True)
class _Post:
    """One maker order; `price` is None if the venue's ticks are unknown: then so is where it rests."""

    leg: Leg
    price: Decimal | None
    was_gone_through: bool = False

    @property
    def has_rested(self) -> bool:
        return self.leg.state is not None and self.leg.ending is not Ending.RETRYABLE


class Posting:
    """The posts of `quantity` within one wait, of which the gate grants a fraction.

    The full wait is divided into `gate.maker_posts` posts, at most 9. At the end of each, the venue is asked once for a
    quote. If the policy's offset from it is another price, the order is cancelled, and what has not filled is posted
    there; else it stays where it rests. It also stays if the request is not answered, if the venue has not shown the
    order yet, or if what remains is below its smallest order. Only a post-only reject causes other requests for quotes.
    The time of the request that places an order does not count as waited.
    """

    def __init__(
        self, order: Order, quantity: Decimal, venue: Venue, legs: Legs, gate: Gate, routing: Routing, clock: Clock
    ) -> None:
        self._order = order
        self.quantity = quantity
        self._venue = venue
        self._rules = MarketRules(venue, order.symbol)
        self._legs = legs
        self._gate = gate
        self._routing = routing
        self._clock = clock
        self._posts: list[_Post] = []
        self._ends: list[float] = []

    @property
    def remaining(self) -> Decimal:
        """The part of the quantity that has not filled."""
        return self.quantity - self._legs.filled("m")

    def run(self, quote: Quote | None, quote_again: Callable[[], Quote | None], meanwhile: Callable[[], None]) -> None:
        """Post until all has filled, the wait is over, or the end of a post is uncertain.

        `quote_again` is asked after a post-only reject. `meanwhile` is called once, while the first post rests.
        """
        self._ends = self._post_ends()
        for number in range(1, MOST_TRIES + 1):
            if quote is None:
                return
            quote = self._post(number, quote, meanwhile if number == 1 else _do_nothing)
            ending = self._posts[-1].leg.ending
            if ending is Ending.RETRYABLE:
                quote = quote_again() if self._may_retry() else None
            elif ending is not Ending.DONE or self.remaining <= 0 or self._is_over():
                return

    def rest(self) -> Rest | None:
        """Return how the order rested; None if it never did."""
        rested = [post for post in self._posts if post.has_rested]
        if not rested:
            return None
        last = rested[-1]
        is_time_known = last.leg.rested_from is not None
        return Rest(
            posts=len(rested),
            maker_price=last.price,
            maker_from=last.leg.rested_from,
            maker_until=last.leg.rested_until if is_time_known else None,
            went_through=any(post.was_gone_through for post in rested),
        )

    def _post_ends(self) -> list[float]:
        """Return when each post ends, in monotonic seconds; the last is the end of the wait."""
        begin, full_wait_seconds = self._clock.monotonic_seconds(), self._routing.patience.maker_wait_seconds
        post_seconds = full_wait_seconds / min(self._gate.maker_posts, MOST_TRIES)
        wait_seconds = self._gate.patience * full_wait_seconds
        count = ceil(wait_seconds / post_seconds - _SHORTEST_POST) if post_seconds else 1
        return [*(begin + number * post_seconds for number in range(1, count)), begin + wait_seconds]

    def _may_retry(self) -> bool:
        return self._legs.post_only_rejects < self._routing.post_only_tries and not self._is_over()

    def _is_over(self) -> bool:
        return self._clock.monotonic_seconds() >= self._ends[-1]

    def _post(self, number: int, quote: Quote, meanwhile: Callable[[], None]) -> Quote | None:
        """Post what remains; return the quote at which to post it anew, None if it is not to be."""
        order, price = self._order, maker_price(self._order.side, quote, self._gate.maker_offset_bps)
        on_tick = self._rules.on_tick(order.side, price)
        price = price if on_tick is None else on_tick
        leg = self._legs.add(f"m{number}")
        post = _Post(leg=leg, price=on_tick)
        self._posts.append(post)
        send = partial(
            self._venue.place_post_only, order.symbol, order.side, self.remaining, price, leg.client_order_id
        )
        begin = self._clock.monotonic_seconds()
        with leg.sent(send):
            placing_seconds = self._clock.monotonic_seconds() - begin
            meanwhile()
            ends = [end + placing_seconds for end in (self._ends if number < MOST_TRIES else self._ends[-1:])]
            return self._rest_until_moved(post, price, ends)

    def _rest_until_moved(self, post: _Post, price: Decimal, ends: Sequence[float]) -> Quote | None:
        """Wait for the end of the post or of the wait; return the quote at which to post anew, None without one."""
        while True:
            now = self._clock.monotonic_seconds()
            end = next((end for end in ends if end > now), ends[-1])
            post.leg.wait(end - now)
            if post.leg.is_over:
                return None
            quote = self._quote_once()
            if quote is not None:
                self._look_through(post, quote)
            if end == ends[-1]:
                return None
            if quote is not None and self._is_to_move(post.leg, price, quote):
                return quote

    def _quote_once(self) -> Quote | None:
        with suppress(Exception):
            return self._venue.quote(self._order.symbol)
        return None

    def _look_through(self, post: _Post, quote: Quote) -> None:
        if post.price is not None and post.leg.state is not None:
            is_buy = self._order.side is Side.BUY
            post.was_gone_through |= quote.ask < post.price if is_buy else quote.bid > post.price

    def _is_to_move(self, leg: Leg, price: Decimal, quote: Quote) -> bool:
        fresh = maker_price(self._order.side, quote, self._gate.maker_offset_bps)
        fresh = self._rules.on_tick(self._order.side, fresh) or fresh
        return leg.state is not None and fresh != price and self._rules.may_accept(self.remaining, fresh)


def maker_price(side: Side, quote: Quote, offset_bps: float | None) -> Decimal:
    """Return the maker price: the policy's offset from the mid, or the best price of the order's own side."""
    if offset_bps is None:
        return quote.bid if side is Side.BUY else quote.ask
    sign = -1 if side is Side.BUY else 1
    return quote.mid * (1 + sign * Decimal(str(offset_bps)) / _BPS)


def _do_nothing() -> None:
    pass
