"""One order on its way: which legs are sent for it, one after the other, and the outcome that they add up to."""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from math import inf

from router_policy_client.clock import Clock
from router_policy_client.gate import Gate
from router_policy_client.leg import Ending
from router_policy_client.legs import Legs
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.routing import MOST_TRIES, Routing
from router_policy_client.venue import Quote, Venue

_BPS = Decimal(10_000)
_REASONS = {
    Ending.DONE: UnfilledReason.NO_LIQUIDITY,
    Ending.RETRYABLE: UnfilledReason.NO_LIQUIDITY,
    Ending.REFUSED: UnfilledReason.REFUSED,
    Ending.ABSENT: UnfilledReason.NOT_PLACED,
    Ending.UNKNOWN: UnfilledReason.UNCONFIRMED,
}


class Route:
    """One order being routed: the legs sent so far, and the remaining quantity."""

    def __init__(
        self,
        order: Order,
        venue: Venue,
        gate: Gate,
        routing: Routing,
        clock: Clock,
        resume_from: datetime | None,
    ) -> None:
        self.reason: UnfilledReason | None = None
        self._order = order
        self._venue = venue
        self._gate = gate
        self._routing = routing
        self._clock = clock
        self._decided_at = clock.now()
        self._decided_seconds = clock.monotonic_seconds()
        self._mid: Decimal | None = None
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
            self._run_taker_legs()
            return
        quote = self._quote()
        if quote is None:
            self.reason = UnfilledReason.NO_QUOTE
            return
        self._mid = quote.mid
        if self._gate.maker_first:
            self._run_maker_legs(quote)
        self._run_taker_legs()

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
        legs = [self._legs.add(f"{kind}{number}") for kind in "mft" for number in range(1, MOST_TRIES + 1)]
        until = self._clock.monotonic_seconds() + self._routing.patience.confirm_seconds
        for leg in legs:
            if self._clock.monotonic_seconds() < until:
                leg.find_existing(self._remembered_until)
        for leg in legs:
            if self._clock.monotonic_seconds() < until:
                leg.settle_existing()
        self._legs.drop_absent()
        self._is_resumed = bool(self._legs)

    def _run_maker_legs(self, quote: Quote | None) -> None:
        """Post at the maker price; after a post-only reject post again at a fresh price, all within one wait."""
        order, patience = self._order, self._routing.patience
        until = self._clock.monotonic_seconds() + self._gate.patience * patience.maker_wait_seconds
        for number in range(1, self._routing.post_only_tries + 1):
            quote = self._quote() if number > 1 else quote
            if quote is None:
                return
            price = _maker_price(order.side, quote, self._gate.maker_offset_bps)
            leg = self._legs.add(f"m{number}")
            send = partial(
                self._venue.place_post_only, order.symbol, order.side, order.quantity, price, leg.client_order_id
            )
            leg.run(send, until - self._clock.monotonic_seconds())
            if leg.ending is not Ending.RETRYABLE:
                return

    def _run_taker_legs(self) -> None:
        """Cross the rest, up to the allowed attempts, while it is certain how much remains."""
        order, kind = self._order, "f" if self._legs.is_maker_started else "t"
        self.reason = UnfilledReason.NO_LIQUIDITY
        for name in (f"{kind}{number}" for number in range(1, self._routing.taker_tries + 1)):
            if name in self._legs:
                continue
            if self._remaining <= 0 or not self._legs.is_certain() or self._legs.is_crossing_refused:
                return
            leg = self._legs.add(name)
            send = partial(self._venue.place_market, order.symbol, order.side, self._remaining, leg.client_order_id)
            leg.run(send, self._routing.patience.taker_wait_seconds)
            self.reason = _REASONS[leg.ending]

    def outcome(self) -> Outcome:
        """Return the outcome as known now."""
        legs = self._legs
        return Outcome(
            order=self._order,
            gate=self._gate,
            decided_at=self._decided_at,
            done_at=self._clock.now(),
            duration_seconds=self._clock.monotonic_seconds() - self._decided_seconds,
            mid=self._mid,
            is_resumed=self._is_resumed,
            maker_started=legs.is_maker_started,
            maker_filled=self._is_maker_filled(),
            fallback_used=legs.is_fallback_used,
            post_only_rejects=legs.post_only_rejects,
            filled=legs.filled(),
            unfilled=self._remaining,
            unfilled_reason=self._unfilled_reason(),
            average_price=legs.average_price(),
            fees=legs.fees(),
            client_order_ids=legs.client_order_ids(),
            unresolved_ids=legs.unresolved_ids(),
        )

    def _is_maker_filled(self) -> bool | None:
        """Return whether maker legs filled all of it, by liquidity flags; None if a flag or an ending is unknown."""
        if not self._legs.is_certain("m"):
            return None
        if self._legs.filled("m") != self._order.quantity:
            return False
        return self._legs.is_maker_by_flags()

    def _unfilled_reason(self) -> UnfilledReason | None:
        if not self._legs.is_certain():
            return UnfilledReason.UNCONFIRMED
        if self._remaining < 0:
            return UnfilledReason.OVERFILLED
        return self.reason if self._remaining else None


def _seconds_remembered(begun_at: datetime, now: datetime, seconds: float) -> float:
    """Return how many more seconds the venue remembers an order sent then; minus infinity for a time in the future."""
    if begun_at.tzinfo is None:
        raise ValueError(f"resume_from {begun_at!r} has no time zone; give an aware time")
    age_seconds = (now - begun_at).total_seconds()
    return seconds - age_seconds if age_seconds >= 0 else -inf


def _maker_price(side: Side, quote: Quote, offset_bps: float | None) -> Decimal:
    """Return the maker price: the policy's offset from the mid, or the best price of the order's own side."""
    if offset_bps is None:
        return quote.bid if side is Side.BUY else quote.ask
    sign = -1 if side is Side.BUY else 1
    return quote.mid * (1 + sign * Decimal(str(offset_bps)) / _BPS)
