"""One order on its way: which legs are sent for it, one after the other, and the outcome that they add up to."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from math import inf

from router_policy_client.clock import Clock
from router_policy_client.gate import Gate
from router_policy_client.leg import Ending, Leg
from router_policy_client.legs import ALL_KINDS, Legs
from router_policy_client.market_rules import MarketRules
from router_policy_client.order import Order, Outcome, UnfilledReason
from router_policy_client.posting import Posting, maker_price
from router_policy_client.routing import MOST_TRIES, Routing
from router_policy_client.venue import Quote, Venue

_REASONS = {
    Ending.DONE: UnfilledReason.NO_LIQUIDITY,
    Ending.RETRYABLE: UnfilledReason.NO_LIQUIDITY,
    Ending.REFUSED: UnfilledReason.REFUSED,
    Ending.ABSENT: UnfilledReason.NOT_PLACED,
}


class Route:
    """One order being routed: the legs sent so far, and the remaining quantity."""

    def __init__(
        self,
        order: Order,
        venue: Venue,
        decide: Callable[..., Gate],
        routing: Routing,
        clock: Clock,
        *,
        resume_from: datetime | None,
    ) -> None:
        self.reason: UnfilledReason | None = None  # if it is not how the last leg ended
        self._order = order
        self._venue = venue
        self._decide = decide
        self._gate = self._decide()
        self._routing = routing
        self._clock = clock
        self._decided_at = clock.now()
        self._decided_seconds = clock.monotonic_seconds()
        self._mid: Decimal | None = None
        self._half_spread_bps: float | None = None
        self._posting: Posting | None = None
        self._legs = Legs(order, venue, clock, routing.patience)
        self._is_resumed = resume_from is not None
        if resume_from is not None:
            self._remembered_until = self._decided_seconds + _seconds_remembered(
                resume_from, self._decided_at, routing.patience.remembered_seconds
            )

    def run(self) -> None:
        """Send legs until nothing remains, no attempt is left, or the end of a leg is uncertain."""
        if self._is_resumed:
            self._resume()
        if self._is_resumed:
            self._cross_the_rest()
            return
        quote = self._quote()
        if quote is None:
            self.reason = UnfilledReason.NO_QUOTE
            return
        self._mid, self._half_spread_bps = quote.mid, quote.half_spread_bps
        quantity_to_rest = self._quantity_to_rest(quote)
        if self._gate.maker_first:
            self._post(quote, quantity_to_rest)
        self._cross_the_rest()

    @property
    def _remaining(self) -> Decimal:
        return self._order.quantity - self._legs.filled()

    def _quote(self) -> Quote | None:
        for number in range(self._routing.quote_tries):
            if number:
                self._clock.sleep(self._routing.patience.poll_seconds)
            with suppress(Exception):
                return self._venue.quote(self._order.symbol)
        return None

    def _resume(self) -> None:
        """End the legs that an earlier process may have sent, and keep those that it did send.

        All are created at once, so that they share the time until an order counts as absent, and all are fetched before
        the first wait, so that none stays open meanwhile.
        """
        legs = [self._legs.add(f"{kind}{number}") for kind in ALL_KINDS for number in range(1, MOST_TRIES + 1)]
        until = self._clock.monotonic_seconds() + self._routing.patience.confirm_seconds
        for leg in legs:
            if self._clock.monotonic_seconds() < until:
                leg.find_existing(self._remembered_until)
        for leg in legs:
            if self._clock.monotonic_seconds() < until:
                leg.settle()
        self._legs.drop_absent()
        self._is_resumed = bool(self._legs)

    def _quantity_to_rest(self, quote: Quote) -> Decimal:
        """Return how much of the order is to rest if it goes out as maker: all of it, or a sliver as a probe."""
        order = self._order
        gate = self._decide(can_split=True)
        price = min(quote.bid, maker_price(order.side, quote, gate.maker_offset_bps))
        sliver = MarketRules(self._venue, order.symbol).sliver(order.quantity, gate.maker_share, price)
        if sliver:
            self._gate = gate
        return sliver or order.quantity

    def _post(self, quote: Quote, quantity: Decimal) -> None:
        """Let a quantity rest; if that is a sliver, cross the rest beside it.

        The parts add up to the order, so each may be sent whatever becomes of the other. The rest is sent first and not
        waited for; if the venue does not acknowledge it, the sliver is not sent.
        """
        self._posting = Posting(self._order, quantity, self._venue, self._legs, self._gate, self._routing, self._clock)
        rest = self._order.quantity - quantity
        if not rest:
            self._posting.run(quote, self._quote, _do_nothing)
            return
        taker = self._legs.add("t1")
        with taker.sent(self._crossing(taker, rest)):
            if taker.is_acknowledged:
                self._posting.run(quote, self._quote, partial(self._finish_crossing, taker, rest))
            else:
                taker.wait(self._routing.patience.taker_wait_seconds)

    def _finish_crossing(self, taker: Leg, quantity: Decimal) -> None:
        taker.wait(self._routing.patience.taker_wait_seconds)
        taker.settle()
        self._cross("t", quantity, "t")

    def _cross_the_rest(self) -> None:
        is_fallback = self._legs.is_maker_started and not self._has_rested_whole()
        self._cross("f" if is_fallback else "t", self._order.quantity, ALL_KINDS)

    def _cross(self, kind: str, quantity: Decimal, counted_kinds: str) -> None:
        """Cross what the legs of some kinds have left of a quantity, while it is certain how much that is.

        The legs sent are of one kind, up to the allowed attempts.
        """
        for name in (f"{kind}{number}" for number in range(1, self._routing.taker_tries + 1)):
            if name in self._legs:
                continue
            remaining = quantity - self._legs.filled(counted_kinds)
            if remaining <= 0 or not self._legs.is_certain(counted_kinds) or self._legs.is_crossing_refused:
                return
            leg = self._legs.add(name)
            with leg.sent(self._crossing(leg, remaining)):
                leg.wait(self._routing.patience.taker_wait_seconds)

    def _crossing(self, leg: Leg, quantity: Decimal) -> Callable[[], None]:
        order = self._order
        return partial(self._venue.place_market, order.symbol, order.side, quantity, leg.client_order_id)

    def outcome(self) -> Outcome:
        """Return the outcome as known now."""
        legs, posting = self._legs, self._posting
        return Outcome(
            order=self._order,
            gate=self._gate,
            decided_at=self._decided_at,
            done_at=self._clock.now(),
            duration_seconds=self._clock.monotonic_seconds() - self._decided_seconds,
            mid=self._mid,
            arrival_quote_bps=self._half_spread_bps,
            is_resumed=self._is_resumed,
            maker_started=legs.is_maker_started,
            maker_filled=self._is_maker_filled(),
            fallback_used=legs.is_fallback_used,
            post_only_rejects=legs.post_only_rejects,
            maker_share=self._maker_share(),
            rest=None if posting is None else posting.rest(),
            filled=legs.filled(),
            unfilled=self._remaining,
            unfilled_reason=self._unfilled_reason(),
            average_price=legs.average_price(),
            fees=legs.fees(),
            client_order_ids=legs.client_order_ids(),
            unresolved_ids=legs.unresolved_ids(),
        )

    def _maker_share(self) -> float | None:
        if self._posting is None or self._posting.quantity == self._order.quantity or not self._legs.is_maker_started:
            return None
        return float(self._posting.quantity / self._order.quantity)

    def _is_maker_filled(self) -> bool | None:
        """Return whether maker legs filled all that was to rest, by liquidity flags; None if that is unknown."""
        if not self._legs.is_certain("m"):
            return None
        return self._legs.is_maker_by_flags() if self._has_rested_whole() else False

    def _has_rested_whole(self) -> bool:
        """Return whether maker legs filled all that was to rest.

        If an earlier process sent them, that is the whole order, or beside a taker leg a sliver of an unknown quantity:
        each of its posts is for all that is left of it, so it is filled if one of them is.
        """
        if self._posting is not None:
            return self._posting.remaining == 0
        if self._legs.of("m") and self._legs.of("t"):
            return self._legs.has_filled_whole_maker_leg()
        return self._legs.filled("m") == self._order.quantity

    def _unfilled_reason(self) -> UnfilledReason | None:
        if not self._legs.is_certain():
            return UnfilledReason.UNCONFIRMED
        if self._remaining <= 0:
            return UnfilledReason.OVERFILLED if self._remaining else None
        crossings = self._legs.of("ft")
        return self.reason or (_REASONS[crossings[-1].ending] if crossings else UnfilledReason.NO_LIQUIDITY)


def _seconds_remembered(begun_at: datetime, now: datetime, seconds: float) -> float:
    """Return how many more seconds the venue remembers an order sent then; minus infinity for a time in the future."""
    if begun_at.tzinfo is None:
        raise ValueError(f"resume_from {begun_at!r} has no time zone; give an aware time")
    age_seconds = (now - begun_at).total_seconds()
    return seconds - age_seconds if age_seconds >= 0 else -inf


def _do_nothing() -> None:
    pass
