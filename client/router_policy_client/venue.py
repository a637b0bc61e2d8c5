"""The venue interface of a router: five requests, their errors, the state of an order, and the rules of markets."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeGuard

from router_policy_client.order import Side


class VenueError(Exception):
    """The venue did not carry out a request."""


class VenueTimeoutError(VenueError, TimeoutError):
    """The venue did not answer: the request may have been carried out, may still be, or may never arrive."""


class PostOnlyRejectedError(VenueError):
    """The order would have crossed the spread; nothing was placed."""


class OrderRejectedError(VenueError):
    """The venue refused the order permanently, such as for insufficient funds; nothing was placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best prices of one moment. Raises ValueError unless they are finite Decimals with 0 < bid <= ask."""

    bid: Decimal
    ask: Decimal

    def __post_init__(self) -> None:
        if not (_is_number(self.bid) and _is_number(self.ask) and 0 < self.bid <= self.ask):
            raise ValueError(f"invalid quote, bid {self.bid}, ask {self.ask}: must be finite Decimals, 0 < bid <= ask")

    @property
    def mid(self) -> Decimal:
        """The mean of bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def half_spread_bps(self) -> float:
        """Half the difference of bid and ask, in basis points of the mid: what crossing costs."""
        return float((self.ask - self.bid) / 2 / self.mid * 10_000)


def _is_number(value: object) -> TypeGuard[Decimal]:
    return isinstance(value, Decimal) and value.is_finite()


class OrderStatus(StrEnum):
    """Whether an order is open, and how it ended if not."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """One order at the venue. Any status but OPEN is final, and then `filled` is too.

    `filled` is in units of the traded asset. `average_price` and `fees` (in the quote currency) are None if nothing was
    filled or the venue does not report them; a price or fee that is not a finite Decimal, or a price of 0 or less,
    becomes None. `is_maker` is the liquidity flag: whether all fills were maker; None if unknown. Raises ValueError for
    a status that is not an OrderStatus, and for a `filled` that is not a finite Decimal of 0 or more: the rest of the
    order is computed from it.
    """

    status: OrderStatus
    filled: Decimal
    average_price: Decimal | None = None
    fees: Decimal | None = None
    is_maker: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", OrderStatus(self.status))  # "open" equals the member but is not it
        if not _is_number(self.filled) or self.filled < 0:
            raise ValueError(f"filled {self.filled!r} is not a finite Decimal of 0 or more")
        if not _is_number(self.average_price) or self.average_price <= 0:
            object.__setattr__(self, "average_price", None)
        if not _is_number(self.fees):
            object.__setattr__(self, "fees", None)

    @property
    def has_ended(self) -> bool:
        """Whether the status is final."""
        return self.status is not OrderStatus.OPEN


class Venue(Protocol):
    """A venue, from the router's side.

    Any error of placing other than the two rejections counts as no answer, also for a duplicate id: the router then
    fetches the order. An implementation must not repeat requests by itself: each is sent once or fails. No request may
    wait for ever: after some seconds it raises VenueTimeoutError.
    """

    def quote(self, symbol: str) -> Quote:
        """Return the best prices now."""
        ...

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place a limit order that only rests; the price is rounded to a tick away from the other side.

        Raises PostOnlyRejectedError if it would cross, OrderRejectedError if the venue refuses it for another reason.
        """
        ...

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Cross at once, for as much as is available, and leave nothing open. Raises OrderRejectedError if refused."""
        ...

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Request a cancellation; the router takes the result from `fetch_order`."""
        ...

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None if the venue does not know the id.

        An order that has ended must be found for some minutes, filled or not: see `Patience.remembered_seconds`.
        """
        ...


class MarketVenue(Venue, Protocol):
    """A venue that knows the rules of its markets, if possible without a request: only then are there slivers.

    A router without these rules sends a part of an order only after the rest of it has ended, posts anew whenever the
    quote has changed, and cannot log where its maker orders rested.
    """

    def on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Return the price at which `place_post_only` rests an order: on a tick, away from the other side."""
        ...

    def tradable(self, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
        """Return a quantity rounded down to whole lot steps; 0 if the venue refuses an order of it at this price."""
        ...
