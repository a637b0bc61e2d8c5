"""The maker-first router: post-only at the policy's offset, for as long as its bias says; the rest crosses."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from functools import partial
from typing import Protocol

from router_policy_client.clock import Clock, SystemClock
from router_policy_client.gate import Gate, decide
from router_policy_client.leg import Ending, Leg, Patience, client_order_id_of
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.policy import Reading
from router_policy_client.venue import OrderState, Quote, Venue

_log = logging.getLogger("router_policy_client")
_BPS = Decimal(10_000)
_NOTHING = Decimal(0)
# Quantities are added and subtracted exactly, whatever digits the bot's own context keeps.
_EXACT = Context(prec=60)
_MOST_TRIES = 9
_REASONS = {
    Ending.DONE: UnfilledReason.NO_LIQUIDITY,
    Ending.TURNED_AWAY: UnfilledReason.NO_LIQUIDITY,
    Ending.REFUSED: UnfilledReason.REFUSED,
    Ending.ABSENT: UnfilledReason.NOT_PLACED,
    Ending.UNKNOWN: UnfilledReason.UNCONFIRMED,
}


class PolicySource(Protocol):
    """What knows the policies; a PolicyReader is one."""

    def get(self, symbol: str) -> Reading:
        """Return what to act on now; never raises."""
        ...


class OutcomeLog(Protocol):
    """What keeps the outcomes; an OrderLog is one."""

    def append(self, outcome: Outcome) -> None:
        """Keep one outcome. What it raises is said in the log of the process and stops no order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How orders are routed: how long for what, and how often. Raises ValueError for a count below 1 or above 9.

    `post_only_tries` counts the maker attempts of one order, each at a fresh price after the venue has turned the one
    before away; `taker_tries` the market orders for what is left, `quote_tries` the looks for a price.
    """

    patience: Patience = field(default_factory=Patience)
    post_only_tries: int = 3
    taker_tries: int = 3
    quote_tries: int = 3

    def __post_init__(self) -> None:
        if min(self.post_only_tries, self.taker_tries, self.quote_tries) < 1:
            raise ValueError(f"{self}: every count of tries is at least 1")
        # A process that takes an order up again looks for every leg that one with other counts may have sent.
        if max(self.post_only_tries, self.taker_tries, self.quote_tries) > _MOST_TRIES:
            raise ValueError(f"{self}: every count of tries is at most {_MOST_TRIES}")


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
    resume: bool = False,
) -> Outcome:
    """Carry out one order and return what became of it, which is also appended to `log`, once.

    `maker_first` is the bot's own wish, which the policy can only turn down. Never more than the order's quantity is
    bought or sold, whatever the venue answers or fails to: without certainty about one request the next is not sent,
    and the outcome says UNCONFIRMED. What the venue or the log raises is not raised here. What interrupts the process
    (KeyboardInterrupt, SystemExit) is, after the open request has been cancelled and the outcome appended.

    With `resume` the order may have been routed before, by a process that died: what that one left open is cancelled,
    what it had filled counts, and only the rest is sent, across the spread. This takes `absence_seconds` longer.
    """
    gate = decide(reader.get(order.symbol), maker_first=maker_first, order_id=order.order_id)
    route = _Route(order, venue, gate, routing, clock)
    with localcontext(_EXACT):
        try:
            route.run(resume=resume)
        except Exception:  # noqa: BLE001 - the bot is given an outcome, whatever happens
            _log.exception("order %s: the router failed; what was open has been cancelled", order.order_id)
            route.reason = UnfilledReason.FAILED
        except BaseException:
            route.reason = UnfilledReason.INTERRUPTED
            raise
        finally:
            outcome = route.outcome()
            _append(log, outcome)
    return outcome


def _append(log: OutcomeLog, outcome: Outcome) -> None:
    try:
        log.append(outcome)
    except Exception:  # noqa: BLE001 - no failure to log may stop an order
        _log.exception("order %s: its outcome could not be logged: %s", outcome.order.order_id, outcome)


class _Route:
    """One order on its way: the legs that have been sent, and what is left."""

    def __init__(self, order: Order, venue: Venue, gate: Gate, routing: Routing, clock: Clock) -> None:
        self.reason: UnfilledReason | None = None
        self._order = order
        self._venue = venue
        self._gate = gate
        self._routing = routing
        self._clock = clock
        self._decided_at = clock.now()
        self._decided_seconds = clock.monotonic_seconds()
        self._mid: Decimal | None = None
        self._makers: dict[int, Leg] = {}
        self._takers: dict[int, Leg] = {}

    def run(self, *, resume: bool) -> None:
        """Send legs until nothing is left, nothing more can be done, or nothing more is certain."""
        if resume:
            self._take_up()
        quote = self._quote()
        self._mid = quote.mid if quote else None
        if self._legs:
            self._take()
        elif quote is None:
            self.reason = UnfilledReason.NO_QUOTE
        else:
            if self._gate.maker_first:
                self._make(quote)
            self._take()

    @property
    def _legs(self) -> tuple[Leg, ...]:
        return (*self._makers.values(), *self._takers.values())

    @property
    def _filled(self) -> Decimal:
        return sum((leg.filled for leg in self._legs), _NOTHING)

    @property
    def _left(self) -> Decimal:
        return self._order.quantity - self._filled

    @property
    def _is_certain(self) -> bool:
        return all(leg.ending is not Ending.UNKNOWN for leg in self._legs)

    def _quote(self) -> Quote | None:
        for number in range(self._routing.quote_tries):
            if number:
                self._clock.sleep(self._routing.patience.poll_seconds)
            with suppress(Exception):
                return self._venue.quote(self._order.symbol)
        return None

    def _take_up(self) -> None:
        """End the legs that a process before this one may have sent, and keep those that it has.

        All are waited for at once: the time after which one is known to be absent begins here for each.
        """
        for legs, letter in ((self._makers, "m"), (self._takers, "t")):
            legs |= {number: self._leg(f"{letter}{number}") for number in range(1, _MOST_TRIES + 1)}
        for legs in (self._makers, self._takers):
            for number, leg in list(legs.items()):
                leg.take_up()
                if leg.ending is Ending.ABSENT:
                    del legs[number]

    def _make(self, quote: Quote | None) -> None:
        """Rest at the maker price; where the venue turns that away, again at a fresh one, all within the same wait."""
        order, patience = self._order, self._routing.patience
        until = self._clock.monotonic_seconds() + self._gate.patience * patience.maker_wait_seconds
        for number in range(1, self._routing.post_only_tries + 1):
            quote = self._quote() if number > 1 else quote
            if quote is None:
                return
            price = _maker_price(order.side, quote, self._gate.maker_offset_bps)
            leg = self._makers[number] = self._leg(f"m{number}")
            place = partial(
                self._venue.place_post_only, order.symbol, order.side, order.quantity, price, leg.client_order_id
            )
            leg.run(place, until - self._clock.monotonic_seconds())
            if leg.ending is not Ending.TURNED_AWAY:
                return

    def _take(self) -> None:
        """Cross with what is left, as often as allowed, as long as it is certain what is left."""
        order = self._order
        self.reason = UnfilledReason.NO_LIQUIDITY
        for number in range(1, self._routing.taker_tries + 1):
            if number in self._takers:
                continue
            if self._left <= 0 or not self._is_certain or self.reason is UnfilledReason.REFUSED:
                return
            leg = self._takers[number] = self._leg(f"t{number}")
            place = partial(self._venue.place_market, order.symbol, order.side, self._left, leg.client_order_id)
            leg.run(place, self._routing.patience.taker_wait_seconds)
            self.reason = _REASONS[leg.ending]

    def _leg(self, name: str) -> Leg:
        identity = client_order_id_of(self._order.order_id, name)
        return Leg(self._venue, self._order.symbol, identity, self._clock, self._routing.patience)

    def outcome(self) -> Outcome:
        """Tell what is known now."""
        reached = [leg for leg in self._takers.values() if leg.ending not in (Ending.REFUSED, Ending.ABSENT)]
        return Outcome(
            order=self._order,
            gate=self._gate,
            decided_at=self._decided_at,
            done_at=self._clock.now(),
            duration_seconds=self._clock.monotonic_seconds() - self._decided_seconds,
            mid=self._mid,
            maker_started=bool(self._makers),
            maker_filled=self._is_maker_filled(),
            fallback_used=bool(self._makers and reached),
            post_only_rejects=sum(leg.ending is Ending.TURNED_AWAY for leg in self._makers.values()),
            filled=self._filled,
            unfilled=self._left,
            unfilled_reason=self._unfilled_reason(),
            average_price=self._average_price(),
            fees=self._fees(),
            client_order_ids=tuple(leg.client_order_id for leg in self._legs),
            unresolved_ids=tuple(leg.client_order_id for leg in self._legs if leg.ending is Ending.UNKNOWN),
        )

    def _is_maker_filled(self) -> bool | None:
        makers = self._makers.values()
        if any(leg.ending is Ending.UNKNOWN for leg in makers):
            return None
        rested = [leg.state for leg in makers if leg.state is not None and leg.filled]
        is_whole = sum((state.filled for state in rested), _NOTHING) == self._order.quantity
        return is_whole and all(state.is_maker is not False for state in rested)

    def _unfilled_reason(self) -> UnfilledReason | None:
        if not self._is_certain:
            return UnfilledReason.UNCONFIRMED
        return self.reason if self._left else None

    def _average_price(self) -> Decimal | None:
        states = self._states_with_fills()
        paid = [state.average_price * state.filled for state in states if state.average_price is not None]
        return sum(paid, _NOTHING) / self._filled if states and len(paid) == len(states) else None

    def _fees(self) -> Decimal | None:
        states = self._states_with_fills()
        fees = [state.fees for state in states if state.fees is not None]
        return sum(fees, _NOTHING) if states and len(fees) == len(states) else None

    def _states_with_fills(self) -> list[OrderState]:
        return [leg.state for leg in self._legs if leg.state is not None and leg.filled]


def _maker_price(side: Side, quote: Quote, offset_bps: float | None) -> Decimal:
    """Give the price to rest at: the policy's distance from the mid, else the best of the order's own side."""
    if offset_bps is None:
        return quote.bid if side is Side.BUY else quote.ask
    sign = -1 if side is Side.BUY else 1
    return quote.mid * (1 + sign * Decimal(str(offset_bps)) / _BPS)
