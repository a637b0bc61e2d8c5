"""What a router asks of a venue: five requests, three ways to fail, and the words for an order's state."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeGuard

from router_policy_client.order import Side


class VenueError(Exception):
    """The venue did not do what it was asked."""


class VenueTimeoutError(VenueError, TimeoutError):
    """The venue did not answer: the request may have been carried out, may still be, or never arrive."""


class PostOnlyRejectedError(VenueError):
    """The order would have crossed the spread; nothing was placed."""


class OrderRejectedError(VenueError):
    """The venue refused the order for good, as for want of funds; nothing was placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best prices of one moment. Raises ValueError unless they are finite Decimals with 0 < bid <= ask."""

    bid: Decimal
    ask: Decimal

    def __post_init__(self) -> None:
        if not (_is_number(self.bid) and _is_number(self.ask) and 0 < self.bid <= self.ask):
            raise ValueError(f"a quote of bid {self.bid} and ask {self.ask} is none: finite Decimals, 0 < bid <= ask")

    @property
    def mid(self) -> Decimal:
        """The price between the two."""
        return (self.bid + self.ask) / 2


def _is_number(value: object) -> TypeGuard[Decimal]:
    return isinstance(value, Decimal) and value.is_finite()


class OrderStatus(StrEnum):
    """Whether an order can still be filled, and how it ended where it cannot."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """One order at the venue. Any status but OPEN is final, and then `filled` is too.

    `filled` is in units of the traded asset. `average_price` and `fees` (in the quote currency) are None where nothing
    was filled or the venue does not tell; a price or fee that is no finite Decimal, or a price of 0 or less, tells
    nothing and becomes None. `is_maker` is its liquidity flag: all fills as maker, or not; None likewise. Raises
    ValueError for a status that is no OrderStatus, and for a `filled` that is no finite Decimal of 0 or more: what is
    left is reckoned with it.
    """

    status: OrderStatus
    filled: Decimal
    average_price: Decimal | None = None
    fees: Decimal | None = None
    is_maker: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "status", OrderStatus(self.status)
        )  # the text "open" is equal to the word, but is not it
        if not _is_number(self.filled) or self.filled < 0:
            raise ValueError(f"filled {self.filled!r} is no finite Decimal of 0 or more")
        if not _is_number(self.average_price) or self.average_price <= 0:
            object.__setattr__(self, "average_price", None)
        if not _is_number(self.fees):
            object.__setattr__(self, "fees", None)

    @property
    def has_ended(self) -> bool:
        """Whether nothing about it can change any more."""
        return self.status is not OrderStatus.OPEN


class Venue(Protocol):
    """A venue, from the router's side.

    What placing raises beside the two rejections counts as no answer, also where the id has been used before: the
    order is looked for. Requests must not be repeated behind the router's back: each is sent once or fails. None may
    wait for ever: what takes longer than some seconds raises VenueTimeoutError.
    """

    def quote(self, symbol: str) -> Quote:
        """Return the best prices now."""
        ...

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place a limit order that only rests; the price is rounded to a tick away from the other side.

        Raises PostOnlyRejectedError where it would cross, OrderRejectedError where it is refused for another reason.
        """
        ...

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Cross at once, for as much as there is, and leave nothing open. Raises OrderRejectedError where refused."""
        ...

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Ask for an order to be cancelled; what came of it is told by `fetch_order`, whatever this does."""
        ...

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None where the venue knows none of this id.

        An order that has ended must be found for some minutes after, filled or not: see `Patience.remembered_seconds`.
        """
        ...
