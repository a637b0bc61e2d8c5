"""One order at a venue: placed at most once, then polled until it has certainly ended."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
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
    """The waits of a router, in seconds. Raises ValueError if they contradict each other.

    `maker_wait_seconds` is the full wait at the maker price, of which a policy grants a fraction; `taker_wait_seconds`
    bounds a market order. `poll_seconds` is the interval between two polls of an order. A request without an answer
    that is not found `absence_seconds` after it was sent will never arrive: set it above the time for which the venue
    accepts a request (OKX 30 seconds, Binance 10 by ccxt's `recvWindow`) plus the difference of the two clocks. After
    `confirm_seconds` without an answer about how an order ended, the outcome is UNCONFIRMED. `remembered_seconds` is
    how long the venue finds an order that has ended.
    """

    maker_wait_seconds: float = 4.0
    taker_wait_seconds: float = 5.0
    poll_seconds: float = 0.25
    absence_seconds: float = 35.0
    confirm_seconds: float = 60.0
    remembered_seconds: float = 600.0

    def __post_init__(self) -> None:
        if min(self.maker_wait_seconds, self.taker_wait_seconds) < 0:
            raise ValueError(f"{self}: maker_wait_seconds and taker_wait_seconds must be at least 0")
        if min(self.poll_seconds, self.absence_seconds, self.remembered_seconds) <= 0:
            raise ValueError(f"{self}: poll_seconds, absence_seconds and remembered_seconds must be above 0")
        if self.confirm_seconds <= self.absence_seconds:
            raise ValueError(
                f"confirm_seconds {self.confirm_seconds} must be above absence_seconds {self.absence_seconds}: "
                "only after absence_seconds is an order that never arrived known to be absent"
            )


class Ending(StrEnum):
    """How a leg ended."""

    DONE = "done"  # filled, or cancelled
    RETRYABLE = "retryable"  # unfilled and not cancelled by us: it would have crossed, or found no other side
    REFUSED = "refused"  # by the venue, permanently
    ABSENT = "absent"  # it never arrived
    UNKNOWN = "unknown"  # the venue does not answer


def client_order_id_of(order_id: str, leg: str) -> str:
    """Return the id that the venue gets: the same for the same order and leg, at most 24 letters and digits.

    No venue has stricter rules for such ids, while an order's own id may be any text.
    """
    return f"rp{sha256(order_id.encode('utf-8', 'surrogatepass')).hexdigest()[:18]}{leg}"


class Leg:
    """One order at the venue, sent by this process or by an earlier one with the same id.

    `state` is the venue's last answer, None without one. `rested_from` is when the venue had certainly accepted it,
    `rested_until` when its cancellation was requested or its end was learnt; both are UTC, None before that. The former
    stays None if the venue showed the order only after the cancellation was requested.
    """

    def __init__(self, venue: Venue, symbol: str, client_order_id: str, clock: Clock, patience: Patience) -> None:
        self.client_order_id = client_order_id
        self.state: OrderState | None = None
        self.ending = Ending.UNKNOWN
        self.rested_from: datetime | None = None
        self.rested_until: datetime | None = None
        self.is_acknowledged = False
        self._venue = venue
        self._symbol = symbol
        self._clock = clock
        self._patience = patience
        self._sent_seconds = clock.monotonic_seconds()
        self._confirm_until = inf
        self._remembered_until = inf
        self._was_placed = False
        self._was_cancelled = False

    @property
    def filled(self) -> Decimal:
        """The quantity that the venue has confirmed as filled."""
        return _NOTHING if self.state is None else self.state.filled

    @property
    def is_known(self) -> bool:
        """Whether it was sent, by this process or, according to the venue, by another."""
        return self._was_placed or self.state is not None

    @property
    def is_over(self) -> bool:
        """Whether it is certain how it ended."""
        return self.ending is not Ending.UNKNOWN

    @contextmanager
    def sent(self, send: Callable[[], None]) -> Iterator[None]:
        """Place it, and at the end of the block cancel it if it has not ended; then `ending` is certain or UNKNOWN.

        An interruption, of the block too, is raised again after the leg has ended.
        """
        self._sent_seconds = self._clock.monotonic_seconds()
        try:
            self._place(send)
            yield
        finally:
            self.settle()

    def find_existing(self, remembered_until: float) -> None:
        """Fetch the order that an earlier process may have placed with this id, and cancel it if it is open.

        From `remembered_until` on (monotonic seconds) the venue may have forgotten an order that has ended; an order
        that is not found then stays UNKNOWN.
        """
        self._remembered_until = remembered_until
        self._confirm_until = self._sent_seconds + self._patience.confirm_seconds
        try:
            self._fetch_state()
            if self.state is not None and not self.is_over:
                self._cancel()
        except BaseException:
            self.settle()
            raise

    def wait(self, seconds: float) -> None:
        """Return when it has ended, at the latest after `seconds` seconds; it is fetched at least once."""
        until = self._clock.monotonic_seconds() + seconds
        while not self.is_over:
            self._fetch_state()
            remaining = until - self._clock.monotonic_seconds()
            if self.is_over or remaining <= 0:
                return
            self._clock.sleep(min(self._patience.poll_seconds, remaining))

    def settle(self) -> None:
        """Cancel it if it is open, and wait until it is certain how it ended; ABSENT if it certainly was never placed.

        After `confirm_seconds` it stays UNKNOWN. They count from the first request to settle it; for an order of
        `find_existing` from the creation of the leg, so that many legs share them. A first interruption is raised after
        the leg has ended, only a second one ends the wait.
        """
        self._confirm_until = min(self._confirm_until, self._clock.monotonic_seconds() + self._patience.confirm_seconds)
        try:
            self._settle(self._confirm_until)
        except BaseException:
            self._settle(self._confirm_until)
            raise

    def _place(self, send: Callable[[], None]) -> None:
        self._was_placed = True
        try:
            send()
        except PostOnlyRejectedError:
            self._end(Ending.RETRYABLE)
        except OrderRejectedError as error:
            _log.warning("order %s: the venue refused it: %s", self.client_order_id, error)
            self._end(Ending.REFUSED)
        except Exception:  # noqa: BLE001 - after any other failure the order may be there
            self._sent_seconds = self._clock.monotonic_seconds()
        except BaseException:
            self._sent_seconds = self._clock.monotonic_seconds()
            raise
        else:
            self.is_acknowledged = True
            self.rested_from = self._clock.now()

    def _settle(self, until: float) -> None:
        """Cancel and fetch until the venue answers how it ended, or it certainly never arrived."""
        pause = min(self._patience.poll_seconds, _LONGEST_PAUSE_SECONDS)
        while not self.is_over:
            self._cancel()
            self._fetch_state()
            remaining = until - self._clock.monotonic_seconds()
            if self.is_over or remaining <= 0:
                return
            self._clock.sleep(min(pause, remaining))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _cancel(self) -> None:
        self._was_cancelled = True
        self.rested_until = self.rested_until or self._clock.now()
        try:
            self._venue.cancel_order(self._symbol, self.client_order_id)
        except Exception:  # noqa: BLE001 - the next fetch shows the result
            _log.debug("order %s: cancelling it failed", self.client_order_id, exc_info=True)

    def _fetch_state(self) -> None:
        requested_seconds = self._clock.monotonic_seconds()
        try:
            state = self._venue.fetch_order(self._symbol, self.client_order_id)
        except Exception:  # noqa: BLE001 - no answer; the next fetch tries again
            _log.debug("order %s: fetching it failed", self.client_order_id, exc_info=True)
            return
        if state is not None:
            self._update_state(state)
        elif self._has_never_arrived(requested_seconds):
            self._end(Ending.ABSENT)

    def _has_never_arrived(self, requested_seconds: float) -> bool:
        is_late = requested_seconds - self._sent_seconds >= self._patience.absence_seconds
        is_remembered = requested_seconds <= self._remembered_until
        return is_late and is_remembered and not self.is_acknowledged and self.state is None

    def _update_state(self, state: OrderState) -> None:
        """Accept the venue's answer unless it is older than the last one."""
        if not self._was_cancelled:
            self.rested_from = self.rested_from or self._clock.now()
        if state.filled >= self.filled:
            self.state = state
        if not state.has_ended or state.filled < self.filled:
            return
        is_done = self._was_cancelled or state.filled > 0 or state.status is OrderStatus.FILLED
        self._end(Ending.DONE if is_done else Ending.RETRYABLE)

    def _end(self, ending: Ending) -> None:
        self.rested_until = self.rested_until or self._clock.now()
        self.ending = ending
