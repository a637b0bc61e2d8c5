"""The maker-first router: post-only at the policy's offset for the wait of its taker bias; the rest crosses."""

import logging
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from math import inf

from router_policy_client.clock import Clock, SystemClock
from router_policy_client.gate import Gate, decide
from router_policy_client.leg import Ending, Leg, client_order_id_of
from router_policy_client.order import EXACT, Order, Outcome, Side, UnfilledReason
from router_policy_client.routing import MOST_TRIES, OutcomeLog, PolicySource, Routing
from router_policy_client.venue import OrderState, Quote, Venue

_log = logging.getLogger("router_policy_client")
_BPS = Decimal(10_000)
_NOTHING = Decimal(0)
_REASONS = {
    Ending.DONE: UnfilledReason.NO_LIQUIDITY,
    Ending.RETRYABLE: UnfilledReason.NO_LIQUIDITY,
    Ending.REFUSED: UnfilledReason.REFUSED,
    Ending.ABSENT: UnfilledReason.NOT_PLACED,
    Ending.UNKNOWN: UnfilledReason.UNCONFIRMED,
}


DEFAULT_ROUTING = Routing()
_SYSTEM_CLOCK = SystemClock()


def route_order(
    order: Order,
    venue: Venue,
    reader: PolicySource,
    log: OutcomeLog,
    *,
    maker_first: bool = True,
    routing: Routing = DEFAULT_ROUTING,
    clock: Clock = _SYSTEM_CLOCK,
    resume_from: datetime | None = None,
) -> Outcome:
    """Carry out one order, append its outcome to `log` once, and return it.

    `maker_first` is the bot's own choice; the policy can only turn it off. Never trades more than the order's quantity,
    whatever the venue answers: while the end of one request is uncertain, the next is not sent, and the outcome is
    UNCONFIRMED. Exceptions of the venue and the log are not raised. An interruption (KeyboardInterrupt, SystemExit) is
    raised after the open order has been cancelled and the outcome appended.

    With `resume_from` a process that died may have routed the order, at that time at the earliest: its open orders are
    cancelled, its fills count, and only the rest is sent, across the spread. This takes `absence_seconds` longer. If
    `resume_from` is longer ago than the venue remembers orders (`remembered_seconds`), nothing is sent and the outcome
    is UNCONFIRMED. Raises ValueError if it has no time zone.
    """
    gate = decide(reader.get(order.symbol), maker_first=maker_first, order_id=order.order_id)
    route = _Route(order, venue, gate, routing, clock, resume_from)
    with localcontext(EXACT):
        try:
            route.run()
        except Exception:  # noqa: BLE001 - the bot gets an outcome, whatever happens
            _log.exception("order %s: the router failed; open orders have been cancelled", order.order_id)
            route.reason = UnfilledReason.FAILED
        except BaseException:
            route.reason = UnfilledReason.INTERRUPTED
            raise
        finally:
            outcome = _append_despite_interruption(route, log)
    return outcome


def _append_despite_interruption(route: "_Route", log: OutcomeLog) -> Outcome:
    """Append the outcome and return it; a first interruption is raised after that, only a second one ends it.

    After an interruption the line may be in the log twice; the batch job counts one.
    """
    try:
        return _append_outcome(route, log)
    except BaseException:
        _append_outcome(route, log)
        raise


def _append_outcome(route: "_Route", log: OutcomeLog) -> Outcome:
    outcome = route.outcome()
    if outcome.unfilled < 0:
        _log.error("order %s: the venue filled %s more than the order", outcome.order.order_id, -outcome.unfilled)
    _append(log, outcome)
    return outcome


def _append(log: OutcomeLog, outcome: Outcome) -> None:
    try:
        log.append(outcome)
    except Exception:  # noqa: BLE001 - no failure to log may stop an order
        _log.exception("order %s: its outcome could not be logged: %s", outcome.order.order_id, outcome)


