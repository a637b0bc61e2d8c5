"""One request at a venue: placed at most once, then watched until it has certainly ended."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from math import inf

from router_policy_client.clock import Clock
from router_policy_client.venue import OrderRejectedError, OrderState, OrderStatus, PostOnlyRejectedError, Venue

_log = logging.getLogger("router_policy_client")

_NOTHING = Decimal(0)
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a router waits for what; all in seconds. Raises ValueError where they do not fit together.

    `maker_wait_seconds` is the full wait at the maker price, of which a policy grants a part; `taker_wait_seconds` how
    long a market order may take to end. `poll_seconds` lies between two looks at an order. A request that was not
    answered and is not found `absence_seconds` after it was sent will never arrive: set it above the time for which
    the venue takes a request (OKX 30 seconds, Binance 10 by ccxt's `recvWindow`) and the difference of the two clocks.
    After `confirm_seconds` of asking how an order ended without an answer, the router gives up and says so.
    `remembered_seconds` is for how long the venue finds an order that has ended.
    """

    maker_wait_seconds: float = 4.0
    taker_wait_seconds: float = 5.0
    poll_seconds: float = 0.25
    absence_seconds: float = 35.0
    confirm_seconds: float = 60.0
    remembered_seconds: float = 600.0

    def __post_init__(self) -> None:
        if min(self.maker_wait_seconds, self.taker_wait_seconds) < 0:
            raise ValueError(f"{self}: maker_wait_seconds and taker_wait_seconds are at least 0")
        if min(self.poll_seconds, self.absence_seconds, self.remembered_seconds) <= 0:
            raise ValueError(f"{self}: poll_seconds, absence_seconds and remembered_seconds are above 0")
        if self.confirm_seconds <= self.absence_seconds:
            raise ValueError(
                f"confirm_seconds {self.confirm_seconds} must be above absence_seconds {self.absence_seconds}: "
                "an order that never arrived is known to be absent only after the latter"
            )


class Ending(StrEnum):
    """How a leg ended."""

    DONE = "done"  # filled, or cancelled
    TURNED_AWAY = "turned_away"  # unfilled, without having been cancelled by us: it would have crossed, or met nobody
    REFUSED = "refused"  # for good
    ABSENT = "absent"  # it never arrived
    UNKNOWN = "unknown"  # the venue does not say


def client_order_id_of(order_id: str, leg: str) -> str:
    """Derive the id that the venue sees: the same for the same order and leg, 24 letters and digits at most.

    No venue's rules for such ids are stricter than that, while an order's own id may be any text.
    """
    return f"rp{sha256(order_id.encode('utf-8', 'surrogatepass')).hexdigest()[:18]}{leg}"


