"""Translates answers of ccxt's exchanges: errors, statuses, amounts and trades."""

from collections.abc import Mapping
from decimal import Context, Decimal

import ccxt

from router_policy_client.venue import (
    OrderRejectedError,
    OrderStatus,
    PostOnlyRejectedError,
    VenueError,
)

STATUSES = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "canceling": OrderStatus.OPEN,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
# ccxt's errors for "nothing was placed". A bare ExchangeError leaves that open: ccxt also raises it for codes that mean
# "execution status unknown".
_REFUSALS = (
    ccxt.InvalidOrder,
    ccxt.InsufficientFunds,
    ccxt.BadRequest,
    ccxt.AuthenticationError,
    ccxt.ArgumentsRequired,
    ccxt.OperationRejected,
    ccxt.NotSupported,
)
_WOULD_CROSS = (ccxt.OrderImmediatelyFillable, ccxt.OrderNotFillable)
_CROSSING_WORDS = ("post only", "postonly", "immediately match", "as maker")
_DUPLICATE_ID_WORDS = ("duplicat", "already exist")
_TIMEOUT_WORDS = ("timeout", "timed out", "time out")


class NotFoundError(VenueError):
    """The exchange does not know the order."""


def translate_error(error: ccxt.ExchangeError) -> VenueError:
    """Return the venue error for ccxt's: by its class, or by its text if the class is only a general error."""
    message = str(error).lower().replace("-", " ").replace("_", " ")
    if isinstance(error, ccxt.DuplicateOrderId) or any(words in message for words in _DUPLICATE_ID_WORDS):
        return VenueError(f"this id has been used before, so the order may be there: {error}")
    if any(words in message for words in _TIMEOUT_WORDS):
        return VenueError(f"the request may have been carried out: {error}")
    if isinstance(error, _WOULD_CROSS) or any(words in message for words in _CROSSING_WORDS):
        return PostOnlyRejectedError(str(error))
    if isinstance(error, _REFUSALS) or "insufficient" in message:
        return OrderRejectedError(str(error))
    return VenueError(f"unclear answer, the request may have been carried out: {error}")


def to_decimal(number: object) -> Decimal:
    """Return a number of ccxt's, a float or a string, as the Decimal with its shortest digits."""
    return Decimal(str(number))


def to_amount(number: object) -> Decimal:
    """Return an amount rounded to 15 digits: sums of floats err in the 16th, and no lot step is as fine."""
    return Context(prec=15).create_decimal(str(number)).normalize() + 0


def to_price(number: object) -> Decimal | None:
    """Return a price, None for null or 0."""
    return to_decimal(number) if number else None


def average_price_of(trades: list[dict[str, object]]) -> Decimal | None:
    """Return the mean price of the trades, None without trades."""
    if not trades:
        return None
    paid = sum((to_decimal(trade["price"]) * to_decimal(trade["amount"]) for trade in trades), Decimal(0))
    return paid / sum((to_decimal(trade["amount"]) for trade in trades), Decimal(0))


def fees_of(trades: list[dict[str, object]], currency: str) -> Decimal | None:
    """Return the sum of the fees, None if one is unknown or in another currency."""
    total = Decimal(0)
    for trade in trades:
        fee = trade.get("fee")
        if not isinstance(fee, dict) or fee.get("cost") is None or fee.get("currency") != currency:
            return None
        total += to_decimal(fee["cost"])
    return total if trades else None


def is_maker_of(trades: list[dict[str, object]]) -> bool | None:
    """Return whether all trades were maker; None if one has no flag, and without trades."""
    flags = {trade.get("takerOrMaker") for trade in trades}
    if not flags or None in flags:
        return None
    return flags == {"maker"}


def least_of(market: Mapping[str, object], kind: str) -> Decimal:
    """Return the least `amount` or `cost` of an order in a market of ccxt, 0 if ccxt knows none."""
    limits = market.get("limits")
    bounds = limits.get(kind) if isinstance(limits, Mapping) else None
    least = bounds.get("min") if isinstance(bounds, Mapping) else None
    return to_decimal(least) if least else Decimal(0)