class _Route:
    """One order being routed: the legs sent so far, and the remaining quantity.

    A leg's name is its kind and number: `m` for a maker attempt, `f` for its fallback, `t` for straight to taker. So a
    process that resumes the order knows from the ids at the venue what the earlier one did.
    """

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
        self._legs: dict[str, Leg] = {}
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
    def _maker_legs(self) -> list[Leg]:
        return [leg for name, leg in self._legs.items() if name.startswith("m")]

    @property
    def _is_maker_started(self) -> bool:
        return any(name[0] in "mf" and leg.is_known for name, leg in self._legs.items())

    @property
    def _filled(self) -> Decimal:
        return sum((leg.filled for leg in self._legs.values()), _NOTHING)

    @property
    def _remaining(self) -> Decimal:
        return self._order.quantity - self._filled

    @property
    def _is_certain(self) -> bool:
        return all(leg.ending is not Ending.UNKNOWN for leg in self._legs.values())

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
        for name in (f"{letter}{number}" for letter in "mft" for number in range(1, MOST_TRIES + 1)):
            self._leg(name)
        until = self._clock.monotonic_seconds() + self._routing.patience.confirm_seconds
        for leg in self._legs.values():
            if self._clock.monotonic_seconds() < until:
                leg.find_existing(self._remembered_until)
        for name, leg in list(self._legs.items()):
            if self._clock.monotonic_seconds() < until:
                leg.settle_existing()
            if leg.ending is Ending.ABSENT:
                del self._legs[name]
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
            leg = self._leg(f"m{number}")
            send = partial(
                self._venue.place_post_only, order.symbol, order.side, order.quantity, price, leg.client_order_id
            )
            leg.run(send, until - self._clock.monotonic_seconds())
            if leg.ending is not Ending.RETRYABLE:
                return

    def _run_taker_legs(self) -> None:
        """Cross the rest, up to the allowed attempts, while it is certain how much remains."""
        order, letter = self._order, "f" if self._is_maker_started else "t"
        self.reason = UnfilledReason.NO_LIQUIDITY
        for name in (f"{letter}{number}" for number in range(1, self._routing.taker_tries + 1)):
            if name in self._legs:
                continue
            if self._remaining <= 0 or not self._is_certain or self.reason is UnfilledReason.REFUSED:
                return
            leg = self._leg(name)
            send = partial(self._venue.place_market, order.symbol, order.side, self._remaining, leg.client_order_id)
            leg.run(send, self._routing.patience.taker_wait_seconds)
            self.reason = _REASONS[leg.ending]

    def _leg(self, name: str) -> Leg:
        client_order_id = client_order_id_of(self._order.order_id, name)
        patience = self._routing.patience
        leg = self._legs[name] = Leg(self._venue, self._order.symbol, client_order_id, self._clock, patience)
        return leg

    def outcome(self) -> Outcome:
        """Return the outcome as known now."""
        fallbacks = [leg for name, leg in self._legs.items() if name.startswith("f")]
        return Outcome(
            order=self._order,
            gate=self._gate,
            decided_at=self._decided_at,
            done_at=self._clock.now(),
            duration_seconds=self._clock.monotonic_seconds() - self._decided_seconds,
            mid=self._mid,
            is_resumed=self._is_resumed,
            maker_started=self._is_maker_started,
            maker_filled=self._is_maker_filled(),
            fallback_used=any(leg.is_known and leg.ending not in (Ending.REFUSED, Ending.ABSENT) for leg in fallbacks),
            post_only_rejects=sum(leg.ending is Ending.RETRYABLE for leg in self._maker_legs),
            filled=self._filled,
            unfilled=self._remaining,
            unfilled_reason=self._unfilled_reason(),
            average_price=self._average_price(),
            fees=self._fees(),
            client_order_ids=tuple(leg.client_order_id for leg in self._legs.values()),
            unresolved_ids=tuple(leg.client_order_id for leg in self._legs.values() if leg.ending is Ending.UNKNOWN),
        )

    def _is_maker_filled(self) -> bool | None:
        """Return whether maker legs filled all of it, by liquidity flags; None if a flag or an ending is unknown."""
        maker_legs = self._maker_legs
        if any(leg.ending is Ending.UNKNOWN for leg in maker_legs):
            return None
        rested = [leg.state for leg in maker_legs if leg.state is not None and leg.filled]
        if not rested or sum((state.filled for state in rested), _NOTHING) != self._order.quantity:
            return False
        flags = {state.is_maker for state in rested}
        return False if False in flags else None if None in flags else True

    def _unfilled_reason(self) -> UnfilledReason | None:
        if not self._is_certain:
            return UnfilledReason.UNCONFIRMED
        if self._remaining < 0:
            return UnfilledReason.OVERFILLED
        return self.reason if self._remaining else None

    def _average_price(self) -> Decimal | None:
        states = self._states_with_fills()
        paid = [state.average_price * state.filled for state in states if state.average_price is not None]
        return sum(paid, _NOTHING) / self._filled if states and len(paid) == len(states) else None

    def _fees(self) -> Decimal | None:
        states = self._states_with_fills()
        fees = [state.fees for state in states if state.fees is not None]
        return sum(fees, _NOTHING) if states and len(fees) == len(states) else None

    def _states_with_fills(self) -> list[OrderState]:
        return [leg.state for leg in self._legs.values() if leg.state is not None and leg.filled]


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