class Leg:
    """A request on its way, of this process or of one before it that used the same id.

    `state` is what the venue last said, None where it has said nothing.
    """

    def __init__(self, venue: Venue, symbol: str, client_order_id: str, clock: Clock, patience: Patience) -> None:
        self.client_order_id = client_order_id
        self.state: OrderState | None = None
        self.ending = Ending.UNKNOWN
        self._venue = venue
        self._symbol = symbol
        self._clock = clock
        self._patience = patience
        self._sent_seconds = clock.monotonic_seconds()
        self._is_over = False
        self._remembered_until = inf
        self._was_placed = False
        self._is_acknowledged = False
        self._was_cancelled = False

    @property
    def filled(self) -> Decimal:
        """What is known to have been filled."""
        return _NOTHING if self.state is None else self.state.filled

    @property
    def is_known(self) -> bool:
        """Whether it was sent, by this process or, as the venue says, by another."""
        return self._was_placed or self.state is not None

    def run(self, place: Callable[[], None], wait_seconds: float) -> None:
        """Place it, wait for its end, cancel it where it has not come; on return `ending` says what is certain.

        An interruption still ends the leg before it is raised on.
        """
        self._sent_seconds = self._clock.monotonic_seconds()
        try:
            self._place(place)
            self._wait(wait_seconds)
        finally:
            self._settle_for_sure(self._clock.monotonic_seconds())

    def find(self, remembered_until: float) -> None:
        """Look for what a process before this one may have placed under the same id, and cancel it where it is open.

        From `remembered_until` on (monotonic seconds) the venue may have forgotten an order that has ended: one that is
        not found then stays UNKNOWN.
        """
        self._remembered_until = remembered_until
        try:
            self._look()
            if self.state is not None and not self._is_over:
                self._cancel()
        except BaseException:
            self._settle_for_sure(self._sent_seconds)
            raise

    def take_up(self) -> None:
        """Wait until it is certain how what `find` looked for has ended, ABSENT where it has certainly not been placed.

        The time to find that out began when the leg was made, so that many legs have it in common.
        """
        self._settle_for_sure(self._sent_seconds)

    def _settle_for_sure(self, from_seconds: float) -> None:
        """Settle; an interruption while that is under way is raised when it is done, only the second ends it."""
        until = from_seconds + self._patience.confirm_seconds
        try:
            self._settle(until)
        except BaseException:
            self._settle(until)
            raise

    def _place(self, place: Callable[[], None]) -> None:
        self._was_placed = True
        try:
            place()
        except PostOnlyRejectedError:
            self._end(Ending.TURNED_AWAY)
        except OrderRejectedError as error:
            _log.warning("order %s: the venue refused it: %s", self.client_order_id, error)
            self._end(Ending.REFUSED)
        except Exception:  # noqa: BLE001 - any other failure leaves open whether the order is there
            self._sent_seconds = self._clock.monotonic_seconds()
        except BaseException:
            self._sent_seconds = self._clock.monotonic_seconds()
            raise
        else:
            self._is_acknowledged = True

    def _wait(self, seconds: float) -> None:
        until = self._clock.monotonic_seconds() + seconds
        while not self._is_over:
            self._look()
            left = until - self._clock.monotonic_seconds()
            if self._is_over or left <= 0:
                return
            self._clock.sleep(min(self._patience.poll_seconds, left))

    def _settle(self, until: float) -> None:
        """Cancel and look until the venue says how it ended, or it is certain that it never arrived."""
        pause = min(self._patience.poll_seconds, _LONGEST_PAUSE_SECONDS)
        while not self._is_over:
            self._cancel()
            self._look()
            left = until - self._clock.monotonic_seconds()
            if self._is_over or left <= 0:
                return
            self._clock.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _cancel(self) -> None:
        self._was_cancelled = True
        try:
            self._venue.cancel_order(self._symbol, self.client_order_id)
        except Exception:  # noqa: BLE001 - what came of it is told by the look that follows
            _log.debug("order %s: cancelling it failed", self.client_order_id, exc_info=True)

    def _look(self) -> None:
        asked_seconds = self._clock.monotonic_seconds()
        try:
            state = self._venue.fetch_order(self._symbol, self.client_order_id)
        except Exception:  # noqa: BLE001 - no answer; the next look asks again
            _log.debug("order %s: looking at it failed", self.client_order_id, exc_info=True)
            return
        if state is not None:
            self._take_in(state)
        elif self._has_never_arrived(asked_seconds):
            self._end(Ending.ABSENT)

    def _has_never_arrived(self, asked_seconds: float) -> bool:
        is_late = asked_seconds - self._sent_seconds >= self._patience.absence_seconds
        is_remembered = asked_seconds <= self._remembered_until
        return is_late and is_remembered and not self._is_acknowledged and self.state is None

    def _take_in(self, state: OrderState) -> None:
        """Believe what the venue says, but for an answer that is older than what it has said before."""
        if state.filled >= self.filled:
            self.state = state
        if not state.has_ended or state.filled < self.filled:
            return
        was_wanted = self._was_cancelled or state.filled > 0 or state.status is OrderStatus.FILLED
        self._end(Ending.DONE if was_wanted else Ending.TURNED_AWAY)

    def _end(self, ending: Ending) -> None:
        self._is_over = True
        self.ending = ending
